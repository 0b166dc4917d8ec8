#include "client/cli/render/warnings.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int64_t kBlockedMinNs = 1'000;  // the daemon takes no lower --blocked

void AddLate(const v1::Window& window, std::vector<std::string>& warnings) {
  if (!window.late()) return;
  warnings.push_back("the window ends early: the daemon's loop is stuck or starved: see `hftmon status`, give it a CPU of its own");
}

void AddOff(const v1::Window& window, std::vector<std::string>& warnings) {
  if (window.off_ns() == 0) return;
  warnings.push_back(
      fmt::format("the programs were off for {} of the window (`hftmon off`): no interval, histogram or spike is of that time",
                  FormatDuration(window.off_ns())));
}

void AddUnslotted(uint64_t thread_count, std::vector<std::string>& warnings) {
  if (thread_count == 0) return;
  warnings.push_back(
      fmt::format("{} not watched and in no figure: no place in the tables of threads: `hftmon status` says under slots_exhausted and "
                  "pid_too_large which: start hftmond with a larger --threads-max, or anew for larger thread ids",
                  Counted(thread_count, "thread was", "threads were")));
}

std::string Lost(uint64_t count) {
  return Counted(count, "record was", "records were");
}

std::string Floor(const char* what, bool has_floor, int64_t floor_ns) {
  return has_floor ? fmt::format("the kernel recorded {} above {} only", what, FormatDuration(floor_ns))
                   : fmt::format("the kernel recorded no {}", what);
}

// Either the kernel was not told to record intervals as short as those asked for, or some that it recorded are no longer kept.
std::string WhyIncomplete(const v1::QueryContextSwitchesResponse& response, int64_t min_duration_ns) {
  const bool below_floor = !response.has_events_floor_ns() || response.events_floor_ns() > min_duration_ns;
  if (!below_floor) return "older ones were overwritten: ask for a shorter --window, or start hftmond with a larger --switch-history";
  const std::string waits =
      response.has_run_queue_floor_ns() ? fmt::format("waits above {}", FormatDuration(response.run_queue_floor_ns())) : "no waits";
  const std::string blocked = FormatDuration(std::max(min_duration_ns, kBlockedMinNs));
  if (!response.has_events_floor_ns()) {
    return fmt::format(
        "it holds {} only: whole off-CPU intervals are recorded where a target asks for them, and none did throughout the window: attach "
        "with --blocked {}, then wait a --window",
        waits, blocked);
  }
  const std::string floor = FormatDuration(response.events_floor_ns());
  return fmt::format(
      "--min-duration {} is below the {} (--blocked) above which whole off-CPU intervals were recorded in the window: give {} or more, or "
      "attach with --blocked {}, then wait a --window",
      FormatDuration(min_duration_ns), floor, floor, blocked);
}

}  // namespace

std::vector<std::string> WarningsOf(const v1::DetectSpikesResponse& response) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(
        fmt::format("{} lost in the window: some spikes may be missing: see `hftmon status`", Lost(response.lost_records())));
  }
  if (response.incomplete()) {
    warnings.push_back(
        fmt::format("incomplete: {}, or older spikes were left out: attach with a lower --threshold, or ask for a shorter --window",
                    Floor("waits", response.has_floor_ns(), response.floor_ns())));
  }
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(response.window(), warnings);
  AddOff(response.window(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::StreamSpikesResponse& announcement) {
  std::vector<std::string> warnings;
  AddUnslotted(announcement.unslotted_thread_count(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryContextSwitchesResponse& response, int64_t min_duration_ns) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(fmt::format("{} lost in the window: counts are exact, single intervals may be missing: see `hftmon status`",
                                   Lost(response.lost_records())));
  }
  if (min_duration_ns > 0 && response.events_incomplete()) {
    warnings.push_back("the list of intervals is incomplete: " + WhyIncomplete(response, min_duration_ns));
  }
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(response.window(), warnings);
  AddOff(response.window(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryInterruptsResponse& response) {
  std::vector<std::string> warnings;
  AddUnslotted(response.unslotted_thread_count(), warnings);
  return warnings;
}

void PrintWarnings(Console& console, const std::string& verb, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) console.Err(fmt::format("hftmon: {}: {}\n", verb, warning));
}

}  // namespace hftmon
