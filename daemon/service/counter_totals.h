// CounterTotals: the seam through which the service reads threads' counters, as the programs keep them.
//
// Implemented by whoever owns the memory, faked in tests. Any thread; never blocks the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_COUNTER_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_COUNTER_TOTALS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/ingest/counter_span.h"

namespace hftmon {

// Since the set is counted. No span is lost here, however slowly they are read; what a CPU refused to read (drop counter
// counter_readings_failed) is missing, and so is a value that fell (counter_values_discarded).
struct ThreadCounterTotal {
  ThreadKey thread;
  std::string unavailable;     // why there are no figures, and the mend; empty when there are
  bool unread = false;         // the reason: it was not read twice yet since these events are counted
  uint64_t reading_count = 0;  // of the counters, spans or not
  int64_t last_mono_ns = 0;    // the last one
  CounterSpan sum;             // of all of them: from the first reading to the last
};

class CounterTotals {
 public:
  struct State {
    CounterSet set;
    std::string reason;                                            // why nothing is counted, and the mend; empty: it is
    std::vector<std::pair<std::string, std::string>> unavailable;  // metrics that are not in the set, CPUs that count nothing: why
    uint64_t cross_call_count = 0;                                 // interrupts that opening, closing and ReadNow have sent so far
  };
  struct Now {
    std::vector<CounterSpan> spans;  // from each running thread's last reading until now
    uint64_t cross_call_count = 0;   // sent for it
  };

  virtual ~CounterTotals() = default;
  virtual State state() const = 0;
  // Every thread of the process that has a slot now.
  virtual std::vector<ThreadCounterTotal> ThreadsOf(uint32_t tgid) const = 0;
  // Reads the counters of the CPUs on which threads of the process run now, from here: one interrupt for each. FAILED_PRECONDITION:
  // nothing is counted, or quiet mode. Threads that were switched or ticked meanwhile are left out.
  virtual absl::StatusOr<Now> ReadNow(uint32_t tgid) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_COUNTER_TOTALS_H_
