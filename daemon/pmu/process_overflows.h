// ProcessOverflows: every thread of a process, its counters read at each overflow of one of them, for a while.
//
// One thread at a time; what Parts points to outlives it. Costs as ThreadOverflows, for each thread; Drain makes no system call. Bounds:
// threads_max threads, rings of kRingBytesTotal together, but of each thread kRingPagesMin at least; beside them a page of each, and of the
// daemon's own memory as much as its ring, at most 64 KiB.
#ifndef HFTMON_DAEMON_PMU_PROCESS_OVERFLOWS_H_
#define HFTMON_DAEMON_PMU_PROCESS_OVERFLOWS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/monotonic_clock.h"
#include "daemon/pmu/thread_list.h"
#include "daemon/pmu/thread_overflows.h"

namespace hftmon {

struct ThreadOverflowFigures {
  pid_t tid = 0;
  bool born = false;  // made after it began, and counted only since the look that found it
  OverflowCounts counts;
};

// Since it was opened.
struct ProcessOverflowCounts {
  size_t thread_count = 0;  // counted, those that ended since included
  size_t born_thread_count = 0;
  // That a look found and that are not counted. In no count: what lived between two looks, or took the number of what ended between them.
  size_t unsampled_thread_count = 0;
  std::string unsampled_reason;  // of the first of those
  uint64_t event_count = 0;      // opened: for each thread each event
  // Sent to open, switch on, switch off and close them, those that were refused half-way too: none where the thread did not run.
  uint64_t cross_call_count_max = 0;
  uint64_t ring_bytes = 0;  // locked; not in it: what is kept for records that wrap, as much as each ring, at most 64 KiB
};

class ProcessOverflows {
 public:
  static constexpr size_t kRingPagesMin = 8;
  static constexpr size_t kRingPagesMax = 1'024;
  static constexpr size_t kRingBytesTotal = size_t{64} << 20;
  static constexpr size_t kGoOnThreads = 64;
  static constexpr int64_t kRingTimeNs = 50'000'000;  // of samples at the asked rate that a ring holds, where there is room for it

  struct Parts {
    PerfEventCalls* calls = nullptr;
    PerfRingMemory* memory = nullptr;
    const MonotonicClock* clock = nullptr;
    ListThreads threads;
    // Asked before each kGoOnThreads-th thread is opened or switched on: not OK ends that with it. Null: never.
    std::function<absl::Status()> go_on = nullptr;
  };
  struct Options {
    int64_t rate_hz = 1;
    size_t threads_max = 1'024;
    PerfEventRefusalFacts facts;
  };
  // `thread`: its place in threads(), where a second thread of a number has one of its own.
  using Visit = absl::FunctionRef<void(size_t thread, const OverflowSpan&)>;

  // Switched off. Every thread once, those that are made meanwhile included, and those left out that end. NOT_FOUND: the process ended.
  // ABORTED: it makes threads faster than they are opened. RESOURCE_EXHAUSTED: too many threads or descriptors, too much locked memory.
  // Else as ThreadOverflows::Open, and what the list and go_on say.
  static absl::StatusOr<ProcessOverflows> Open(Parts parts, pid_t pid, OverflowEvent overflow, std::vector<CountedEvent> members,
                                               const Options& options);

  // One thread after the other: their beginnings are apart by the time that takes. What go_on says: some are on then.
  absl::Status Begin();
  // Counts threads that were made since too. NOT_FOUND: the process ended. What go_on says. That a thread cannot be counted is no error but
  // counted.
  absl::Status Look();
  // Hands out the spans that the rings hold: of each ring no more than it held when this began.
  void Drain(Visit visit);
  // Switches off, drains, and hands out of each thread the rest. All that can be, also after an error: the first.
  absl::Status End(Visit visit);

  std::vector<ThreadOverflowFigures> threads() const;
  const ProcessOverflowCounts& counts() const { return counts_; }

 private:
  ProcessOverflows(Parts parts, pid_t pid, OverflowEvent overflow, std::vector<CountedEvent> members, const Options& options)
      : parts_(std::move(parts)), pid_(pid), overflow_(std::move(overflow)), members_(std::move(members)), options_(options) {}

  size_t RingPages(size_t thread_count) const;
  // Of the thread of that number.
  absl::Status MayGoOn(size_t number) const;
  absl::StatusOr<std::vector<pid_t>> Unknown(size_t threads_max);
  absl::Status OpenThread(pid_t tid, size_t thread_count, bool born);

  Parts parts_;
  pid_t pid_;
  OverflowEvent overflow_;
  std::vector<CountedEvent> members_;
  Options options_;
  struct Thread {
    ThreadOverflows overflows;
    bool born = false;
  };
  std::set<pid_t> known_;  // threads that were met, counted or not
  std::vector<Thread> threads_;
  ProcessOverflowCounts counts_;
  size_t opened_count_ = 0;  // tried, for go_on
  size_t ring_pages_ = 0;    // of all rings
  bool on_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_PROCESS_OVERFLOWS_H_
