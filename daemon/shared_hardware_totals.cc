#include "daemon/shared_hardware_totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "common/counted.h"
#include "daemon/hardware_readings.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/idle_states.h"

namespace hftmon {
namespace {

constexpr std::string_view kTickProgram = "on_hardware_tick";
constexpr std::string_view kIdleProgram = "on_idle";
constexpr std::string_view kFrequencyProgram = "on_frequency";
constexpr std::string_view kMachineCheckProgram = "on_machine_check";
constexpr std::array<std::string_view, 1> kSmiCounters = {"smi"};
constexpr std::array<std::string_view, 2> kFrequencyCounters = {"aperf", "mperf"};
constexpr std::string_view kIntel = "GenuineIntel";
constexpr std::string_view kCounterMend = "a kernel whose msr PMU has it for this processor";
constexpr double kDropRatio = 0.9;
constexpr double kNsPerSecond = 1e9;

// Relaxed: each figure stands for itself.
template <typename Word>
Word Load(const Word& word) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_relaxed);
}

HardwareSource Available(std::string name, std::string from) {
  return {.name = std::move(name), .available = true, .reason = std::move(from)};
}

// `mend`: empty where nothing mends it, because a machine of this kind has no such thing.
HardwareSource Unavailable(std::string name, std::string reason, std::string mend) {
  return {.name = std::move(name), .reason = std::move(reason), .mend = std::move(mend)};
}

std::optional<double> TscHz(const hft_hardware_reading& from, const hft_hardware_reading& to) {
  const std::optional<uint64_t> ticks = CounterRise(from, to, HFT_COUNTER_TSC);
  const auto ns = static_cast<double>(to.mono_ns - from.mono_ns);
  return ticks && ns > 0 ? std::optional<double>(static_cast<double>(*ticks) * kNsPerSecond / ns) : std::nullopt;
}

std::optional<uint64_t> DropCount(std::span<const hft_hardware_reading> readings) {
  std::optional<double> before;
  std::optional<uint64_t> count;
  for (size_t i = 1; i < readings.size(); ++i) {
    const std::optional<double> ratio = FrequencyRatio(readings[i - 1], readings[i]);
    if (!ratio) continue;
    count = count.value_or(0) + (before && *ratio < kDropRatio * *before ? 1 : 0);
    before = ratio;
  }
  return count;
}

void AddReadings(std::span<const hft_hardware_reading> readings, CpuHardwareTotal* total) {
  if (readings.empty()) return;
  const hft_hardware_reading& newest = readings.back();
  total->reading_mono_ns = static_cast<int64_t>(newest.mono_ns);
  total->readings_span_ns = static_cast<int64_t>(newest.mono_ns - readings.front().mono_ns);
  if ((newest.known & 1u << HFT_COUNTER_SMI) != 0) total->smi_count = newest.values[HFT_COUNTER_SMI];
  total->tsc_hz = TscHz(readings.front(), newest);
  total->frequency_ratio = FrequencyRatio(readings.front(), newest);
  total->frequency_ratio_lowest = LowestFrequencyRatio(readings);
  total->frequency_drop_count = DropCount(readings);
}

}  // namespace

std::vector<int> SharedHardwareTotals::OnlineCpus() const {
  return ReadOnlineCpus(parts_.files).value_or(std::vector<int>());
}

std::vector<HardwareSource> SharedHardwareTotals::Sources() const {
  const std::vector<int> cpus = OnlineCpus();
  const int first = cpus.empty() ? 0 : cpus.front();
  return {Counted("smi", kSmiCounters),
          Counted("frequency", kFrequencyCounters),
          FrequencyChanges(),
          IdleStates(first),
          MachineChecks(),
          Throttling(first),
          Steal(),
          Siblings(cpus),
          Registers(first)};
}

bool SharedHardwareTotals::MachineLacks(std::string_view counter) const {
  if (parts_.files.ReadFile(fmt::format("/sys/bus/event_source/devices/msr/events/{}", counter)).ok()) return false;
  return parts_.is_virtual || (counter == "smi" && parts_.vendor != kIntel);
}

HardwareSource SharedHardwareTotals::Counted(std::string name, std::span<const std::string_view> counters) const {
  if (std::string why = parts_.why_not(kTickProgram); !why.empty()) return Unavailable(std::move(name), std::move(why), "x86, with BTF");
  for (const std::string_view counter : counters) {
    if (std::string why = parts_.why_not(counter); !why.empty()) {
      return Unavailable(std::move(name), std::move(why), MachineLacks(counter) ? "" : std::string(kCounterMend));
    }
  }
  return Available(std::move(name), fmt::format("msr PMU: {}, read by each CPU at its tick", fmt::join(counters, ", ")));
}

bool SharedHardwareTotals::HasFrequencyDriver() const {
  const auto policies = parts_.files.List("/sys/devices/system/cpu/cpufreq");
  return policies.ok() &&
         std::any_of(policies->begin(), policies->end(), [](const std::string& name) { return name.starts_with("policy"); });
}

