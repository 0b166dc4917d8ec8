// SchedulingSource: the seam through which the service reads how watched threads are scheduled, as it was last seen.
//
// Implemented by SchedulingBook, faked in tests. Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_CONTROL_SCHEDULING_SOURCE_H_
#define HFTMON_DAEMON_CONTROL_SCHEDULING_SOURCE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/ingest/interval.h"
#include "daemon/os/thread_scheduling.h"

namespace hftmon {

struct SeenScheduling {
  ThreadScheduling scheduling;
  int cpu = -1;  // that it was on, or had been on last
  int64_t read_mono_ns = 0;
};

// Between two looks; what happened between them more than once is one change.
struct SchedulingChange {
  ThreadKey thread;
  int64_t after_mono_ns = 0;
  int64_t before_mono_ns = 0;
  ThreadScheduling from;
  ThreadScheduling to;
};

struct SchedulingChanges {
  std::vector<SchedulingChange> changes;  // oldest first
  bool incomplete = false;                // older ones of the time asked for are no longer kept
};

// CPUs that the kernel keeps free of ordinary threads; sorted.
struct KeptFreeCpus {
  std::vector<int> isolated;
  std::vector<int> nohz_full;
};

class SchedulingSource {
 public:
  virtual ~SchedulingSource() = default;
  // As last seen, also of a thread that has ended since; absent: never seen, or its place is another thread's by now.
  virtual std::optional<SeenScheduling> Find(const ThreadKey& thread) const = 0;
  // Found between these two times.
  virtual SchedulingChanges ChangesWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const = 0;
  // Now. Empty lists where the host has none, or does not tell.
  virtual KeptFreeCpus KeptFree() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_SCHEDULING_SOURCE_H_
