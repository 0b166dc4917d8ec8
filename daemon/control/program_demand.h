// ProgramDemand: what is wanted of the programs that are attached only while somebody wants them (collectors/demand_program.h). Passive
// data.
#ifndef HFTMON_DAEMON_CONTROL_PROGRAM_DEMAND_H_
#define HFTMON_DAEMON_CONTROL_PROGRAM_DEMAND_H_

#include "daemon/control/target_options.h"

namespace hftmon {

struct ProgramDemand {
  bool wakers = false;  // who wakes threads (daemon/bpf/waker.bpf.h)
  bool memory = false;  // page faults and flushes of the TLB (daemon/bpf/memory.bpf.h)

  static ProgramDemand Of(const TargetOptions& options) {
    return {.wakers = options.waker, .memory = HasProbeGroup(options, kMemoryGroup)};
  }
  bool any() const { return wakers || memory; }
  ProgramDemand& operator|=(const ProgramDemand& other) {
    wakers = wakers || other.wakers;
    memory = memory || other.memory;
    return *this;
  }
  bool operator==(const ProgramDemand&) const = default;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_PROGRAM_DEMAND_H_
