#include "client/top/screen_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/utf8.h"

namespace hftmon {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// Of one column on every terminal: Latin, Greek and Cyrillic without what combines, dashes and quotes, arrows, frames and blocks.
constexpr std::array kOneColumn = {Range{0x20, 0x7e},     Range{0xa1, 0xac},    Range{0xae, 0x2ff},  Range{0x370, 0x377},
                                   Range{0x37a, 0x37f},   Range{0x384, 0x482},  Range{0x48a, 0x52f}, Range{0x2010, 0x2027},
                                   Range{0x2190, 0x2193}, Range{0x2500, 0x25ff}};

constexpr bool IsContinuation(char byte) {
  return (byte & 0xC0) == 0x80;
}

uint32_t CodePoint(std::string_view sequence) {
  const auto lead = static_cast<uint8_t>(sequence[0]);
  if (sequence.size() == 1) return lead;
  uint32_t code = lead & (0xffU >> (sequence.size() + 1));
  for (const char byte : sequence.substr(1)) code = (code << 6) | (static_cast<uint8_t>(byte) & 0x3fU);
  return code;
}

size_t SequenceAt(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && IsContinuation(text[end])) ++end;
  return end - at;
}

// Bytes of the first `columns` characters.
size_t BytesOf(std::string_view text, int columns) {
  size_t at = 0;
  for (int i = 0; i < columns && at < text.size(); ++i) at += SequenceAt(text, at);
  return at;
}

}  // namespace

std::string OneColumnEach(std::string_view text, bool utf8) {
  const std::string valid = ValidUtf8(text);
  std::string clean;
  for (size_t at = 0; at < valid.size();) {
    const std::string_view sequence = std::string_view(valid).substr(at, SequenceAt(valid, at));
    const uint32_t code = CodePoint(sequence);
    const bool shown = std::any_of(kOneColumn.begin(), kOneColumn.end(), [code](Range r) { return r.first <= code && code <= r.last; });
    if (shown && (utf8 || code < 0x80)) {
      clean += sequence;
    } else {
      clean += '?';
    }
    at += sequence.size();
  }
  return clean;
}

int ColumnsOf(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char byte) { return !IsContinuation(byte); }));
}

std::string Clipped(const std::string& text, int columns) {
  if (columns <= 0) return {};
  if (ColumnsOf(text) <= columns) return text;
  return text.substr(0, BytesOf(text, columns - 1)) + "~";
}

std::string LeftAligned(const std::string& text, int columns) {
  std::string aligned = Clipped(text, columns);
  return aligned + std::string(static_cast<size_t>(std::max(0, columns - ColumnsOf(aligned))), ' ');
}

std::string RightAligned(const std::string& text, int columns) {
  const std::string aligned = Clipped(text, columns);
  return std::string(static_cast<size_t>(std::max(0, columns - ColumnsOf(aligned))), ' ') + aligned;
}

std::vector<std::string> Wrapped(const std::string& line, int columns, int indent) {
  columns = std::max(columns, 1);
  indent = std::clamp(indent, 0, columns - 1);
  std::vector<std::string> pieces;
  std::string rest = line;
  while (ColumnsOf(rest) > columns) {
    const size_t limit = BytesOf(rest, columns);
    // A space within what the indent does not take, else a word is broken.
    size_t cut = rest.rfind(' ', limit);
    const size_t least = rest.find_first_not_of(' ');
    if (cut == std::string::npos || cut <= least || cut <= static_cast<size_t>(indent)) cut = limit;
    pieces.push_back(rest.substr(0, cut));
    const size_t next = rest.find_first_not_of(' ', cut);
    if (next == std::string::npos) return pieces;
    rest = std::string(static_cast<size_t>(indent), ' ') + rest.substr(next);
  }
  pieces.push_back(rest);
  return pieces;
}

}  // namespace hftmon
