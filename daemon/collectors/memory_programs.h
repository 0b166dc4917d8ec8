// MemoryPrograms: the programs of page faults and TLB flushes (daemon/bpf/memory.bpf.h), attached on demand as one.
//
// A fault's end is one of the kernel's software events minor-faults and major-faults, which are opened for each CPU that is online; CPUs
// that come later get theirs at the next FollowCpus. Owner: the collector, whose object they are in and outlives them.
// Threads: Prepare before the load; the rest any, one mutex inside.
#ifndef HFTMON_DAEMON_COLLECTORS_MEMORY_PROGRAMS_H_
#define HFTMON_DAEMON_COLLECTORS_MEMORY_PROGRAMS_H_

#include <linux/types.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "daemon/bpf/switch_events.h"
#include "daemon/collectors/bpf_object.h"
#include "daemon/collectors/demand_program.h"

namespace hftmon {

class MemoryPrograms {
 public:
  // `online` tells the CPUs that are online.
  MemoryPrograms(BpfObject* object, std::function<absl::StatusOr<std::vector<int>>()> online);

  // Before the object is loaded: nothing of them is attached with the rest; where the kernel lacks a tracepoint none is loaded.
  absl::Status Prepare();
  // Why they cannot be had on this host; empty: they can.
  const std::string& refusal() const { return refusal_; }

  // Where they cannot be had Attach is refused with FAILED_PRECONDITION.
  DemandProgram& demand() { return demand_; }
  bool attached() const { return demand_.attached(); }
  // While they are attached: CPUs that came online since get their events. Not in quiet mode.
  void FollowCpus();

  static bool IsOne(std::string_view program);
  // As `status` shows it.
  static std::string_view AttachPoint(std::string_view program);
  // Of the program of that name, summed over CPUs; 0 when it is none of these.
  static uint64_t RunCount(std::string_view program, std::span<const hft_cpu> cpus);

 private:
  absl::Status Attach();
  absl::Status AttachEvents();
  absl::Status Detach();

  BpfObject* const object_;
  const std::function<absl::StatusOr<std::vector<int>>()> online_;
  std::string refusal_;
  std::mutex mutex_;
  std::set<int> event_cpus_;  // that have their events
  DemandProgram demand_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_MEMORY_PROGRAMS_H_