HardwareSource SharedHardwareTotals::FrequencyChanges() const {
  constexpr char kName[] = "frequency_changes";
  if (parts_.is_virtual && !HasFrequencyDriver()) {
    return Unavailable(kName, "a guest without a cpufreq driver: the host changes frequencies and does not tell", "");
  }
  if (std::string why = parts_.why_not(kFrequencyProgram); !why.empty()) {
    return Unavailable(kName, std::move(why), "a kernel built with CONFIG_CPU_FREQ");
  }
  if (HasFrequencyDriver()) return Available(kName, "cpu_frequency");
  return Unavailable(kName, "the kernel has no cpufreq driver here: nobody tells it of changes", "load one for this processor");
}

HardwareSource SharedHardwareTotals::IdleStates(int cpu) const {
  constexpr char kName[] = "c_states";
  std::string why = parts_.why_not(kIdleProgram);
  if (why.empty()) return Available(kName, "cpu_idle; how long leaving a state takes is what the driver says, it cannot be measured");
  if (ReadIdleStates(parts_.files, cpu).ok()) return Available(kName, "sysfs, since boot: " + why);
  return Unavailable(kName, why + ", nor a cpuidle driver", "boot without cpuidle.off=1 and idle=poll, on a machine with a driver");
}

HardwareSource SharedHardwareTotals::MachineChecks() const {
  constexpr char kName[] = "machine_checks";
  std::string why = parts_.why_not(kMachineCheckProgram);
  if (why.empty()) return Available(kName, "mce_record");
  if (parts_.is_virtual) return Unavailable(kName, std::move(why) + "; a guest's machine checks are the host's", "");
  return Unavailable(kName, std::move(why), "a kernel built with CONFIG_X86_MCE");
}

HardwareSource SharedHardwareTotals::Throttling(int cpu) const {
  constexpr char kName[] = "thermal_throttling";
  const auto throttle = ReadThermalThrottle(parts_.files, cpu);
  if (throttle.ok()) return Available(kName, "/sys/devices/system/cpu/cpuN/thermal_throttle");
  if (parts_.is_virtual || parts_.vendor != kIntel) {
    return Unavailable(kName, "no thermal_throttle in sysfs: only an Intel processor that is not virtual has it", "");
  }
  return Unavailable(kName, "no thermal_throttle in sysfs", "a kernel built with CONFIG_X86_THERMAL_VECTOR");
}

HardwareSource SharedHardwareTotals::Steal() const {
  constexpr char kName[] = "steal";
  const bool any = std::any_of(parts_.view.interrupts.begin(), parts_.view.interrupts.end(),
                               [](const hft_cpu_interrupts& cpu) { return Load(cpu.steal_mono_ns) != 0; });
  if (any) return Available(kName, "rq.prev_steal_time_rq, at each tick");
  if (!parts_.is_virtual) return Unavailable(kName, "the scheduler keeps no steal time: no hypervisor is seen that could take any", "");
  return Unavailable(kName, "the scheduler keeps no steal time, or no CPU has ticked yet",
                     "a kernel built with CONFIG_PARAVIRT_TIME_ACCOUNTING");
}

HardwareSource SharedHardwareTotals::Siblings(std::span<const int> cpus) const {
  constexpr char kName[] = "smt_siblings";
  uint64_t shared_count = 0;
  for (const int cpu : cpus) {
    const auto siblings = ReadSmtSiblings(parts_.files, cpu);
    if (!siblings.ok()) return Unavailable(kName, std::string(siblings.status().message()), "mount sysfs");
    shared_count += siblings->empty() ? 0 : 1;
  }
  return Available(kName, shared_count == 0 ? "no CPU shares its core, as far as the kernel is told"
                                            : hftmon::Counted(shared_count, "CPU shares its core", "CPUs share their cores"));
}

HardwareSource SharedHardwareTotals::Registers(int cpu) const {
  constexpr char kName[] = "registers";
  ModelRegisterReadings checked = CheckModelRegisters(parts_.files, cpu);
  if (checked.reason.empty()) return Available(kName, "/dev/cpu/N/msr, only where a request asks: one interrupt for each register");
  return Unavailable(kName, std::move(checked.reason), std::move(checked.mend));
}

CpuHardwareTotal SharedHardwareTotals::Read(int cpu) const {
  CpuHardwareTotal total;
  total.cpu = cpu;
  if (static_cast<size_t>(cpu) >= parts_.view.hardware.size()) return total;
  const hft_cpu_hardware& state = parts_.view.hardware[static_cast<size_t>(cpu)];
  if (parts_.collecting()) {
    total.reading_count = Load(state.position);  // those of an attachment before stay until the next one
    AddReadings(CopyReadings(state), &total);
    AddEvents(state, &total);
  }
  AddIdleStates(state, &total);
  AddInterrupts(&total);
  total.throttle = ReadThermalThrottle(parts_.files, cpu).value_or(ThermalThrottle());
  total.smt_siblings = ReadSmtSiblings(parts_.files, cpu).value_or(std::vector<int>());
  return total;
}

