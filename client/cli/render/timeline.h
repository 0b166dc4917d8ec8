// What threads did over a window, drawn in columns of equal time, and for programs. Pure functions.
#ifndef HFTMON_CLIENT_CLI_RENDER_TIMELINE_H_
#define HFTMON_CLIENT_CLI_RENDER_TIMELINE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/console.h"
#include "client/cli/render/json.h"
#include "hftmon/v1/timeline.pb.h"

namespace hftmon {

// Of the time axis: fewer say nothing, more are no terminal's.
inline constexpr int kTimelineColumnsMin = 10;
inline constexpr int kTimelineColumnsMax = 10'000;

// One thread in columns. Each line has as many characters as there are columns.
struct TimelineRow {
  std::string states;  // the state that had most of the column's time; of equals the first of !w-?#; blank: nothing is known of it
  std::string hidden;  // the state of which there is also something in the column, !, w or -; * where there are several; else blank
  std::string
      cpus;  // its CPU where it begins to run there, dots as long as it does; + where the number has no room; blank: none, or not known
};
TimelineRow RowOf(const v1::ThreadTimeline& thread, int64_t begin_ns, int64_t end_ns, int columns);

// `width`: of a whole line; the columns are what the names leave of it.
std::string TimelineText(const v1::QueryTimelineResponse& response, const absl::TimeZone& zone, const TextStyle& style, int width);

Json TimelineJson(const v1::QueryTimelineResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_TIMELINE_H_
