#include "daemon/collectors/interrupt_programs.h"

#include <array>
#include <atomic>

namespace hftmon {
namespace {

// In the order of enum hft_interrupt_program.
constexpr std::array<std::string_view, 27> kNames = {
    "on_irq_enter",
    "on_irq_exit",
    "on_softirq_enter",
    "on_softirq_exit",
    "on_local_timer_enter",
    "on_local_timer_exit",
    "on_reschedule_enter",
    "on_reschedule_exit",
    "on_call_function_enter",
    "on_call_function_exit",
    "on_call_function_single_enter",
    "on_call_function_single_exit",
    "on_irq_work_enter",
    "on_irq_work_exit",
    "on_x86_platform_ipi_enter",
    "on_x86_platform_ipi_exit",
    "on_thermal_apic_enter",
    "on_thermal_apic_exit",
    "on_threshold_apic_enter",
    "on_threshold_apic_exit",
    "on_deferred_error_apic_enter",
    "on_deferred_error_apic_exit",
    "on_error_apic_enter",
    "on_error_apic_exit",
    "on_spurious_apic_enter",
    "on_spurious_apic_exit",
    "on_nmi",
};
static_assert(kNames.size() == HFT_PROGRAM_NMI + 1);

}  // namespace

std::span<const std::string_view> InterruptProgramNames() {
  return kNames;
}

uint64_t InterruptProgramRunCount(std::string_view program, std::span<const hft_cpu_interrupts> cpus) {
  uint64_t count = 0;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] != program) continue;
    for (const hft_cpu_interrupts& cpu : cpus) {
      // Relaxed: the count stands for itself.
      count += std::atomic_ref<__u64>(const_cast<__u64&>(cpu.run_count[i])).load(std::memory_order_relaxed);
    }
  }
  return count;
}

}  // namespace hftmon
