// CpuState: what a CPU does at a moment: who runs and which interrupts are in progress, read from the lines that the programs write.
//
// Reads: hft_cpu.position, log_begin and the newest entry of log[]; hft_cpu_interrupts.active. No system call, lock or allocation, and
// nothing is sent to the CPU: what it costs there is that its next write to a line that was read fetches the line back. A reading takes two
// lines (position, active); the log's entry is a third one, and is read only after a switch.
// Any thread; a CpuState belongs to one.
#ifndef HFTMON_DAEMON_INGEST_CPU_STATE_H_
#define HFTMON_DAEMON_INGEST_CPU_STATE_H_

#include <atomic>
#include <cstdint>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {

struct CpuState {
  static constexpr int kTriesMax = 3;
  static constexpr uint64_t kNeverRead = ~uint64_t{0};

  uint64_t position = kNeverRead;  // switches that the CPU had made
  bool known = false;              // who runs; not before its first switch since the programs were attached or switched on
  uint32_t tid = 0;                // 0: idle
  uint32_t tgid = 0;
  uint32_t active = 0;  // bit per interrupt level that is in progress

  // Brings it up to date. False, and it stands as it was, when the CPU switched meanwhile kTriesMax times over.
  bool Read(const KernelView& view, uint32_t cpu) {
    hft_cpu& from = view.cpus[cpu];
    for (int i = 0; i < kTriesMax; ++i) {
      CpuState now = *this;
      // Acquire: the entry below it is written.
      now.position = LoadAcquire(from.position);
      if (now.position != position) {
        const hft_runner& entry = from.log[(now.position - 1) % HFT_CPU_LOG_ENTRIES];
        now.known = now.position > LoadRelaxed(from.log_begin);
        now.tid = LoadRelaxed(const_cast<__u32&>(entry.tid));
        now.tgid = LoadRelaxed(const_cast<__u32&>(entry.tgid));
      }
      now.active = cpu < view.interrupts.size() ? LoadRelaxed(view.interrupts[cpu].active) : 0;
      // Keeps the reading above the second look.
      std::atomic_thread_fence(std::memory_order_acquire);
      if (LoadRelaxed(from.position) != now.position) continue;
      *this = now;
      return true;
    }
    return false;
  }
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_CPU_STATE_H_