std::vector<CpuHardwareSums> SharedHardwareTotals::Sums() const {
  std::vector<CpuHardwareSums> sums;
  if (!parts_.collecting()) return sums;
  for (const int cpu : OnlineCpus()) sums.push_back(SumsOf(cpu));
  return sums;
}

CpuHardwareSums SharedHardwareTotals::SumsOf(int cpu) const {
  CpuHardwareSums sums{.cpu = cpu};
  const auto at = static_cast<size_t>(cpu);
  if (at < parts_.view.interrupts.size() && Load(parts_.view.interrupts[at].steal_mono_ns) != 0) {
    sums.steal_ns = static_cast<int64_t>(Load(parts_.view.interrupts[at].steal_ns));
  }
  if (at >= parts_.view.hardware.size()) return sums;
  const hft_cpu_hardware& state = parts_.view.hardware[at];
  const std::vector<hft_hardware_reading> readings = CopyReadings(state);
  if (!readings.empty() && (readings.back().known & 1u << HFT_COUNTER_SMI) != 0) sums.smi_count = readings.back().values[HFT_COUNTER_SMI];
  if (!parts_.why_not(kIdleProgram).empty()) return sums;
  for (const hft_idle_row& row : state.idle) sums.idle_counts.push_back(Load(row.count));
  return sums;
}

void SharedHardwareTotals::AddEvents(const hft_cpu_hardware& state, CpuHardwareTotal* total) const {
  if (parts_.why_not(kFrequencyProgram).empty() && HasFrequencyDriver()) {
    total->frequency_change_count = Load(state.frequency_change_count);
    if (const uint32_t khz = Load(state.frequency_khz); khz != 0) total->frequency_khz = khz;
    if (const uint32_t khz = Load(state.frequency_lowest_khz); khz != 0) total->frequency_lowest_khz = khz;
  }
  if (!parts_.why_not(kMachineCheckProgram).empty()) return;
  total->machine_check_count = Load(state.check_count);
  if (*total->machine_check_count == 0) return;
  total->last_machine_check = {
      .bank = Load(state.check_bank), .status = Load(state.check_status), .mono_ns = static_cast<int64_t>(Load(state.check_mono_ns))};
}

// The programs' sums with the driver's names, or the driver's own.
void SharedHardwareTotals::AddIdleStates(const hft_cpu_hardware& state, CpuHardwareTotal* total) const {
  const auto known = ReadIdleStates(parts_.files, total->cpu).value_or(std::vector<IdleState>());
  const bool told = parts_.collecting() && parts_.why_not(kIdleProgram).empty();
  total->idle_states_since_boot = !told;
  if (!told) {
    for (const IdleState& one : known) {
      if (!one.entry_count || !one.duration_ns) continue;  // half a row would say that no time was spent
      total->idle_states.push_back({.index = one.index,
                                    .name = one.name,
                                    .target_latency_ns = one.target_latency_ns,
                                    .count = *one.entry_count,
                                    .duration_ns = *one.duration_ns});
    }
    return;
  }
  total->idle_unpaired_count = Load(state.idle_unpaired_count);
  for (int index = 0; index < HFT_IDLE_STATES; ++index) {
    const hft_idle_row& row = state.idle[index];
    const auto named = std::find_if(known.begin(), known.end(), [index](const IdleState& one) { return one.index == index; });
    if (Load(row.count) == 0 && named == known.end()) continue;
    IdleStateSum sum{.index = index,
                     .count = Load(row.count),
                     .duration_ns = static_cast<int64_t>(Load(row.duration_ns)),
                     .longest_ns = static_cast<int64_t>(Load(row.longest_ns))};
    if (named != known.end()) {
      sum.name = named->name;
      sum.target_latency_ns = named->target_latency_ns;
    }
    total->idle_states.push_back(std::move(sum));
  }
}

// Of the programs that are always on.
void SharedHardwareTotals::AddInterrupts(CpuHardwareTotal* total) const {
  if (static_cast<size_t>(total->cpu) >= parts_.view.interrupts.size()) return;
  const hft_cpu_interrupts& state = parts_.view.interrupts[static_cast<size_t>(total->cpu)];
  const auto count = [&](std::string_view program, hft_interrupt_program row) -> std::optional<uint64_t> {
    return parts_.has_interrupt_program(program) ? std::optional<uint64_t>(Load(state.run_count[row])) : std::nullopt;
  };
  total->thermal_interrupt_count = count("on_thermal_apic_enter", HFT_PROGRAM_THERMAL);
  total->threshold_interrupt_count = count("on_threshold_apic_enter", HFT_PROGRAM_THRESHOLD);
  total->deferred_error_interrupt_count = count("on_deferred_error_apic_enter", HFT_PROGRAM_DEFERRED_ERROR);
  total->steal_mono_ns = static_cast<int64_t>(Load(state.steal_mono_ns));
  if (total->steal_mono_ns != 0) total->steal_ns = static_cast<int64_t>(Load(state.steal_ns));
}

}  // namespace hftmon
