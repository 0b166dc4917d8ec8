#include "daemon/service/evidence/facts_of_device_distance.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "daemon/advice/template_text.h"
#include "daemon/service/evidence/socket_sums.h"

namespace hftmon {
namespace {

constexpr std::string_view kBacklog = "backlog";
constexpr std::string_view kOthers = "others";

struct Packets {
  uint64_t count = 0;
  bool estimated = false;
};

// What a thread read in the window.
struct ThreadReads {
  std::map<std::string, Packets> by_interface;
  Packets untold;      // of sockets whose address tells no interface
  std::string socket;  // the local address of one of those
};

class Distances {
 public:
  Distances(const EvidenceContext& context, const SnapshotPair& sums, const DistanceSources& sources, std::vector<Fact>* facts,
            std::vector<MissingEvidence>* missing)
      : context_(context), sums_(sums), sources_(sources), delivered_(DeliveredBetween(sums)), facts_(facts), missing_(missing) {}

  void Add(const ThreadNodes& thread) {
    const std::vector<SocketRead> sockets = ReadsBetween(sums_, thread.thread);
    if (sockets.empty()) return;
    const uint32_t pid = thread.thread.tgid;
    if (sources_.elsewhere(pid)) {
      return Miss(fmt::format("process {} is in another network namespace, whose interfaces the daemon does not see", pid), "");
    }
    ThreadReads reads = ReadsOf(sockets);
    for (auto& [interface, packets] : reads.by_interface) packets = Bounded(interface, packets);
    if (reads.untold.count > 0) AddUntold(thread, &reads);
    for (const auto& [interface, packets] : reads.by_interface) {
      if (packets.count > 0) AddFact(thread, interface, packets);
    }
  }

 private:
  ThreadReads ReadsOf(const std::vector<SocketRead>& sockets) {
    if (!addresses_) addresses_ = sources_.addresses();
    ThreadReads reads;
    for (const SocketRead& socket : sockets) {
      if (IsLoopbackAddress(socket.local_address)) continue;
      if (!socket.remote_address.empty() && addresses_->IsOwn(socket.remote_address)) continue;
      const std::optional<std::string> interface = addresses_->InterfaceOf(socket.local_address);
      Packets& packets = interface ? reads.by_interface[*interface] : reads.untold;
      packets.count += socket.count;
      packets.estimated = packets.estimated || socket.shared;
      if (!interface) reads.socket = socket.local_address;
    }
    return reads;
  }

  uint64_t DeliveredBy(std::string_view interface) const {
    uint64_t count = 0;
    for (const DeliveredPackets& one : delivered_) {
      if (!one.other_namespace && one.interface == interface) count += one.count;
    }
    return count;
  }

  // An interface that lies upon others has no polls of its own.
  uint64_t DeliveredThrough(const std::string& interface, int levels_left = 4) const {
    uint64_t count = DeliveredBy(interface);
    if (count > 0 || levels_left == 0) return count;
    for (const std::string& lower : sources_.lowers(interface)) count += DeliveredThrough(lower, levels_left - 1);
    return count;
  }

  // A socket that is not connected is sent to by the host itself too.
  Packets Bounded(const std::string& interface, Packets packets) const {
    const uint64_t most = DeliveredThrough(interface) + DeliveredBy(kOthers);
    if (packets.count <= most) return packets;
    return {.count = most, .estimated = true};
  }

  // The interfaces that delivered packets to this host's namespace.
  std::vector<std::string> Delivering() const {
    std::vector<std::string> names;
    for (const DeliveredPackets& one : delivered_) {
      if (!one.other_namespace && one.interface != kBacklog) names.push_back(one.interface);
    }
    return names;
  }

  const DeviceLocality* Find(std::string_view interface) const {
    const auto known = std::find_if(sources_.devices.begin(), sources_.devices.end(),
                                    [interface](const DeviceLocality& one) { return one.kind == "net" && one.name == interface; });
    return known == sources_.devices.end() ? nullptr : &*known;
  }

  void AddUntold(const ThreadNodes& thread, ThreadReads* reads) {
    const std::vector<std::string> names = Delivering();
    if (names.empty()) return;  // they came from the host itself
    const uint64_t backlog = DeliveredBy(kBacklog);
    if (names.size() == 1 && names[0] != kOthers && reads->untold.count > backlog) {
      Packets& packets = reads->by_interface[names[0]];
      packets = Bounded(names[0], {.count = packets.count + reads->untold.count - backlog, .estimated = true});
      return;
    }
    // Whichever it was: all are near.
    const bool near = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      const DeviceLocality* device = Find(name);
      return device != nullptr && device->node && thread.nodes.size() == 1 && thread.nodes[0].node == *device->node;
    });
    if (near) return;
    const std::string why = names.size() == 1 && names[0] != kOthers
                                ? fmt::format("the host's own traffic, or steering, may have brought them as well as {}", names[0])
                                : "several interfaces delivered packets";
    Miss(fmt::format("through which interface {} packets came to tid {} is not known: its socket's address ({}) is no interface's, and {}",
                     reads->untold.count, thread.thread.tid, reads->socket, why),
         "bind the socket to the address of its interface, or to the multicast group that one interface joined");
  }

