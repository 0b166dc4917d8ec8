// ForgetBegunDeferrals: what waits or runs now of the work that interrupts put off is in no figure when it ends
// (daemon/bpf/deferred_events.h). For when its end, or that of one before it, may have gone unseen: the programs are not attached, or off.
// Any thread.
#ifndef HFTMON_DAEMON_COLLECTORS_BEGUN_DEFERRALS_H_
#define HFTMON_DAEMON_COLLECTORS_BEGUN_DEFERRALS_H_

#include <linux/types.h>

#include <atomic>

#include "daemon/collectors/kernel_view.h"

namespace hftmon {

inline void ForgetBegunDeferrals(const KernelView& view) {
  // Relaxed: each word stands for itself, and what lets the programs run publishes them.
  const auto forget = [](auto& word) {
    std::atomic_ref<std::remove_reference_t<decltype(word)>>(word).store(0, std::memory_order_relaxed);
  };
  for (hft_cpu_deferred& cpu : view.deferred) {
    for (hft_softirq_delay& softirq : cpu.softirqs) {
      forget(softirq.raised_ns);
      forget(softirq.started_ns);
    }
    forget(cpu.tasklet_start_ns);
    forget(cpu.handler_start_ns);
  }
  for (uint64_t& word : view.begun_works) forget(word);
  for (uint64_t& word : view.begun_workers) forget(word);
  for (hft_irq_thread& thread : view.irq_threads) forget(thread.woken_ns);
  if (view.irq_threads_waiting != nullptr) forget(*view.irq_threads_waiting);
  // After each CPU's own words: of a run that begins or ends just now, too few are counted at worst, which the programs make up for.
  for (hft_softirq_cpus& softirq : view.softirqs_running) forget(softirq.count);
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_BEGUN_DEFERRALS_H_
