// WakeUpJitter: how late a periodic thread woke up. Pure functions, any thread.
//
// A thread that sleeps until times that it gives (clock_nanosleep) is late from those times (source timer), whose intervals must be
// regular: where wake-ups of that kind are at least half as many as those of the system call that it sleeps in most. Of another (timerfd,
// epoll, futex) nobody knows when it should have been woken: it is late from the grid of the wake-ups of that call (source envelope, see
// WakeUpGrid).
#ifndef HFTMON_DAEMON_ANALYSIS_WAKE_UP_JITTER_H_
#define HFTMON_DAEMON_ANALYSIS_WAKE_UP_JITTER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/switch_summary.h"
#include "daemon/analysis/wake_up_grid.h"

namespace hftmon {

// A sleep that ended. CLOCK_MONOTONIC.
struct WakeUp {
  int64_t out_mono_ns = 0;        // it left its CPU
  int64_t on_cpu_mono_ns = 0;     // it had one again
  int64_t asked_for_mono_ns = 0;  // it asked to be woken then; 0: not known
  int32_t syscall = -1;           // that it slept in
};

// Of sleeps until a time, for a period to be told.
inline constexpr size_t kTimerWakeUpsMin = 20;

enum class JitterSource : uint8_t { kTimer, kEnvelope };

struct WakeUpJitter {
  int64_t period_ns = 0;
  JitterSource source = JitterSource::kTimer;
  DurationSummary lateness;          // max and percentiles exact
  uint64_t missed_period_count = 0;  // periods without a wake-up, pauses (kPausePeriods) left out
};

struct JitterFinding {
  std::optional<WakeUpJitter> jitter;
  NoPeriod why_not = NoPeriod::kNone;  // where there is none
  uint64_t wake_up_count = 0;          // that were looked at, and
  uint64_t needed_count = 0;           // how many it takes at least
};

// `wake_ups` ascend. `period_ns` 0: to be found. Percentiles as in DurationSummary.
JitterFinding FindJitter(std::span<const WakeUp> wake_ups, int64_t period_ns, std::span<const double> percentiles);

// Count, sum, maximum and percentiles of the values themselves.
DurationSummary SummarizeLateness(std::vector<int64_t> lateness_ns, std::span<const double> percentiles);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_WAKE_UP_JITTER_H_
