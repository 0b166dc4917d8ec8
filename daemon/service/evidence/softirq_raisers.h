// SoftirqRaiser: which interrupt line or steered queue of a network interface makes packets be handled on a CPU, so that it can be moved.
// Reads: /sys/class/net/IF/queues/rx-N/rps_cpus; what DeviceLines reads; two snapshots of the lines' counts and of polls by CPU.
// Interfaces of other network namespaces are not seen: their files are not the daemon's. RaiserOn is pure.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_SOFTIRQ_RAISERS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_SOFTIRQ_RAISERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/advice/fact.h"
#include "daemon/os/file_root.h"
#include "daemon/service/evidence/evidence_snapshot.h"

namespace hftmon {

struct ReceiveQueue {
  std::string interface;
  int64_t queue = 0;
  CpuList rps_cpus;  // that its packets are steered to; empty: they are not
};

struct InterfaceLine {
  std::string interface;
  uint32_t irq = 0;
  std::string handler;
};

struct NetworkQueues {
  std::vector<ReceiveQueue> queues;
  std::vector<InterfaceLine> lines;
};

inline constexpr size_t kReceiveQueuesMax = 4096;  // more are left out

NetworkQueues ReadNetworkQueues(const FileRoot& files);

struct SoftirqRaiser {
  std::string interface;
  std::optional<int64_t> queue;  // absent: the interface has several, and the line's name tells none
  std::optional<uint32_t> irq;   // absent: packets are steered there
  CpuList rps_cpus;              // of `queue`
};

// Of the packets that these CPUs handled in the window; absent: none was seen to, or several interfaces were and which of them is not
// known.
std::optional<SoftirqRaiser> RaiserOn(const CpuList& cpus, const SnapshotPair& sums, const NetworkQueues& queues);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_SOFTIRQ_RAISERS_H_
