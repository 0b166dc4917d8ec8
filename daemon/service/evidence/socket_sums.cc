#include "daemon/service/evidence/socket_sums.h"

#include <map>
#include <tuple>
#include <utility>

namespace hftmon {
namespace {

using SocketId = std::tuple<int32_t, uint16_t, std::string, uint16_t, std::string, uint16_t>;

SocketId IdOf(const SocketSum& socket) {
  return {socket.fd, socket.protocol, socket.local_address, socket.local_port, socket.remote_address, socket.remote_port};
}

struct Before {
  uint64_t count = 0;
  bool of_another = false;
};

// A socket's sum belongs to the thread that read it last, and goes on when that is another one.
std::map<SocketId, Before> SocketsBefore(const EvidenceSnapshot& before, const ThreadKey& thread) {
  std::map<SocketId, Before> sockets;
  for (const auto& [key, sums] : before.threads) {
    if (key.tgid != thread.tgid) continue;
    for (const SocketSum& socket : sums.sockets) {
      Before& one = sockets[IdOf(socket)];
      one.count += socket.copied_count;
      one.of_another = one.of_another || !(key == thread);
    }
  }
  return sockets;
}

using PollId = std::tuple<int, std::string, bool>;  // CPU, interface, of another namespace

std::map<PollId, uint64_t> PollsOf(const EvidenceSnapshot& snapshot) {
  std::map<PollId, uint64_t> polls;
  for (const PollSum& poll : snapshot.polls) polls[{poll.cpu, poll.interface, poll.other_namespace}] += poll.work_count;
  return polls;
}

}  // namespace

void AddSocketSums(const NetworkTotals& network, const std::set<uint32_t>& pids, EvidenceSnapshot* snapshot) {
  for (const uint32_t pid : pids) {
    for (const ThreadNetworkTotal& total : network.ThreadsOf(pid)) {
      for (const SocketTotal& socket : total.sockets) {
        if (socket.copied_count == 0) continue;
        snapshot->threads[total.thread].sockets.push_back({.fd = socket.fd,
                                                           .protocol = socket.protocol,
                                                           .local_address = socket.local_address,
                                                           .local_port = socket.local_port,
                                                           .remote_address = socket.remote_address,
                                                           .remote_port = socket.remote_port,
                                                           .copied_count = socket.copied_count});
      }
    }
  }
}

std::vector<SocketRead> ReadsBetween(const SnapshotPair& sums, const ThreadKey& thread) {
  std::vector<SocketRead> reads;
  const auto after = sums.after->threads.find(thread);
  if (after == sums.after->threads.end() || after->second.sockets.empty()) return reads;
  const std::map<SocketId, Before> before = SocketsBefore(*sums.before, thread);
  std::map<SocketId, uint64_t> now;  // sockets whose descriptor is not known may be told apart by nothing
  for (const SocketSum& socket : after->second.sockets) now[IdOf(socket)] += socket.copied_count;
  for (const auto& [id, count] : now) {
    const auto known = before.find(id);
    const Before from = known == before.end() ? Before() : known->second;
    if (count <= from.count) continue;
    reads.push_back(
        {.local_address = std::get<2>(id), .remote_address = std::get<4>(id), .count = count - from.count, .shared = from.of_another});
  }
  return reads;
}

std::vector<DeliveredPackets> DeliveredBetween(const SnapshotPair& sums) {
  const std::map<PollId, uint64_t> before = PollsOf(*sums.before);
  std::map<std::pair<std::string, bool>, uint64_t> counts;
  for (const auto& [id, count] : PollsOf(*sums.after)) {
    const auto known = before.find(id);
    const uint64_t from = known == before.end() ? 0 : known->second;
    if (count > from) counts[{std::get<1>(id), std::get<2>(id)}] += count - from;
  }
  std::vector<DeliveredPackets> delivered;
  for (const auto& [id, count] : counts) delivered.push_back({.interface = id.first, .other_namespace = id.second, .count = count});
  return delivered;
}

}  // namespace hftmon
