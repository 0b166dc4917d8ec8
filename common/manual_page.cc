#include "common/manual_page.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdint>

namespace hftmon {
namespace {

// The code point that begins at `*at`, which moves to the next; of bytes that are not UTF-8 the byte itself.
uint32_t NextCodePoint(std::string_view text, size_t* at) {
  const auto lead = static_cast<unsigned char>(text[*at]);
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  if (length == 1 || *at + length > text.size()) {
    ++*at;
    return lead;
  }
  uint32_t point = lead & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) point = point << 6 | (static_cast<unsigned char>(text[*at + i]) & 0x3fu);
  *at += length;
  return point;
}

// One line; `x` is bold where `marks` is set.
std::string Escaped(std::string_view text, bool marks) {
  std::string escaped;
  if (!text.empty() && (text[0] == '.' || text[0] == '\'')) escaped = "\\&";
  bool bold = false;
  for (size_t at = 0; at < text.size();) {
    const uint32_t point = NextCodePoint(text, &at);
    if (point == '\\') {
      escaped += "\\e";
    } else if (point == '-') {
      escaped += "\\-";
    } else if (point == '^') {
      escaped += "\\(ha";
    } else if (point == '~') {
      escaped += "\\(ti";
    } else if (point == '\'') {
      escaped += "\\(aq";
    } else if (point == '`' && marks) {
      bold = !bold;
      escaped += bold ? "\\fB" : "\\fR";
    } else if (point == '`') {
      escaped += "\\(ga";
    } else if (point == '\n') {
      escaped += ' ';
    } else if (point < 0x80) {
      escaped += static_cast<char>(point);
    } else {
      escaped += fmt::format("\\[u{:04X}]", point);
    }
  }
  return escaped + (bold ? "\\fR" : "");
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

}  // namespace

ManualPage::ManualPage(std::string_view name, int section, std::string_view release, std::string_view summary)
    : text_(fmt::format(".TH \"{}\" \"{}\" \"\" \"{}\" \"hftmon manual\"\n.nh\n.ad l\n.SH NAME\n{} \\- {}\n", Escaped(Upper(name), false),
                        section, Escaped(release, false), Escaped(name, false), Escaped(summary, false))) {}

void ManualPage::BeginParagraph() {
  if (!after_heading_) text_ += ".PP\n";
  after_heading_ = false;
}

void ManualPage::Section(std::string_view title) {
  after_heading_ = true;
  text_ += fmt::format(".SH {}\n", Escaped(title, false));
}

void ManualPage::Subsection(std::string_view title) {
  after_heading_ = true;
  text_ += fmt::format(".SS {}\n", Escaped(title, false));
}

void ManualPage::Paragraph(std::string_view text) {
  BeginParagraph();
  text_ += Escaped(text, true) + "\n";
}

void ManualPage::Synopsis(std::string_view text) {
  const size_t space = text.find(' ');
  BeginParagraph();
  text_ += fmt::format("\\fB{}\\fR{}\n", Escaped(text.substr(0, space), false),
                       space == std::string_view::npos ? "" : Escaped(text.substr(space), false));
}

void ManualPage::Item(std::string_view term, std::string_view text) {
  after_heading_ = false;
  text_ += fmt::format(".TP\n\\fB{}\\fR\n{}\n", Escaped(term, false), Escaped(text, true));
}

}  // namespace hftmon
