#include "daemon/service/network_query.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/utf8.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_network.h"
#include "daemon/service/history_window.h"
#include "daemon/service/rich_error.h"

namespace hftmon {
namespace {

constexpr auto kNetTxSource = HFT_SOURCE_SOFTIRQ + 2;
constexpr auto kNetRxSource = HFT_SOURCE_SOFTIRQ + 3;

// What is asked for of interfaces and CPUs.
struct Wanted {
  const std::string& interface;
  const std::unordered_set<int32_t> cpus;

  bool Keeps(const std::string& name) const { return interface.empty() || interface == name; }
  bool KeepsCpu(size_t cpu) const { return cpus.empty() || cpus.contains(static_cast<int32_t>(cpu)); }
};

void ThreadToProto(const ThreadNetworkTotal& total, ThreadNames* names, v1::ThreadNetwork* out) {
  ThreadToProto(total.thread, names, out->mutable_thread());
  out->set_available(total.unavailable.empty());
  out->set_reason(total.unavailable);
  for (const SocketTotal& socket : total.sockets) SocketToProto(socket, out->add_sockets());
}

// Largest first.
void AddPolls(std::vector<InterfacePollTotal> polls, const Wanted& wanted, v1::CpuNetwork* out) {
  std::stable_sort(polls.begin(), polls.end(), [](const auto& a, const auto& b) { return a.self_ns > b.self_ns; });
  for (const InterfacePollTotal& poll : polls) {
    if (wanted.Keeps(poll.name)) PollsToProto(poll, out->add_interfaces());
  }
}

void AddCpus(const std::vector<CpuInterruptTotal>& interrupts, const NetworkTotal& total, const HostNetwork& host, const Wanted& wanted,
             v1::QueryNetworkResponse* response) {
  std::map<int, const SoftnetCpu*> softnet;
  if (host.softnet.ok()) {
    for (const SoftnetCpu& cpu : *host.softnet) softnet[cpu.cpu] = &cpu;
  }
  for (size_t cpu = 0; cpu < std::max(interrupts.size(), total.polls.size()); ++cpu) {
    if (!wanted.KeepsCpu(cpu)) continue;
    v1::CpuNetwork one;
    one.set_cpu(static_cast<int32_t>(cpu));
    bool any = false;
    if (cpu < interrupts.size()) {
      const SourceSum& rx = interrupts[cpu].sources[kNetRxSource];
      const SourceSum& tx = interrupts[cpu].sources[kNetTxSource];
      one.set_net_rx_ns(rx.self_ns);
      one.set_net_rx_count(rx.count);
      one.set_net_tx_ns(tx.self_ns);
      one.set_net_tx_count(tx.count);
      any = rx.count > 0 || tx.count > 0;
    }
    if (cpu < total.polls.size()) AddPolls(total.polls[cpu], wanted, &one);
    if (const auto known = softnet.find(static_cast<int>(cpu)); known != softnet.end()) {
      SoftnetToProto(*known->second, one.mutable_softnet());
      any = any || known->second->processed_count > 0 || known->second->dropped_count > 0;
    }
    if (any || one.interfaces_size() > 0 || !wanted.cpus.empty()) response->add_cpus()->Swap(&one);
  }
}

// Those that were polled and those that count for themselves; what is in the daemon's namespace under one number and name is one interface.
void AddInterfaces(const NetworkTotal& total, const HostNetwork& host, const Wanted& wanted, v1::QueryNetworkResponse* response) {
  std::map<std::pair<uint64_t, std::string>, InterfacePollTotal> sums;
  for (const std::vector<InterfacePollTotal>& polls : total.polls) {
    for (const InterfacePollTotal& poll : polls) {
      const auto [known, first] = sums.try_emplace({poll.device, poll.name}, poll);
      if (!first) known->second.Add(poll);
    }
  }
  std::unordered_set<uint32_t> told;
  std::map<std::pair<uint32_t, std::string>, const InterfaceCounters*> counters;
  if (host.counters.ok()) {
    for (const InterfaceCounters& one : host.counters->interfaces) counters[{one.ifindex, one.name}] = &one;
  }
  std::vector<const InterfacePollTotal*> order;
  for (const auto& [key, sum] : sums) order.push_back(&sum);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->self_ns > b->self_ns; });
  for (const InterfacePollTotal* sum : order) {
    if (!wanted.Keeps(sum->name)) continue;
    v1::InterfaceNetwork* out = response->add_interfaces();
    PollsToProto(*sum, out->mutable_polls());
    const auto known = counters.find({sum->ifindex, sum->name});
    if (sum->other_namespace || known == counters.end()) continue;
    CountersToProto(*known->second, out->mutable_counters());
    told.insert(sum->ifindex);
  }
  for (const auto& [key, one] : counters) {
    if (told.contains(one->ifindex) || !wanted.Keeps(one->name)) continue;
    v1::InterfaceNetwork* out = response->add_interfaces();
    out->mutable_polls()->set_name(ValidUtf8(one->name));
    out->mutable_polls()->set_ifindex(one->ifindex);
    CountersToProto(*one, out->mutable_counters());
  }
}

