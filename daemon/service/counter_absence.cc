#include "daemon/service/counter_absence.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/duration.h"

namespace hftmon {
namespace {

constexpr char kNoReading[] =
    "no reading in this window: it neither switched nor was its CPU ticked: ask with read_now (`hftmon cache --now`), or mark it with the "
    "marker library's counters";

// Off its CPU at that time, and since.
bool LeftBefore(const ServiceCore& core, const ThreadTotal& switches, int64_t mono_ns) {
  if (!switches.seen && switches.found_asleep_mono_ns > 0) return true;
  if (!switches.departure) return false;
  const ThreadDeparture& departure = *switches.departure;
  if (departure.out_clock_ns < 0) return true;  // it slept already when it was found
  const std::optional<int64_t> out_ns =
      core.time == nullptr ? std::nullopt : core.time->FromRunQueueClock(departure.cpu, departure.out_clock_ns);
  return out_ns && *out_ns <= mono_ns;
}

}  // namespace

std::string WhyNoSpan(const ServiceCore& core, const ThreadKey& thread, const ThreadCounterTotal* total, const SpanlessWindow& window) {
  if (total == nullptr) return "it is not counted";
  const std::optional<ThreadTotal> switches = core.totals->Find(thread);
  if (!total->unavailable.empty()) {
    // Who is on no CPU since the events are counted cannot have been read, and has nothing to be read of.
    const int64_t since_ns = std::max(window.begin_mono_ns, window.since_mono_ns);
    return total->unread && switches && LeftBefore(core, *switches, since_ns) ? "" : total->unavailable;
  }
  if (total->reading_count > 0 && total->last_mono_ns > window.begin_mono_ns) {
    if (window.lost_count > 0) return "its readings of this window were lost";
    return fmt::format("its readings of this window are less than {} apart, or on their way still: ask for a longer one",
                       FormatDuration(window.interval_ns));
  }
  // Who is off its CPU and was not read in the window left it before.
  const bool slept = switches && (!switches->alive || switches->departure || (!switches->seen && switches->found_asleep_mono_ns > 0));
  return slept ? "" : kNoReading;
}

}  // namespace hftmon
