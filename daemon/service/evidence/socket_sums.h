// Packets that threads read, by socket, for a snapshot, and what a thread read of each between two.
// Reads: NetworkTotals, of processes whose targets ask for the probe group network. Produces: ThreadSums.sockets. Threads: any but the
// housekeeping one; ReadsBetween is pure.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_SOCKET_SUMS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_SOCKET_SUMS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/network_totals.h"

namespace hftmon {

void AddSocketSums(const NetworkTotals& network, const std::set<uint32_t>& pids, EvidenceSnapshot* snapshot);

struct SocketRead {
  std::string local_address;
  std::string remote_address;  // empty: it is not connected
  uint64_t count = 0;          // packets, more than 0
  bool shared = false;         // another thread of the process read it at the window's begin: some of them may be that one's
};

// Of the thread, which is in sums.after. A socket whose sum went back (its row was another's meanwhile) is left out.
std::vector<SocketRead> ReadsBetween(const SnapshotPair& sums, const ThreadKey& thread);

// Packets that polls of an interface delivered on all CPUs between the two; "backlog" and "others" as in PollSum.
struct DeliveredPackets {
  std::string interface;
  bool other_namespace = false;
  uint64_t count = 0;
};
// Those with any.
std::vector<DeliveredPackets> DeliveredBetween(const SnapshotPair& sums);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_SOCKET_SUMS_H_
