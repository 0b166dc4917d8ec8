// InterruptLine: a device interrupt of this host, who handles it, and the CPUs that it may be sent to.
//
// Reads: /proc/irq/N/{smp_affinity_list,effective_affinity_list}; /sys/kernel/irq/N/{actions,chip_name}. Any thread but the housekeeping
// thread: up to four files for each interrupt, about 10 us each. Nothing is set.
#ifndef HFTMON_DAEMON_OS_INTERRUPT_LINES_H_
#define HFTMON_DAEMON_OS_INTERRUPT_LINES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct InterruptLine {
  int irq = 0;                        // as in /proc/interrupts
  std::vector<std::string> handlers;  // more than one where the line is shared
  std::string chip;                   // the interrupt controller's name; empty where the kernel has no /sys/kernel/irq
  std::vector<int> allowed_cpus;      // where it may be sent, offline ones among them
  std::vector<int> effective_cpus;    // where it is sent now; empty where the controller does not tell
};

inline constexpr size_t kInterruptLinesMax = 8192;

// Those that somebody handles, by number; at most kInterruptLinesMax. An error names /proc/irq; an interrupt that goes away while it is
// read is left out.
absl::StatusOr<std::vector<InterruptLine>> ReadInterruptLines(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_INTERRUPT_LINES_H_
