// ProcessCounters: the same events of every thread of a process, a group for each, and of the threads it makes from then on.
//
// One thread at a time; `calls` outlives it. Never from the loop. Costs as CounterGroup, for each thread: Open, Enable, Disable and Read
// interrupt every CPU where one of them runs. Opened switched off. Memory and descriptors: threads times events.
#ifndef HFTMON_DAEMON_PMU_PROCESS_COUNTERS_H_
#define HFTMON_DAEMON_PMU_PROCESS_COUNTERS_H_

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/pmu/counter_group.h"
#include "daemon/pmu/thread_list.h"

namespace hftmon {

struct ThreadReadings {
  pid_t tid = 0;                         // the heirs of a thread are in its readings
  std::vector<CounterReading> readings;  // in the order of the events
};

class ProcessCounters {
 public:
  struct Options {
    CounterHeirs heirs = CounterHeirs::kThreads;
    size_t threads_max = 16'384;
    PerfEventRefusalFacts facts;
  };

  // Every thread once: after they were opened they are listed again, and where others have come all is begun anew, since whether those are
  // heirs of an opened thread cannot be seen. A kernel that does not let such events be inherited as asked counts fewer or more heirs: see
  // shortfall().
  // NOT_FOUND: it ended. ABORTED: it makes threads faster than they are opened. RESOURCE_EXHAUSTED: too many threads or descriptors. Else
  // as CounterGroup::Open, and what `list` says.
  static absl::StatusOr<ProcessCounters> Open(PerfEventCalls& calls, const ListThreads& list, pid_t pid,
                                              std::span<const CountedEvent> events, const Options& options);

  // One thread after the other: their beginnings are apart by the time that takes.
  absl::Status Enable();
  absl::Status Disable();
  // Of those too that ended since.
  absl::StatusOr<std::vector<ThreadReadings>> Read() const;

  size_t thread_count() const { return groups_.size(); }
  // What is counted besides the threads that were there.
  CounterHeirs heirs() const { return heirs_; }
  // In what that is not what was asked for, and why; empty: it is.
  std::string shortfall() const;

 private:
  ProcessCounters(pid_t pid, const Options& options) : pid_(pid), asked_(options.heirs), heirs_(options.heirs) {}

  absl::Status OpenThread(PerfEventCalls& calls, pid_t tid, std::span<const CountedEvent> events, const Options& options);
  absl::Status OpenAll(PerfEventCalls& calls, const std::vector<pid_t>& tids, std::span<const CountedEvent> events, const Options& options);

  pid_t pid_;
  CounterHeirs asked_;
  CounterHeirs heirs_;
  std::vector<CounterGroup> groups_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_PROCESS_COUNTERS_H_