// The numbers under which the interface of that name is known here, or was polled.
std::unordered_set<uint32_t> NumbersOf(const std::string& name, const NetworkTotal& total, const HostNetwork& host) {
  std::unordered_set<uint32_t> numbers;
  if (host.counters.ok()) {
    for (const InterfaceCounters& one : host.counters->interfaces) {
      if (one.name == name) numbers.insert(one.ifindex);
    }
  }
  for (const std::vector<InterfacePollTotal>& polls : total.polls) {
    for (const InterfacePollTotal& poll : polls) {
      if (poll.name == name && poll.ifindex != 0) numbers.insert(poll.ifindex);
    }
  }
  return numbers;
}

// A packet that no longer knew its device has its number alone, which may be that of the interface asked for, or of one of another
// namespace: it is told without a name.
void AddDrops(const NetworkTotal& total, const HostNetwork& host, const Wanted& wanted, v1::QueryNetworkResponse* response) {
  const std::unordered_set<uint32_t> numbers = NumbersOf(wanted.interface, total, host);
  for (const DropTotal& drop : total.drops) {
    if (!wanted.Keeps(drop.interface) && !(drop.interface.empty() && numbers.contains(drop.ifindex))) continue;
    v1::PacketDrops* out = response->add_drops();
    out->set_reason(drop.reason);
    out->set_ifindex(drop.ifindex);
    out->set_interface(ValidUtf8(drop.interface));
    out->set_other_namespace(drop.other_namespace);
    out->set_count(drop.count);
  }
}

// Nothing is known of an interface of that name, and all that there are here were looked at. One of another namespace is known once it was
// polled or dropped a packet; "backlog" and "others" stand for several.
bool IsNoInterface(const std::string& name, const HostNetwork& host, const v1::QueryNetworkResponse& response) {
  if (name.empty() || name == "backlog" || name == "others") return false;
  if (!host.counters.ok() || host.counters->unread_count > 0) return false;
  return response.interfaces_size() == 0 && response.drops_size() == 0;
}

void AddRetransmits(const NetworkTotal& total, v1::QueryNetworkResponse* response) {
  for (const RetransmitTotal& retransmit : total.retransmits) {
    v1::TcpRetransmits* out = response->add_retransmits();
    out->set_local_port(retransmit.local_port);
    out->set_remote_address(retransmit.remote_address);
    out->set_remote_port(retransmit.remote_port);
    out->set_count(retransmit.count);
    out->set_tid(static_cast<int32_t>(retransmit.tid));
    out->set_pid(static_cast<int32_t>(retransmit.tgid));
  }
  response->set_retransmit_count(total.retransmit_count);
}

}  // namespace

grpc::Status AnswerNetwork(const ServiceCore& core, const TargetSelection& selection, const v1::QueryNetworkRequest& request,
                           const Arrival& arrival, v1::QueryNetworkResponse* response) {
  const grpc::Status threads = AddThreadsOf(*core.network, selection, request.tids(), "network", [&](const ThreadNetworkTotal& total) {
    ThreadToProto(total, core.names, response->add_threads());
  });
  if (!threads.ok()) return threads;
  const NetworkTotal total = core.network->Read();
  const std::vector<CpuInterruptTotal> interrupts = core.interrupts->Cpus();
  // Of the programs' figures, not of the files, which take their time.
  const TimePair now = core.status->Now();
  TimePairToProto(now, response->mutable_time());
  const size_t cpu_count = std::max(interrupts.size(), total.polls.size());
  const Wanted wanted{request.interface(), {request.cpus().begin(), request.cpus().end()}};
  for (const int32_t cpu : wanted.cpus) {
    if (cpu_count == 0 || static_cast<size_t>(cpu) < cpu_count) continue;
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_CPU",
                     absl::StrCat("CPU ", cpu, " is none of this host's: give CPUs of 0-", cpu_count - 1));
  }
  const HostNetwork host = core.network->ReadHost(wanted.interface);
  response->set_collecting(total.collecting);
  response->set_reason(total.reason);
  for (const std::string& missing : total.missing) response->add_missing(missing);
  if (arrival.late) {
    response->add_missing(
        "sockets of threads attached just before this answer (some may be left out): the daemon's loop is stuck or starved: see `hftmon "
        "status`");
  }
  AddCpus(interrupts, total, host, wanted, response);
  AddInterfaces(total, host, wanted, response);
  AddDrops(total, host, wanted, response);
  if (IsNoInterface(wanted.interface, host, *response)) {
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_AN_INTERFACE",
                     absl::StrCat("no interface of the name ", ValidUtf8(wanted.interface),
                                  " is known: `hftmon network` without --interface lists them"));
  }
  AddRetransmits(total, response);
  response->set_unlisted_drop_count(total.unlisted_drop_count);
  response->set_unlisted_read_count(total.unlisted_read_count);
  if (!host.softnet.ok()) response->set_softnet_unavailable(std::string(host.softnet.status().message()));
  if (host.counters.ok()) {
    response->set_unread_interface_count(host.counters->unread_count);
  } else {
    response->set_counters_unavailable(std::string(host.counters.status().message()));
  }
  response->set_unslotted_thread_count(selection.UnslottedSince(now.monotonic_ns));
  return grpc::Status::OK;
}

}  // namespace hftmon
