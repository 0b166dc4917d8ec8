#include "client/cli/render/warnings.h"

#include <fmt/format.h>

#include "common/duration.h"

namespace hftmon {
namespace {

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
      fmt::format("{} {} not watched and in no figure: no place in the tables of threads: `hftmon status` says under slots_exhausted and "
                  "pid_too_large which: start hftmond with a larger --threads-max, or anew for larger thread ids",
                  thread_count, thread_count == 1 ? "thread was" : "threads were"));
}

std::string Floor(const char* what, bool has_floor, int64_t floor_ns) {
  return has_floor ? fmt::format("the kernel recorded {} above {} only", what, FormatDuration(floor_ns))
                   : fmt::format("the kernel recorded no {}", what);
}

}  // namespace

std::vector<std::string> WarningsOf(const v1::DetectSpikesResponse& response) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(
        fmt::format("{} records were lost in the window: some spikes may be missing: see `hftmon status`", response.lost_records()));
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

std::vector<std::string> WarningsOf(const v1::QueryContextSwitchesResponse& response, bool events_asked) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(
        fmt::format("{} records were lost in the window: counts are exact, single intervals may be missing: see `hftmon status`",
                    response.lost_records()));
  }
  if (events_asked && response.events_incomplete()) {
    warnings.push_back(fmt::format(
        "the list of intervals is incomplete: {}, or older ones were left out: attach with a lower --blocked and --threshold, or ask "
        "for a shorter --window",
        Floor("whole off-CPU intervals", response.has_events_floor_ns(), response.events_floor_ns())));
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
