// Watched threads that read packets of an interface: how far its node is from theirs (kDeviceDistance).
//
// Reads: what threads read of each socket and what interfaces delivered between two snapshots; NodesOfThreads; DeviceLocality; addresses.
// An interface is told by the socket's local address. Of a socket that is bound to none it is the only one that delivered packets, less
// those that may have come through the backlog (loopback, steered packets): `estimated`. Of one interface never more packets are told
// than it delivered. Packets from the host's own addresses go through no device and make no fact, nor do interfaces that are virtual;
// other network namespaces' are not seen. Pure but for the three functions of DistanceSources, any thread.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_DEVICE_DISTANCE_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_DEVICE_DISTANCE_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "daemon/advice/fact.h"
#include "daemon/os/device_locality.h"
#include "daemon/os/file_root.h"
#include "daemon/os/interface_addresses.h"
#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/thread_nodes.h"

namespace hftmon {

struct DistanceSources {
  std::span<const DeviceLocality> devices;
  std::function<InterfaceAddresses()> addresses;  // asked where somebody read packets
  // Whether a process is in another network namespace than the daemon; where that cannot be read it is not.
  std::function<bool(uint32_t pid)> elsewhere;
  // The interfaces that one lies upon (VLAN, bond), which are polled in its place.
  std::function<std::vector<std::string>(const std::string& interface)> lowers;
};

// Out of files of the host; `devices` outlives it.
DistanceSources DistanceSourcesOf(const FileRoot& files, std::span<const DeviceLocality> devices);

// One for each thread and interface. Of a host with several nodes. What cannot be told goes to `missing`.
void AddDistanceFacts(const EvidenceContext& context, const SnapshotPair& sums, std::span<const ThreadNodes> threads,
                      const DistanceSources& sources, std::vector<Fact>* facts, std::vector<MissingEvidence>* missing);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_DEVICE_DISTANCE_H_
