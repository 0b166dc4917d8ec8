// InterruptAffinities: the seam through which the service learns where device interrupts may arrive, and whom they hit there.
//
// Implemented on the host's files, faked in tests. Any thread but the housekeeping thread: it reads some files for each interrupt and one
// for each thread.
#ifndef HFTMON_DAEMON_SERVICE_INTERRUPT_AFFINITIES_H_
#define HFTMON_DAEMON_SERVICE_INTERRUPT_AFFINITIES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

// A thread that is bound to fewer CPUs than are online.
struct BoundThread {
  ThreadKey thread;
  std::vector<int> cpus;  // of those it may run on: the ones that are hit
};

inline constexpr size_t kHitThreadsMax = 64;

struct InterruptAffinity {
  int irq = 0;
  std::vector<std::string> handlers;
  std::string chip;
  std::vector<int> allowed_cpus;
  std::vector<int> effective_cpus;           // empty: not known
  std::vector<int> reserved_effective_cpus;  // of the effective ones, or of the allowed ones where those are not known
  std::vector<int> reserved_allowed_cpus;
  std::vector<BoundThread> bound_threads;  // hit now, by the same measure; the first kHitThreadsMax
  uint64_t bound_thread_count = 0;         // all of them
};

struct InterruptAffinityReport {
  std::vector<InterruptAffinity> lines;  // by number
  uint64_t unread_thread_count = 0;      // beyond the limit, or unreadable: whether they are hit is not known
  uint64_t unread_line_count = 0;        // beyond the limit, or unreadable
};

class InterruptAffinities {
 public:
  virtual ~InterruptAffinities() = default;
  // `threads`: whom hits are looked for.
  virtual absl::StatusOr<InterruptAffinityReport> Read(std::span<const ThreadKey> threads) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_INTERRUPT_AFFINITIES_H_
