#include "client/cli/network_between.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace hftmon {
namespace {

std::string KeyOf(const v1::InterfacePolls& polls) {
  return fmt::format("{} {} {}", polls.name(), polls.ifindex(), polls.other_namespace());
}

std::string KeyOf(const v1::PacketDrops& drops) {
  return fmt::format("{} {} {} {}", drops.reason(), drops.ifindex(), drops.interface(), drops.other_namespace());
}

std::string KeyOf(const v1::ThreadNetwork& thread, const v1::SocketPath& socket) {
  return fmt::format("{} {} {} {} {}:{} {}:{}", thread.thread().tid(), thread.thread().start_boottime_ns(), socket.fd(), socket.protocol(),
                     socket.local_address(), socket.local_port(), socket.remote_address(), socket.remote_port());
}

void Subtract(const v1::InterfacePolls& first, v1::InterfacePolls* row) {
  row->set_poll_count(row->poll_count() - first.poll_count());
  row->set_work_count(row->work_count() - first.work_count());
  row->set_full_count(row->full_count() - first.full_count());
  row->set_untimed_count(row->untimed_count() - first.untimed_count());
  row->set_self_ns(row->self_ns() - first.self_ns());
}

// Modulo 2^32, as the kernel counts.
void Subtract(const v1::Softnet& first, v1::Softnet* row) {
  row->set_processed_count(row->processed_count() - first.processed_count());
  row->set_dropped_count(row->dropped_count() - first.dropped_count());
  row->set_time_squeeze_count(row->time_squeeze_count() - first.time_squeeze_count());
  row->set_received_rps_count(row->received_rps_count() - first.received_rps_count());
  row->set_flow_limit_count(row->flow_limit_count() - first.flow_limit_count());
}

// A driver that is loaded anew counts from 0 on.
uint64_t Since(uint64_t first, uint64_t second) {
  return second < first ? second : second - first;
}

void Subtract(const v1::DeviceCounters& first, v1::DeviceCounters* row) {
  row->set_rx_packets(Since(first.rx_packets(), row->rx_packets()));
  row->set_rx_dropped(Since(first.rx_dropped(), row->rx_dropped()));
  row->set_rx_missed_errors(Since(first.rx_missed_errors(), row->rx_missed_errors()));
  row->set_rx_fifo_errors(Since(first.rx_fifo_errors(), row->rx_fifo_errors()));
  row->set_tx_packets(Since(first.tx_packets(), row->tx_packets()));
  row->set_tx_dropped(Since(first.tx_dropped(), row->tx_dropped()));
  row->set_tx_fifo_errors(Since(first.tx_fifo_errors(), row->tx_fifo_errors()));
}

void SubtractCpus(const v1::QueryNetworkResponse& first, v1::QueryNetworkResponse* between) {
  std::map<int32_t, const v1::CpuNetwork*> known;
  for (const v1::CpuNetwork& cpu : first.cpus()) known[cpu.cpu()] = &cpu;
  for (v1::CpuNetwork& cpu : *between->mutable_cpus()) {
    const auto found = known.find(cpu.cpu());
    if (found == known.end()) continue;
    const v1::CpuNetwork& before = *found->second;
    if (cpu.has_net_rx_ns()) cpu.set_net_rx_ns(cpu.net_rx_ns() - before.net_rx_ns());
    if (cpu.has_net_rx_count()) cpu.set_net_rx_count(cpu.net_rx_count() - before.net_rx_count());
    if (cpu.has_net_tx_ns()) cpu.set_net_tx_ns(cpu.net_tx_ns() - before.net_tx_ns());
    if (cpu.has_net_tx_count()) cpu.set_net_tx_count(cpu.net_tx_count() - before.net_tx_count());
    if (cpu.has_softnet()) Subtract(before.softnet(), cpu.mutable_softnet());
    std::map<std::string, const v1::InterfacePolls*> polls;
    for (const v1::InterfacePolls& each : before.interfaces()) polls[KeyOf(each)] = &each;
    for (v1::InterfacePolls& each : *cpu.mutable_interfaces()) {
      if (const auto same = polls.find(KeyOf(each)); same != polls.end()) Subtract(*same->second, &each);
    }
  }
}

// By name: one that was polled for the first time meanwhile got its number with that. One that the first lacks came meanwhile.
std::string NameOf(const v1::InterfacePolls& polls) {
  return fmt::format("{} {}", polls.name(), polls.other_namespace());
}

void SubtractInterfaces(const v1::QueryNetworkResponse& first, v1::QueryNetworkResponse* between) {
  std::map<std::string, const v1::InterfaceNetwork*> known;
  for (const v1::InterfaceNetwork& interface : first.interfaces()) known[NameOf(interface.polls())] = &interface;
  for (v1::InterfaceNetwork& interface : *between->mutable_interfaces()) {
    const auto found = known.find(NameOf(interface.polls()));
    if (found == known.end()) continue;
    Subtract(found->second->polls(), interface.mutable_polls());
    if (interface.has_counters()) Subtract(found->second->counters(), interface.mutable_counters());
  }
}

void SubtractDrops(const v1::QueryNetworkResponse& first, v1::QueryNetworkResponse* between) {
  std::map<std::string, uint64_t> known;
  for (const v1::PacketDrops& drops : first.drops()) known[KeyOf(drops)] += drops.count();
  auto* rows = between->mutable_drops();
  for (v1::PacketDrops& drops : *rows) {
    const uint64_t before = known.contains(KeyOf(drops)) ? known[KeyOf(drops)] : 0;
    drops.set_count(Since(before, drops.count()));
  }
  rows->erase(std::remove_if(rows->begin(), rows->end(), [](const v1::PacketDrops& drops) { return drops.count() == 0; }), rows->end());
  std::sort(rows->begin(), rows->end(), [](const v1::PacketDrops& a, const v1::PacketDrops& b) { return a.count() > b.count(); });
}

void SubtractSockets(const v1::QueryNetworkResponse& first, v1::QueryNetworkResponse* between) {
  std::map<std::string, const v1::SocketPath*> known;
  for (const v1::ThreadNetwork& thread : first.threads()) {
    for (const v1::SocketPath& socket : thread.sockets()) known[KeyOf(thread, socket)] = &socket;
  }
  for (v1::ThreadNetwork& thread : *between->mutable_threads()) {
    for (v1::SocketPath& socket : *thread.mutable_sockets()) {
      const auto found = known.find(KeyOf(thread, socket));
      if (found == known.end() || socket.copied_count() < found->second->copied_count()) continue;
      const v1::SocketPath& before = *found->second;
      socket.set_copied_count(socket.copied_count() - before.copied_count());
      socket.set_unmatched_count(Since(before.unmatched_count(), socket.unmatched_count()));
      socket.set_unqueued_count(Since(before.unqueued_count(), socket.unqueued_count()));
      socket.set_retransmit_count(Since(before.retransmit_count(), socket.retransmit_count()));
      const auto subtract = [](const v1::PathTime& then, v1::PathTime* now) { now->set_sum_ns(now->sum_ns() - then.sum_ns()); };
      subtract(before.arrival_to_queue(), socket.mutable_arrival_to_queue());
      subtract(before.queue_to_copy(), socket.mutable_queue_to_copy());
      subtract(before.arrival_to_copy(), socket.mutable_arrival_to_copy());
    }
  }
}

}  // namespace

v1::QueryNetworkResponse NetworkBetween(const v1::QueryNetworkResponse& first, const v1::QueryNetworkResponse& second) {
  v1::QueryNetworkResponse between = second;
  SubtractCpus(first, &between);
  SubtractInterfaces(first, &between);
  SubtractDrops(first, &between);
  SubtractSockets(first, &between);
  between.clear_retransmits();
  between.set_retransmit_count(Since(first.retransmit_count(), second.retransmit_count()));
  between.set_unlisted_drop_count(Since(first.unlisted_drop_count(), second.unlisted_drop_count()));
  between.set_unlisted_read_count(Since(first.unlisted_read_count(), second.unlisted_read_count()));
  return between;
}

}  // namespace hftmon
