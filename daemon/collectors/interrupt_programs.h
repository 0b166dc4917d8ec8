// The programs of daemon/bpf/interrupts.bpf.h: their names, and how often each ran. Kernels lack some of their tracepoints: other machines
// have other vectors.
#ifndef HFTMON_DAEMON_COLLECTORS_INTERRUPT_PROGRAMS_H_
#define HFTMON_DAEMON_COLLECTORS_INTERRUPT_PROGRAMS_H_

#include <linux/types.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "daemon/bpf/interrupt_events.h"

namespace hftmon {

std::span<const std::string_view> InterruptProgramNames();

// Over all CPUs, exact; 0 for a program of another subject.
uint64_t InterruptProgramRunCount(std::string_view program, std::span<const hft_cpu_interrupts> cpus);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_INTERRUPT_PROGRAMS_H_
