// Text as it stands on a terminal: every character that leaves here takes one column and none drives the terminal, so that what counts
// characters counts columns. Pure functions.
#ifndef HFTMON_CLIENT_TOP_SCREEN_TEXT_H_
#define HFTMON_CLIENT_TOP_SCREEN_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace hftmon {

// `text` from outside with '?' for what is not UTF-8, controls, combines with the character before it, changes the direction of text or is
// wider than one column; without `utf8`, for all that is not ASCII.
std::string OneColumnEach(std::string_view text, bool utf8);

// Of what OneColumnEach made.
int ColumnsOf(std::string_view text);

// At most `columns` of it, whose last is '~' where something was left out.
std::string Clipped(const std::string& text, int columns);

// Exactly `columns`: clipped, or filled with spaces behind it or before it.
std::string LeftAligned(const std::string& text, int columns);
std::string RightAligned(const std::string& text, int columns);

// `line` in pieces of at most `columns`, broken at spaces where there are some; all but the first begin with `indent` spaces. At least one.
std::vector<std::string> Wrapped(const std::string& line, int columns, int indent);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_SCREEN_TEXT_H_
