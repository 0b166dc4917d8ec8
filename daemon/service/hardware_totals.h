// HardwareTotals: the seam through which the service reads what hardware and hypervisor do to CPUs.
//
// Implemented by whoever owns the memory and the files, faked in tests. Any thread that may read files; never blocks the housekeeping
// thread. Only ReadRegisters sends anything to another CPU.
#ifndef HFTMON_DAEMON_SERVICE_HARDWARE_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_HARDWARE_TOTALS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/hardware_evidence.h"
#include "daemon/analysis/spike.h"
#include "daemon/os/model_registers.h"
#include "daemon/os/thermal_throttle.h"

namespace hftmon {

struct HardwareSource {
  std::string name;
  bool available = false;
  std::string reason;
  std::string mend;
};

struct IdleStateSum {
  int index = 0;
  std::string name;
  std::optional<int64_t> target_latency_ns;
  uint64_t count = 0;
  int64_t duration_ns = 0;
  std::optional<int64_t> longest_ns;
};

struct MachineCheck {
  uint32_t bank = 0;
  uint64_t status = 0;
  int64_t mono_ns = 0;
};

// What is not known is absent; see hardware.proto for what each means.
struct CpuHardwareTotal {
  int cpu = 0;
  uint64_t reading_count = 0;
  std::optional<int64_t> reading_mono_ns;
  int64_t readings_span_ns = 0;
  std::optional<uint64_t> smi_count;
  std::optional<double> tsc_hz;
  std::optional<double> frequency_ratio;
  std::optional<double> frequency_ratio_lowest;
  std::optional<uint64_t> frequency_drop_count;
  std::vector<IdleStateSum> idle_states;
  bool idle_states_since_boot = false;
  uint64_t idle_unpaired_count = 0;
  std::optional<uint64_t> frequency_change_count;
  std::optional<int64_t> frequency_khz;
  std::optional<int64_t> frequency_lowest_khz;
  std::optional<uint64_t> machine_check_count;
  std::optional<MachineCheck> last_machine_check;
  std::optional<uint64_t> thermal_interrupt_count;
  std::optional<uint64_t> threshold_interrupt_count;
  std::optional<uint64_t> deferred_error_interrupt_count;
  ThermalThrottle throttle;
  std::optional<int64_t> steal_ns;
  int64_t steal_mono_ns = 0;
  std::vector<int> smt_siblings;
};

class HardwareTotals {
 public:
  virtual ~HardwareTotals() = default;
  // Always the same, in the same order; `registers` as far as it is known without reading one.
  virtual std::vector<HardwareSource> Sources() const = 0;
  virtual std::vector<int> OnlineCpus() const = 0;
  virtual int possible_cpu_count() const = 0;
  virtual CpuHardwareTotal Read(int cpu) const = 0;
  virtual bool collecting() const = 0;
  virtual uint64_t attach_cross_calls() const = 0;
  virtual ModelRegisterReadings ReadRegisters(int cpu) const = 0;
  // What is known of the spike by now. Absent: nobody asked then, or no more is known of that time.
  virtual std::optional<HardwareEvidence> EvidenceOf(const Spike& spike) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_HARDWARE_TOTALS_H_
