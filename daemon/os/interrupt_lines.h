// InterruptLine: a device interrupt of this host, who handles it, and the CPUs that it may be sent to.
//
// Reads: /proc/irq/N/{smp_affinity_list,effective_affinity_list}; /sys/kernel/irq/N/{actions,chip_name}. Any thread but the housekeeping
// thread: up to four files for each interrupt, about 10 us each. Nothing is set.
#ifndef HFTMON_DAEMON_OS_INTERRUPT_LINES_H_
#define HFTMON_DAEMON_OS_INTERRUPT_LINES_H_

#include <cstddef>
#include <cstdint>
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
  std::vector<int> effective_cpus;    // where it is sent now; empty where the kernel does not tell
};

struct InterruptLines {
  std::vector<InterruptLine> lines;  // those that somebody handles, by number
  uint64_t unread_count = 0;         // beyond the limit, or a file could not be read
};

inline constexpr size_t kInterruptLinesMax = 8192;

// At most `lines_max`. An error names /proc/irq; an interrupt that goes away while it is read is left out.
absl::StatusOr<InterruptLines> ReadInterruptLines(const FileRoot& root, size_t lines_max = kInterruptLinesMax);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_INTERRUPT_LINES_H_
