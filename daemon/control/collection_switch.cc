#include "daemon/control/collection_switch.h"

#include <atomic>

#include "daemon/collectors/begun_deferrals.h"
#include "daemon/control/kernel_times.h"

namespace hftmon {

absl::Status CollectionSwitch::TurnOff() {
  std::lock_guard lock(mutex_);
  if (off_) return absl::OkStatus();
  if (absl::Status status = parts_.registry->BeginOff(); !status.ok()) return status;
  parts_.conclusive(on_since_mono_ns_, INT64_MIN);
  const int64_t now_ns = parts_.clock->NowNs();
  parts_.conclusive(on_since_mono_ns_, now_ns);
  periods_.Begin(now_ns);
  // Sequentially consistent: a program that finds its run queue gone finds the flag set.
  std::atomic_ref<__u32>(parts_.view.controls->off).store(1, std::memory_order_seq_cst);
  TakeRunQueuesAway();
  parts_.sleep_ns(kGraceNs);
  TakeRunQueuesAway();
  ForgetStretches();
  off_ = true;
  return absl::OkStatus();
}

absl::Status CollectionSwitch::TurnOn() {
  std::lock_guard lock(mutex_);
  if (!off_) return absl::OkStatus();
  if (absl::Status status = parts_.registry->ForgetBeforeOn(); !status.ok()) return status;
  ForgetHandlers();
  ForgetKernelTimes();
  ForgetIdleStates();
  ForgetStretches();
  ForgetPackets();
  ForgetBegunDeferrals(parts_.view);
  parts_.conclusive(INT64_MAX, INT64_MIN);
  // Release: a program that finds it clear finds the slots as they were left above.
  std::atomic_ref<__u32>(parts_.view.controls->off).store(0, std::memory_order_release);
  on_since_mono_ns_ = parts_.clock->NowNs();
  periods_.End(on_since_mono_ns_);
  parts_.conclusive(on_since_mono_ns_, INT64_MAX);
  off_ = false;
  // What fails here is made good by the resync that it begins.
  parts_.registry->CatchUpAfterOn();
  return absl::OkStatus();
}

void CollectionSwitch::TakeRunQueuesAway() {
  for (hft_cpu& cpu : parts_.view.cpus) {
    std::atomic_ref<__u64>(cpu.noted_queue).store(0, std::memory_order_seq_cst);
    std::atomic_ref<__u64>(cpu.run_queue).store(0, std::memory_order_seq_cst);
  }
}

// Handlers that were in progress when the programs went off have ended unseen. Relaxed: the flag's release publishes them.
void CollectionSwitch::ForgetHandlers() {
  for (hft_cpu_interrupts& cpu : parts_.view.interrupts) {
    std::atomic_ref<__u32>(cpu.active).store(0, std::memory_order_relaxed);
    std::atomic_ref<__u64>(cpu.stretch_start_ns).store(0, std::memory_order_relaxed);
    for (hft_level_state& level : cpu.levels) std::atomic_ref<__u64>(level.start_ns).store(0, std::memory_order_relaxed);
  }
}

// Who reads a packet now does not learn what became of those that came and went meanwhile.
void CollectionSwitch::ForgetPackets() {
  for (hft_cpu_network& cpu : parts_.view.network) {
    std::atomic_ref<__u64>(cpu.since_ns).store(static_cast<__u64>(parts_.clock->NowNs()), std::memory_order_relaxed);
  }
}

// What ends after this in the kernel has a part that was not seen.
void CollectionSwitch::ForgetKernelTimes() {
  for (hft_thread_kernel& kernel : parts_.view.kernel) ForgetBegun(&kernel, kKernelTimeProbes);
}

// While they were off others ran in what would be a thread's stretch.
void CollectionSwitch::ForgetStretches() {
  for (hft_cpu_counters& cpu : parts_.view.cpu_counters) std::atomic_ref<__u64>(cpu.task).store(0, std::memory_order_relaxed);
}

// The same of an idle state that was left meanwhile.
void CollectionSwitch::ForgetIdleStates() {
  for (hft_cpu_hardware& cpu : parts_.view.hardware) std::atomic_ref<__u32>(cpu.idle_state).store(0, std::memory_order_relaxed);
}

}  // namespace hftmon
