// Text that stands in HTML, SVG or XML. Pure, any thread.
#ifndef HFTMON_COMMON_MARKUP_TEXT_H_
#define HFTMON_COMMON_MARKUP_TEXT_H_

#include <string>
#include <string_view>

namespace hftmon {

// Markup characters and quotes escaped, so that it may stand between tags and in quoted attributes; control characters but line feeds
// become
// '?', and so do bytes that are not UTF-8.
std::string EscapeMarkup(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_COMMON_MARKUP_TEXT_H_
