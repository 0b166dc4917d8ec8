// HardwareSums: the seam for who asks each second what the programs count of CPUs: mapped memory alone, no file but the list of CPUs.
// HardwareTotals tells more, and reads files for it. Implemented by whoever owns the memory, faked in tests. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_HARDWARE_SUMS_H_
#define HFTMON_DAEMON_SERVICE_HARDWARE_SUMS_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace hftmon {

struct CpuHardwareSums {
  int cpu = 0;
  std::optional<uint64_t> smi_count;
  std::optional<int64_t> steal_ns;
  std::vector<uint64_t> idle_counts;  // times that each idle state was left, by its index; empty: the programs do not tell them
};

class HardwareSums {
 public:
  virtual ~HardwareSums() = default;
  // Of the CPUs that are online; empty while nobody asks for the probe group hardware.
  virtual std::vector<CpuHardwareSums> Sums() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_HARDWARE_SUMS_H_
