#include "daemon/shared_network_totals.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "daemon/slot_reader.h"

namespace hftmon {
namespace {

constexpr char kAttachIt[] = "no running target asks: attach one with --probes network";

template <size_t N>
std::string Text(const char (&name)[N]) {
  return std::string(name, strnlen(name, N));
}

// Empty: none.
std::string AddressText(uint16_t family, const __u8 (&address)[HFT_ADDRESS_BYTES]) {
  __u8 copy[HFT_ADDRESS_BYTES];
  std::memcpy(copy, address, sizeof(copy));
  char text[INET6_ADDRSTRLEN] = "";
  if (family != AF_INET && family != AF_INET6) return "";
  return inet_ntop(family, copy, text, sizeof(text)) == nullptr ? "" : text;
}

PathTotal PathOf(const hft_path_sum& sum) {
  return {.sum_ns = LoadNs(sum.sum_ns), .longest_ns = LoadNs(sum.longest_ns)};
}

SocketTotal SocketOf(const hft_socket_path& path) {
  const uint16_t family = LoadWord(path.family);
  SocketTotal total{.fd = LoadWord(path.fd),
                    .protocol = LoadWord(path.protocol),
                    .local_address = AddressText(family, path.local),
                    .local_port = LoadWord(path.local_port),
                    .remote_port = LoadWord(path.remote_port),
                    .copied_count = LoadWord(path.copied_count),
                    .unmatched_count = LoadWord(path.unmatched_count),
                    .unqueued_count = LoadWord(path.unqueued_count),
                    .retransmit_count = LoadWord(path.retransmit_count),
                    .arrival_to_queue = PathOf(path.arrival_to_queue),
                    .queue_to_copy = PathOf(path.queue_to_copy),
                    .arrival_to_copy = PathOf(path.arrival_to_copy)};
  if (total.remote_port != 0) total.remote_address = AddressText(family, path.remote);
  return total;
}

// Of the socket in that row, if that thread read it last. What an earlier owner of the slot read is not this thread's, and a row that
// another socket took while it was copied tells nobody's figures.
std::optional<SocketTotal> SocketReadBy(uint32_t slot, uint32_t generation, const hft_socket_path& path) {
  // Acquire: pairs with the kernel's order of its writes, in which a row is marked before its words change.
  const uint64_t sock = std::atomic_ref<__u64>(const_cast<__u64&>(path.sock)).load(std::memory_order_acquire);
  const auto owned = [&] { return LoadWord(path.slot) == slot && LoadWord(path.generation) == generation; };
  if (sock <= HFT_SOCKET_BUSY || !owned()) return std::nullopt;
  SocketTotal total = SocketOf(path);
  // Keeps the copy above the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (LoadWord(path.sock) != sock || !owned()) return std::nullopt;
  return total;
}

void AddDrops(const hft_cpu_network& cpu, const DropReasons& reasons, std::map<std::tuple<uint32_t, uint32_t, uint32_t>, DropTotal>* sums) {
  for (const hft_drop_row& row : cpu.drops) {
    const uint64_t count = LoadWord(row.count);
    if (count == 0) continue;
    DropTotal& sum = (*sums)[{LoadWord(row.reason), LoadWord(row.ifindex), LoadWord(row.namespace_id)}];
    if (sum.count == 0) {
      sum.reason = reasons.NameOf(LoadWord(row.reason));
      sum.ifindex = LoadWord(row.ifindex);
      sum.interface = Text(row.name);
    }
    sum.count += count;
  }
}

using Connection = std::tuple<uint16_t, uint16_t, std::string>;

void AddRetransmits(const hft_cpu_network& cpu, std::map<Connection, RetransmitTotal>* sums) {
  for (const hft_retransmit_row& row : cpu.retransmits) {
    const uint64_t count = LoadWord(row.count);
    if (count == 0) continue;
    const std::string remote = AddressText(LoadWord(row.family), row.remote);
    RetransmitTotal& sum = (*sums)[{LoadWord(row.local_port), LoadWord(row.remote_port), remote}];
    sum.local_port = LoadWord(row.local_port);
    sum.remote_port = LoadWord(row.remote_port);
    sum.remote_address = remote;
    sum.count += count;
    if (const uint32_t tid = LoadWord(row.tid); tid != 0) {
      sum.tid = tid;
      sum.tgid = LoadWord(row.tgid);
    }
  }
}

// Those with most first.
template <typename Sums>
auto InOrder(Sums* sums) {
  std::vector<typename Sums::mapped_type> order;
  for (auto& [key, sum] : *sums) order.push_back(std::move(sum));
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  return order;
}

}  // namespace

bool SharedNetworkTotals::IsOther(uint32_t namespace_id) const {
  return parts_.own_namespace != 0 && namespace_id != 0 && namespace_id != parts_.own_namespace;
}

std::vector<InterfacePollTotal> SharedNetworkTotals::PollsOf(const hft_cpu_network& cpu) const {
  std::vector<InterfacePollTotal> polls;
  for (size_t at = 0; at < HFT_INTERFACE_ROWS; ++at) {
    const hft_interface_row& row = cpu.interfaces[at];
    if (LoadWord(row.poll_count) == 0) continue;
    InterfacePollTotal& total = polls.emplace_back();
    if (at > HFT_INTERFACE_BACKLOG) {
      total.device = LoadWord(row.device);
      total.name = Text(row.name);
      total.ifindex = LoadWord(row.ifindex);
      total.other_namespace = IsOther(LoadWord(row.namespace_id));
    } else {
      total.name = at == HFT_INTERFACE_BACKLOG ? "backlog" : "others";
    }
    total.poll_count = LoadWord(row.poll_count);
    total.work_count = LoadWord(row.work_count);
    total.full_count = LoadWord(row.full_count);
    total.untimed_count = LoadWord(row.untimed_count);
    total.self_ns = LoadNs(row.self_ns);
  }
  return polls;
}

NetworkTotal SharedNetworkTotals::Read() const {
  NetworkTotal total;
  total.collecting = parts_.collecting();
  if (!total.collecting) total.reason = parts_.refusal.empty() ? kAttachIt : parts_.refusal;
  total.missing = parts_.missing;
  std::map<std::tuple<uint32_t, uint32_t, uint32_t>, DropTotal> drops;
  std::map<Connection, RetransmitTotal> retransmits;
  for (const hft_cpu_network& cpu : parts_.view.network) {
    total.polls.push_back(PollsOf(cpu));
    AddDrops(cpu, parts_.reasons, &drops);
    AddRetransmits(cpu, &retransmits);
    total.retransmit_count += LoadWord(cpu.retransmit_count);
    total.unlisted_drop_count += LoadWord(cpu.unlisted_drop_count);
    total.unlisted_read_count += LoadWord(cpu.unlisted_read_count);
  }
  for (auto& [key, drop] : drops) drop.other_namespace = IsOther(std::get<2>(key));
  total.drops = InOrder(&drops);
  total.retransmits = InOrder(&retransmits);
  return total;
}

std::string SharedNetworkTotals::WhyNot(uint32_t slot) const {
  if (!parts_.refusal.empty()) return parts_.refusal;
  if ((LoadWord(parts_.view.slots[slot].wishes.probes) & HFT_NETWORK) == 0)
    return "its target does not ask: attach it with --probes network";
  return "";
}

std::vector<ThreadNetworkTotal> SharedNetworkTotals::ThreadsOf(uint32_t tgid) const {
  return ReadSlotsOf<ThreadNetworkTotal>(parts_.view, parts_.high_water(), tgid, [this](uint32_t slot, uint32_t generation, auto* total) {
    total->unavailable = WhyNot(slot);
    if (!total->unavailable.empty()) return;
    for (const hft_socket_path& path : parts_.view.socket_paths) {
      if (std::optional<SocketTotal> socket = SocketReadBy(slot, generation, path)) total->sockets.push_back(*std::move(socket));
    }
  });
}

HostNetwork SharedNetworkTotals::ReadHost(const std::string& interface) const {
  return {.softnet = ReadSoftnetStat(parts_.files), .counters = ReadInterfaceCounters(parts_.files, interface)};
}

}  // namespace hftmon
