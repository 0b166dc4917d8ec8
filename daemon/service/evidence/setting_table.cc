#include "daemon/service/evidence/setting_table.h"

namespace hftmon {
namespace {

using enum SettingForm;
using enum SettingScope;

constexpr SettingRow kHostRows[] = {
    {"nmi_watchdog", "/proc/sys/kernel/nmi_watchdog", kNumber, kHost},
    {"timer_migration", "/proc/sys/kernel/timer_migration", kNumber, kHost},
    {"numa_balancing", "/proc/sys/kernel/numa_balancing", kNumber, kHost},
    {"ksm_run", "/sys/kernel/mm/ksm/run", kNumber, kHost},
    {"thp_enabled", "/sys/kernel/mm/transparent_hugepage/enabled", kBracketedWord, kHost},
    {"clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource", kText, kHost},
    {"default_smp_affinity", "/proc/irq/default_smp_affinity", kCpuMask, kHost},
    {"workqueue_cpumask", "/sys/devices/virtual/workqueue/cpumask", kCpuMask, kHost},
};

constexpr SettingRow kCpuRows[] = {
    {"scaling_governor", "/sys/devices/system/cpu/cpu#/cpufreq/scaling_governor", kText, kCpu},
    {"idle_state", "/sys/devices/system/cpu/cpu#/cpuidle/state#/disable", kNumber, kCpu},
};

constexpr SettingRow kQueueRows[] = {
    {"rps_cpus", "/sys/class/net/*/queues/rx-#/rps_cpus", kCpuMask, kInterface},
    {"xps_cpus", "/sys/class/net/*/queues/tx-#/xps_cpus", kCpuMask, kInterface},
};

}  // namespace

std::span<const SettingRow> HostSettingTable() {
  return kHostRows;
}

std::span<const SettingRow> CpuSettingTable() {
  return kCpuRows;
}

std::span<const SettingRow> QueueSettingTable() {
  return kQueueRows;
}

}  // namespace hftmon
