// EventFile: moments that a user names, one a line: `TIME ID`. Pure functions.
//
// Fields are separated by blanks or tabs, or by one comma or semicolon with blanks around it; what follows the ID is left alone, so a table
// exported with these two columns first is fine, and so is one within double quotes. Empty lines and those that begin with # are left out.
// The first of the others may be a header: it is one when it does not begin with a digit, a sign or a quoted digit.
//
// TIME: a whole number is nanoseconds (of the counter: ticks). A number with a point is seconds, with 1 to 9 digits behind it; not of the
// counter. Of wall time also RFC 3339: 2026-11-27T07:14:12.123456789Z, or with an offset such as +01:00. A whole number of wall time that
// lies before 1973 is refused: it is seconds, milliseconds or microseconds.
#ifndef HFTMON_CLIENT_CLI_EVENT_FILE_H_
#define HFTMON_CLIENT_CLI_EVENT_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hftmon/v1/timeline.pb.h"

namespace hftmon {

using EventClock = v1::CorrelateEventsRequest::Clock;

// "monotonic", "realtime", "tai", "tsc".
absl::StatusOr<EventClock> ParseEventClock(const std::string& option, const std::string& text);

// In the order of the lines. INVALID_ARGUMENT "FILE:LINE: <cause>: <mend>" for the first line that cannot be read, and where there is no
// event. `name`: of the file, for that.
absl::StatusOr<std::vector<v1::TimedEvent>> ParseEventFile(const std::string& name, const std::string& text, EventClock clock);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_EVENT_FILE_H_
