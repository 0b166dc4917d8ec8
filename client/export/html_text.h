// Text for HTML and for the SVG within it. Pure, any thread.
#ifndef HFTMON_CLIENT_EXPORT_HTML_TEXT_H_
#define HFTMON_CLIENT_EXPORT_HTML_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace hftmon {

// At most `characters_max` of them, the last one an ellipsis where some were left out.
std::string Shortened(const std::string& text, size_t characters_max);

// The class h0 … h6 of a share of the largest value: 0 is none at all, h1 to h6 each a factor of four below the next.
std::string HeatClass(double value, double largest);

// An element of SVG: <text>, escaped.
std::string SvgText(double x, double y, std::string_view classes, std::string_view text);
std::string SvgRect(double x, double y, double width, double height, std::string_view classes, std::string_view title = {});

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_HTML_TEXT_H_
