#include "daemon/shared_network_totals.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

namespace hftmon {
namespace {

constexpr char kAttachIt[] = "no running target asks: attach one with --probes network";

// Relaxed: each figure stands for itself.
template <typename T>
T Load(const T& word) {
  return std::atomic_ref<T>(const_cast<T&>(word)).load(std::memory_order_relaxed);
}

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
  return {.sum_ns = static_cast<int64_t>(Load(sum.sum_ns)), .longest_ns = static_cast<int64_t>(Load(sum.longest_ns))};
}

SocketTotal SocketOf(const hft_socket_path& path) {
  const uint16_t family = Load(path.family);
  SocketTotal total{.fd = Load(path.fd),
                    .protocol = Load(path.protocol),
                    .local_address = AddressText(family, path.local),
                    .local_port = Load(path.local_port),
                    .remote_port = Load(path.remote_port),
                    .copied_count = Load(path.copied_count),
                    .unmatched_count = Load(path.unmatched_count),
                    .unqueued_count = Load(path.unqueued_count),
                    .retransmit_count = Load(path.retransmit_count),
                    .arrival_to_queue = PathOf(path.arrival_to_queue),
                    .queue_to_copy = PathOf(path.queue_to_copy),
                    .arrival_to_copy = PathOf(path.arrival_to_copy)};
  if (total.remote_port != 0) total.remote_address = AddressText(family, path.remote);
  return total;
}

void AddDrops(const hft_cpu_network& cpu, const DropReasons& reasons, std::map<std::tuple<uint32_t, uint32_t, uint32_t>, DropTotal>* sums) {
  for (const hft_drop_row& row : cpu.drops) {
    const uint64_t count = Load(row.count);
    if (count == 0) continue;
    DropTotal& sum = (*sums)[{Load(row.reason), Load(row.ifindex), Load(row.namespace_id)}];
    if (sum.count == 0) {
      sum.reason = reasons.NameOf(Load(row.reason));
      sum.ifindex = Load(row.ifindex);
      sum.interface = Text(row.name);
    }
    sum.count += count;
  }
}

using Connection = std::tuple<uint16_t, uint16_t, std::string>;

void AddRetransmits(const hft_cpu_network& cpu, std::map<Connection, RetransmitTotal>* sums) {
  for (const hft_retransmit_row& row : cpu.retransmits) {
    const uint64_t count = Load(row.count);
    if (count == 0) continue;
    const std::string remote = AddressText(Load(row.family), row.remote);
    RetransmitTotal& sum = (*sums)[{Load(row.local_port), Load(row.remote_port), remote}];
    sum.local_port = Load(row.local_port);
    sum.remote_port = Load(row.remote_port);
    sum.remote_address = remote;
    sum.count += count;
    if (const uint32_t tid = Load(row.tid); tid != 0) {
      sum.tid = tid;
      sum.tgid = Load(row.tgid);
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
    if (Load(row.poll_count) == 0) continue;
    InterfacePollTotal& total = polls.emplace_back();
    if (at > HFT_INTERFACE_BACKLOG) {
      total.device = Load(row.device);
      total.name = Text(row.name);
      total.ifindex = Load(row.ifindex);
      total.other_namespace = IsOther(Load(row.namespace_id));
    } else {
      total.name = at == HFT_INTERFACE_BACKLOG ? "backlog" : "others";
    }
    total.poll_count = Load(row.poll_count);
    total.work_count = Load(row.work_count);
    total.full_count = Load(row.full_count);
    total.untimed_count = Load(row.untimed_count);
    total.self_ns = static_cast<int64_t>(Load(row.self_ns));
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
    total.retransmit_count += Load(cpu.retransmit_count);
    total.unlisted_drop_count += Load(cpu.unlisted_drop_count);
    total.unlisted_read_count += Load(cpu.unlisted_read_count);
  }
  for (auto& [key, drop] : drops) drop.other_namespace = IsOther(std::get<2>(key));
  total.drops = InOrder(&drops);
  total.retransmits = InOrder(&retransmits);
  return total;
}

std::string SharedNetworkTotals::WhyNot(uint32_t slot) const {
  if (!parts_.refusal.empty()) return parts_.refusal;
  if ((Load(parts_.view.slots[slot].wishes.probes) & HFT_NETWORK) == 0) return "its target does not ask: attach it with --probes network";
  return "";
}

std::optional<ThreadNetworkTotal> SharedNetworkTotals::ReadThread(uint32_t slot, uint32_t tgid) const {
  const hft_thread_slot& words = parts_.view.slots[slot];
  // Acquire: pairs with the release of whoever made the slot live, so its identity is whole.
  if (std::atomic_ref<__u32>(const_cast<__u32&>(words.state)).load(std::memory_order_acquire) == HFT_SLOT_FREE) return std::nullopt;
  if (Load(words.tgid) != tgid) return std::nullopt;
  const uint32_t generation = Load(words.generation);
  ThreadNetworkTotal total;
  total.thread = {Load(words.tid), tgid, static_cast<int64_t>(Load(words.start_ns))};
  total.unavailable = WhyNot(slot);
  for (const hft_socket_path& path : parts_.view.socket_paths) {
    if (!total.unavailable.empty()) break;
    // What an earlier owner of the slot read is not this thread's.
    if (Load(path.sock) <= HFT_SOCKET_BUSY || Load(path.slot) != slot || Load(path.generation) != generation) continue;
    total.sockets.push_back(SocketOf(path));
  }
  // Keeps the figures above the second look: another thread's have another generation.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (Load(words.state) == HFT_SLOT_FREE || Load(words.generation) != generation) return std::nullopt;
  return total;
}

std::vector<ThreadNetworkTotal> SharedNetworkTotals::ThreadsOf(uint32_t tgid) const {
  std::vector<ThreadNetworkTotal> totals;
  const size_t end = std::min<size_t>(size_t{parts_.high_water()} + 1, parts_.view.slots.size());
  for (uint32_t slot = 1; slot < end; ++slot) {
    if (std::optional<ThreadNetworkTotal> total = ReadThread(slot, tgid)) totals.push_back(*std::move(total));
  }
  return totals;
}

HostNetwork SharedNetworkTotals::ReadHost() const {
  return {.softnet = ReadSoftnetStat(parts_.files), .counters = ReadInterfaceCounters(parts_.files)};
}

}  // namespace hftmon
