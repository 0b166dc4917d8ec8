// SharedHardwareTotals: what hardware and hypervisor do to CPUs, read from the memory that the programs write and from sysfs.
// Threads: any that may read files. No file here makes the kernel ask another CPU but /dev/cpu/N/msr, which only ReadRegisters opens: so
// not cpufreq's scaling_cur_freq, nor /proc/cpuinfo. Bound: 128 readings and 16 states a CPU.
#ifndef HFTMON_DAEMON_SHARED_HARDWARE_TOTALS_H_
#define HFTMON_DAEMON_SHARED_HARDWARE_TOTALS_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/hardware_evidence_book.h"
#include "daemon/os/file_root.h"
#include "daemon/service/hardware_sums.h"
#include "daemon/service/hardware_totals.h"

namespace hftmon {

class SharedHardwareTotals : public HardwareTotals, public HardwareSums {
 public:
  struct Parts {
    KernelView view;  // its memory outlives the object
    FileRoot files;
    std::string vendor;                                                   // of the processor, see ProcessorVendorName
    bool is_virtual = false;                                              // see HasHypervisor
    std::function<std::string(std::string_view name)> why_not;            // of a program or counter: HardwarePrograms::WhyNot
    std::function<bool(std::string_view program)> has_interrupt_program;  // whether the kernel tells of that interrupt
    std::function<bool()> collecting;
    std::function<uint64_t()> cross_calls;
    const HardwareEvidenceBook* evidence = nullptr;
  };
  explicit SharedHardwareTotals(Parts parts) : parts_(std::move(parts)) {}

  std::vector<HardwareSource> Sources() const override;
  std::vector<int> OnlineCpus() const override;
  int possible_cpu_count() const override { return static_cast<int>(parts_.view.hardware.size()); }
  CpuHardwareTotal Read(int cpu) const override;
  std::vector<CpuHardwareSums> Sums() const override;
  bool collecting() const override { return parts_.collecting(); }
  uint64_t attach_cross_calls() const override { return parts_.cross_calls(); }
  ModelRegisterReadings ReadRegisters(int cpu) const override { return ReadModelRegisters(parts_.files, parts_.vendor, cpu); }
  std::optional<HardwareEvidence> EvidenceOf(const Spike& spike) const override { return parts_.evidence->Of(spike); }

 private:
  // The processor, or the guest that it is, has no such counter whatever its kernel is.
  bool MachineLacks(std::string_view counter) const;
  HardwareSource Counted(std::string name, std::span<const std::string_view> counters) const;
  HardwareSource FrequencyChanges() const;
  HardwareSource IdleStates(int cpu) const;
  HardwareSource MachineChecks() const;
  HardwareSource Throttling(int cpu) const;
  HardwareSource Steal() const;
  HardwareSource Siblings(std::span<const int> cpus) const;
  HardwareSource Registers(int cpu) const;
  bool HasFrequencyDriver() const;
  CpuHardwareSums SumsOf(int cpu) const;
  void AddIdleStates(const hft_cpu_hardware& state, CpuHardwareTotal* total) const;
  void AddEvents(const hft_cpu_hardware& state, CpuHardwareTotal* total) const;
  void AddInterrupts(CpuHardwareTotal* total) const;

  const Parts parts_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_HARDWARE_TOTALS_H_
