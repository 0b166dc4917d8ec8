// ProgramDemand: what is wanted of the programs that are attached only while somebody wants them (collectors/demand_program.h). Passive
// data.
#ifndef HFTMON_DAEMON_CONTROL_PROGRAM_DEMAND_H_
#define HFTMON_DAEMON_CONTROL_PROGRAM_DEMAND_H_

#include "daemon/control/target_options.h"

namespace hftmon {

struct ProgramDemand {
  bool wakers = false;        // who wakes threads (daemon/bpf/waker.bpf.h)
  bool memory = false;        // page faults, flushes of the TLB and reclaim (daemon/bpf/memory.bpf.h)
  bool kernel_locks = false;  // contended locks of the kernel (daemon/bpf/kernel_locks.bpf.h)
  bool hardware = false;      // what hardware and hypervisor do to CPUs (daemon/bpf/hardware.bpf.h)
  bool network = false;       // packets (daemon/bpf/network.bpf.h)
  CounterWish counters;       // events of threads (daemon/bpf/counters.bpf.h)
  bool irq = false;           // work that interrupts put off (daemon/bpf/deferred.bpf.h)
  bool returns = false;       // the end of system calls (daemon/bpf/returns.bpf.h)

  static ProgramDemand Of(const TargetOptions& options) {
    return {.wakers = options.waker,
            .memory = HasProbeGroup(options, kMemoryGroup),
            .kernel_locks = HasProbeGroup(options, kKernelLocksGroup),
            .hardware = HasProbeGroup(options, kHardwareGroup),
            .network = HasProbeGroup(options, kNetworkGroup),
            .counters = CounterWishOf(options),
            .irq = HasProbeGroup(options, kIrqGroup),
            .returns = HasProbeGroup(options, kReturnsGroup)};
  }
  bool any() const { return wakers || memory || kernel_locks || hardware || network || counters.any() || irq || returns; }
  ProgramDemand& operator|=(const ProgramDemand& other) {
    wakers = wakers || other.wakers;
    memory = memory || other.memory;
    kernel_locks = kernel_locks || other.kernel_locks;
    hardware = hardware || other.hardware;
    network = network || other.network;
    counters |= other.counters;
    irq = irq || other.irq;
    returns = returns || other.returns;
    return *this;
  }
  bool operator==(const ProgramDemand&) const = default;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_PROGRAM_DEMAND_H_
