// CounterSampling: the seam through which the service has a process's counters read at a stated rate. Implemented by the daemon, faked in
// tests. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_COUNTER_SAMPLING_H_
#define HFTMON_DAEMON_SERVICE_COUNTER_SAMPLING_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/analysis/counter_window.h"
#include "daemon/pmu/counter_wish.h"
#include "daemon/pmu/overflow_event.h"
#include "daemon/pmu/process_overflows.h"

namespace hftmon {

struct CounterSamplingPlan {
  uint32_t pid = 0;
  int64_t start_boottime_ns = 0;  // of the process: another one may get the number
  int64_t duration_ns = 0;
  int64_t rate_hz = 0;
  OverflowBy by = OverflowBy::kBest;
  CounterWish wish;  // its interval is of no meaning here
};

// How wide spans were, from begin to end.
struct SpanWidths {
  uint64_t count = 0;
  int64_t sum_ns = 0;
  int64_t narrowest_ns = 0, widest_ns = 0;  // of no meaning without a span

  void Add(int64_t wide_ns) { Add({.count = 1, .sum_ns = wide_ns, .narrowest_ns = wide_ns, .widest_ns = wide_ns}); }
  void Add(const SpanWidths& other) {
    if (other.count == 0) return;
    narrowest_ns = count == 0 ? other.narrowest_ns : std::min(narrowest_ns, other.narrowest_ns);
    widest_ns = count == 0 ? other.widest_ns : std::max(widest_ns, other.widest_ns);
    count += other.count;
    sum_ns += other.sum_ns;
  }
};

// Of one thread. The window has all that was counted; rates are of the spans that ended with an overflow and were not held back in it.
struct SampledCounters {
  uint32_t tid = 0;
  bool born = false;  // meanwhile: counted from the look that found it on
  OverflowCounts counts;
  CounterWindow window;
  SpanWidths widths;                  // of spans that ended with an overflow, those held back too: what follows the last is in none
  uint64_t throttled_span_count = 0;  // spans whose values are at least so much
};

struct CounterSamples {
  int64_t begin_mono_ns = 0;   // before the first thread's counters were switched on
  int64_t end_mono_ns = 0;     // when all were off
  bool process_ended = false;  // before the time was over
  CounterSet set;
  std::vector<CounterRate> rates;  // of the set, in the order of each window's
  std::string overflow_event;      // OverflowEvent's name, period and reason
  uint64_t overflow_period = 0;
  std::string overflow_reason;
  std::optional<int64_t> sample_rate_max_hz;                     // when it ended: the kernel lowers it while samples take too long
  std::vector<std::pair<std::string, std::string>> unavailable;  // metrics, CPUs and threads that are not counted: why
  std::vector<SampledCounters> threads;
  ProcessOverflowCounts counts;
  int64_t daemon_cpu_ns = 0;  // what sampling took of the daemon's own CPUs
};

// One sampling. Its end is its destructor, which waits until it is over: Cancel first, and wait for the result, where waiting is bad.
class CounterSamplingRun {
 public:
  virtual ~CounterSamplingRun() = default;
  // It ends soon, with CANCELLED.
  virtual void Cancel() = 0;
  // nullptr until it is over; valid as long as the object. FAILED_PRECONDITION, NOT_FOUND, INVALID_ARGUMENT (reason NO_COUNTERS): this host
  // does not count what was wished for, or not so, with the cause and the mend; or FAILED_PRECONDITION as Begin refuses. NOT_FOUND (reason
  // ENDED): the process ended before it began; (reason NOT_A_TARGET): it was detached, before or meanwhile. PERMISSION_DENIED,
  // RESOURCE_EXHAUSTED: as ProcessOverflows::Open.
  virtual const absl::StatusOr<CounterSamples>* Result() const = 0;
};

class CounterSampling {
 public:
  virtual ~CounterSampling() = default;
  // FAILED_PRECONDITION: quiet mode (reason QUIET), or the daemon is off (reason OFF). RESOURCE_EXHAUSTED (reason SAMPLING): the process is
  // sampled already, or as many as may be are. The object must not outlive this one.
  virtual absl::StatusOr<std::unique_ptr<CounterSamplingRun>> Begin(const CounterSamplingPlan& plan) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_COUNTER_SAMPLING_H_
