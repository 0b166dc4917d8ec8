// EvidenceSnapshot: the sums that the programs keep, as they stood at one time: two of them make the figures of a window. Passive data.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_SNAPSHOT_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_SNAPSHOT_H_

#include <linux/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/control/targets.h"
#include "daemon/os/numa_balancing.h"
#include "daemon/service/fault_totals.h"
#include "daemon/service/hardware_sums.h"
#include "daemon/service/interrupt_totals.h"

namespace hftmon {

// Packets that were read of one socket, followed from their arrival.
struct SocketSum {
  int32_t fd = -1;
  uint16_t protocol = 0;
  std::string local_address;
  uint16_t local_port = 0;
  std::string remote_address;  // empty: it is not connected
  uint16_t remote_port = 0;
  uint64_t copied_count = 0;
};

struct ThreadSums {
  std::optional<ThreadInterruptTotal> interrupts;
  std::optional<ThreadFaultTotal> faults;  // absent: no figures are to be had of it
  std::optional<NumaOfThread> numa;        // absent too where it was not asked for, or none is balanced
  std::vector<SocketSum> sockets;          // that it read last, where its target asks for packets
};

// Of one function of work queues on one CPU.
struct WorkSum {
  int cpu = 0;
  std::string function;
  int64_t duration_ns = 0;
};

// Of one interface, or "backlog" of packets that were steered, on one CPU.
struct PollSum {
  int cpu = 0;
  std::string interface;
  bool other_namespace = false;
  uint64_t poll_count = 0;
  uint64_t work_count = 0;  // packets
};

struct EvidenceSnapshot {
  int64_t begun_mono_ns = 0;  // when the reading began: what was there before, and has sums, is in it
  int64_t mono_ns = 0;
  std::map<ThreadKey, ThreadSums, ThreadKeyOrder> threads;
  std::vector<CpuInterruptTotal> cpus;
  std::vector<CpuVisitInfo> visits;       // of CPUs of rules: by CPU and name, each once
  std::vector<WorkSum> works;             // of CPUs that are to be left alone, where work is collected
  std::vector<PollSum> polls;             // where packets are collected
  std::vector<CpuHardwareSums> hardware;  // of the CPUs that were online; none where nobody asks for the probe group hardware
  bool numa_asked = false;                // threads were asked for balancing's sums
  bool numa_truncated = false;            // threads beyond kNumaThreadsMax were not asked

  // nullptr: nothing is known of that CPU's hardware.
  const CpuHardwareSums* HardwareOf(int cpu) const;
  // About what it takes.
  size_t bytes() const;
};

// Sums of a window that begins so much later than asked for are said to be of a part.
inline constexpr int64_t kShorterNs = 2'000'000'000;

// Of a thread that the first snapshot of a pair has not: when its sums began at zero.
struct LateStart {
  int64_t begin_mono_ns = 0;
  bool born = false;  // the thread itself began after the first snapshot, else only its sums did
};

// What lies between them is of the window [begin, end] of their times, of threads that came later of their part of it.
struct SnapshotPair {
  std::shared_ptr<const EvidenceSnapshot> before;  // null, as after: there is no pair
  std::shared_ptr<const EvidenceSnapshot> after;
  std::map<ThreadKey, LateStart, ThreadKeyOrder> late_starts = {};
  bool cut = false;  // there was an older snapshot in the window, and it is not kept: all together took too many bytes

  // Of a pair that is there: what the thread's sums were as its part began, zeros where they began later; nullptr: that is not known.
  const ThreadSums* SumsBefore(const ThreadKey& thread) const;
  // When that was.
  int64_t BeginOf(const ThreadKey& thread) const;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_SNAPSHOT_H_