  void AddFact(const ThreadNodes& thread, const std::string& interface, const Packets& packets) {
    const DeviceLocality* device = Find(interface);
    if (device == nullptr) return;  // virtual
    if (!device->node) return Miss(fmt::format("the node of {} is not known: {}", interface, device->reason), "");
    const uint32_t tid = thread.thread.tid;
    if (!thread.unavailable.empty()) return Miss(fmt::format("where tid {} ran is not known: {}", tid, thread.unavailable), "");
    if (thread.nodes.empty() || thread.running_ns <= 0) return;  // it did not run, and so read nothing
    const NodeTime& most = thread.nodes[0];
    const double share = static_cast<double>(most.running_ns) / static_cast<double>(thread.running_ns);
    if (most.node < 0 || share < kHomeShareMin) {
      return Miss(
          fmt::format("tid {}, which reads packets of {}, ran on several nodes, or on CPUs of none: {:.0f} % of its time on node {}", tid,
                      interface, 100 * share, most.node),
          fmt::format("bind it to one node's CPUs, best to those of node {}: taskset -pc CPUS {}", *device->node, tid));
    }
    const std::optional<int> distance = context_.nodes.DistanceOf(most.node, *device->node);
    if (!distance) {
      return Miss(fmt::format("the firmware tells no distance from node {} to node {}, that of {}", most.node, *device->node, interface),
                  "");
    }
    Fact fact = NewFactOfSums(context_, sums_, FactKind::kDeviceDistance, thread.thread);
    fact.values[FactField::kInterface] = interface;
    fact.values[FactField::kCount] = static_cast<int64_t>(packets.count);
    fact.values[FactField::kDeviceNode] = static_cast<int64_t>(*device->node);
    fact.values[FactField::kThreadNode] = static_cast<int64_t>(most.node);
    fact.values[FactField::kDistance] = static_cast<int64_t>(*distance);
    if (const auto task = context_.task(thread.thread.tgid, tid)) SetCpus(&fact, FactField::kOldAffinity, task->allowed_cpus);
    SetCpus(&fact, FactField::kDeviceSpareCpus, DeviceSpareCpus(context_, *device->node));
    fact.quality.estimated = packets.estimated;
    fact.quality.truncated = sums_.SumsBefore(thread.thread) == nullptr || sums_.before->mono_ns - context_.begin_mono_ns > kShorterNs;
    fact.evidence.sentence =
        fmt::format("tid {} ran {:.0f} % of its time on node {} and read {}{} packets of {}, which is on node {}", tid, 100 * share,
                    most.node, packets.estimated ? "about " : "", packets.count, CleanText(interface), *device->node);
    facts_->push_back(std::move(fact));
  }

  // Each reason once.
  void Miss(std::string reason, std::string mend) {
    if (!told_.insert(reason).second) return;
    missing_->push_back({.kind = FactKind::kDeviceDistance, .where = {}, .reason = std::move(reason), .mend = std::move(mend)});
  }

  const EvidenceContext& context_;
  const SnapshotPair& sums_;
  const DistanceSources& sources_;
  const std::vector<DeliveredPackets> delivered_;
  std::optional<InterfaceAddresses> addresses_;
  std::set<std::string> told_;
  std::vector<Fact>* const facts_;
  std::vector<MissingEvidence>* const missing_;
};

}  // namespace

DistanceSources DistanceSourcesOf(const FileRoot& files, std::span<const DeviceLocality> devices) {
  DistanceSources sources;
  sources.devices = devices;
  sources.addresses = [files] { return ReadInterfaceAddresses(files); };
  sources.elsewhere = [files](uint32_t pid) {
    const auto own = files.ReadLink("/proc/self/ns/net");
    const auto its = files.ReadLink(fmt::format("/proc/{}/ns/net", pid));
    return own.ok() && its.ok() && *own != *its;
  };
  sources.lowers = [files](const std::string& interface) {
    constexpr std::string_view kLower = "lower_";
    std::vector<std::string> lowers;
    const auto entries = files.List(fmt::format("/sys/class/net/{}", interface));
    if (!entries.ok()) return lowers;
    for (const std::string& entry : *entries) {
      if (entry.starts_with(kLower)) lowers.push_back(entry.substr(kLower.size()));
    }
    return lowers;
  };
  return sources;
}

void AddDistanceFacts(const EvidenceContext& context, const SnapshotPair& sums, std::span<const ThreadNodes> threads,
                      const DistanceSources& sources, std::vector<Fact>* facts, std::vector<MissingEvidence>* missing) {
  if (sums.before == nullptr || sums.after == nullptr) return;
  Distances distances(context, sums, sources, facts, missing);
  for (const ThreadNodes& thread : threads) distances.Add(thread);
}

}  // namespace hftmon
