// KernelView: the mapped memory of the scheduler programs, as plain pointers.
//
// Owner: the SwitchCollector (or a test's fake) owns the mappings and outlives every user of the view.
// Threads: the ring consumer is the housekeeping thread alone; `controls`, `watched_bits` and slot set-up belong to the control thread;
// slots, CPU logs and counters may be read by anyone, word by word, with relaxed atomic loads (std::atomic_ref).
#ifndef HFTMON_DAEMON_COLLECTORS_KERNEL_VIEW_H_
#define HFTMON_DAEMON_COLLECTORS_KERNEL_VIEW_H_

#include <linux/types.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <type_traits>

#include "daemon/bpf/call_events.h"
#include "daemon/bpf/counter_events.h"
#include "daemon/bpf/deferred_events.h"
#include "daemon/bpf/hardware_events.h"
#include "daemon/bpf/interrupt_events.h"
#include "daemon/bpf/kernel_time_events.h"
#include "daemon/bpf/network_events.h"
#include "daemon/bpf/return_events.h"
#include "daemon/bpf/stack_events.h"
#include "daemon/bpf/switch_events.h"

namespace hftmon {

struct KernelView {
  hft_controls* controls = nullptr;
  std::span<uint64_t> watched_bits;              // bit tgid % 64 of word tgid / 64: the process is watched
  std::span<uint16_t> slot_of_tid;               // slot of each tid, HFT_NO_SLOT when it has none; its size is the pid bound
  std::span<hft_thread_slot> slots;              // slots[0] is never used
  hft_histogram_pool* histogram_pool = nullptr;  // the pages of all slots
  std::span<hft_cpu> cpus;                     // one per possible CPU; the daemon writes audited, the run queue, the thresholds, the table
  std::span<hft_audit> audits;                 // one per possible CPU
  std::span<hft_rule_name> rule_names;         // of controls->rule_name_count
  std::span<hft_cpu_interrupts> interrupts;    // one per possible CPU; empty where interrupts are not watched
  std::span<hft_stolen> stolen;                // one per slot, or empty
  std::span<hft_thread_calls> calls;           // of the lowest slots, or empty
  std::span<hft_thread_kernel> kernel;         // of the lowest slots, or empty
  std::span<hft_process_collapses> collapses;  // of the lowest slots, or empty
  std::span<hft_cpu_shootdowns> shootdowns;    // one per possible CPU, or empty
  std::span<hft_cpu_hardware> hardware;        // one per possible CPU, or empty
  std::span<hft_cpu_network> network;          // one per possible CPU, or empty; the daemon writes since_ns
  std::span<hft_cpu_deferred> deferred;        // one per possible CPU, or empty
  std::span<hft_irq_thread> irq_threads;       // or empty
  std::span<uint64_t> begun_works;             // of deferred_events.h, or empty
  std::span<uint64_t> begun_workers;           // likewise
  uint64_t* irq_threads_waiting = nullptr;     // likewise, or null
  std::span<hft_softirq_cpus> softirqs_running;  // one per softirq, or empty
  std::span<hft_socket_path> socket_paths;       // of sockets that threads read from which ask; the daemon writes generation
  std::byte* rings = nullptr;                    // ring of CPU c at rings + c * ring_stride_bytes: hft_ring_header, then ring_cells cells
  uint64_t ring_stride_bytes = 0;
  uint32_t ring_cells = 0;  // power of two
  uint32_t ring_count = 0;  // one per possible CPU
  const hft_stack_ring* stack_ring = nullptr;
  std::byte* return_rings = nullptr;  // of CPU c at return_rings + c * return_stride_bytes: an hft_return_ring of return_entries
  uint64_t return_stride_bytes = 0;
  uint32_t return_entries = 0;                      // power of two
  hft_counter_control* counter_control = nullptr;   // or null
  std::span<hft_cpu_counters> cpu_counters;         // one per possible CPU, or empty; the daemon writes its first line
  std::span<hft_thread_counters> thread_counters;   // of the lowest slots, or empty
  std::span<const hft_counter_span> counter_spans;  // CPU c's ring begins at c * counter_ring_spans, or empty
  uint32_t counter_ring_spans = 0;                  // power of two
};

// Thresholds of waits for a CPU and of times off it, or HFT_NO_THRESHOLD.
struct WaitThresholds {
  uint64_t run_queue_ns = HFT_NO_THRESHOLD;
  uint64_t off_cpu_ns = HFT_NO_THRESHOLD;
};

// `spikes`, above which the loop's watches tell what goes on, into the controls; `records`, above which what ended makes a record, into
// each CPU's copy. Relaxed: each threshold stands alone; the programs and the watches read it afresh each time.
inline void StoreThresholds(const KernelView& view, const WaitThresholds& spikes, const WaitThresholds& records) {
  const auto store = [](auto& word, uint64_t value) {
    using Word = std::remove_reference_t<decltype(word)>;
    std::atomic_ref<Word>(word).store(static_cast<Word>(value), std::memory_order_relaxed);
  };
  store(view.controls->run_queue_threshold_ns, spikes.run_queue_ns);
  store(view.controls->off_cpu_threshold_ns, spikes.off_cpu_ns);
  for (hft_cpu& cpu : view.cpus) {
    store(cpu.run_queue_threshold_ns, records.run_queue_ns);
    store(cpu.off_cpu_threshold_ns, records.off_cpu_ns);
  }
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_KERNEL_VIEW_H_
