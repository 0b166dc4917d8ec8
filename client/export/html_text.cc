#include "client/export/html_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/markup_text.h"

namespace hftmon {

std::string Shortened(const std::string& text, size_t characters_max) {
  size_t characters = 0;
  size_t cut = 0;  // where the last character that may stay before an ellipsis ends
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins_character = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (!begins_character) continue;
    if (characters + 1 == characters_max) cut = i;
    ++characters;
  }
  return characters <= characters_max ? text : text.substr(0, cut) + "…";
}

std::string HeatClass(double value, double largest) {
  if (value <= 0 || largest <= 0) return "h0";
  const int level = 6 - static_cast<int>(std::floor(std::log(largest / value) / std::log(4.0)));
  return fmt::format("h{}", std::clamp(level, 1, 6));
}

std::string SvgText(double x, double y, std::string_view classes, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, classes, EscapeMarkup(text));
}

std::string SvgRect(double x, double y, double width, double height, std::string_view classes, std::string_view title) {
  const std::string shape =
      fmt::format("<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\" class=\"{}\"", x, y, width, height, classes);
  return title.empty() ? shape + "/>\n" : fmt::format("{}><title>{}</title></rect>\n", shape, EscapeMarkup(title));
}

}  // namespace hftmon
