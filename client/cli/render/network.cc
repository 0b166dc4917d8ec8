#include "client/cli/render/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/unavailable.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr char kInvisible[] =
    "traffic that bypasses the kernel (DPDK, Onload, ef_vi, XDP zero copy) is invisible here: only what its protocols handle is counted\n";

// Programs that never ran since the daemon started counted nothing: their sums are not known, whatever they say.
bool PollsWereCounted(const v1::QueryNetworkResponse& response) {
  const auto polled = [](const v1::InterfaceNetwork& interface) { return interface.polls().poll_count() > 0; };
  return response.collecting() || std::any_of(response.interfaces().begin(), response.interfaces().end(), polled);
}

bool WasCounted(const v1::QueryNetworkResponse& response) {
  return PollsWereCounted(response) || response.drops_size() > 0 || response.unlisted_drop_count() > 0 || response.retransmit_count() > 0;
}

std::string WorkPerPoll(const v1::InterfacePolls& polls) {
  if (polls.poll_count() == 0) return "";
  return fmt::format("{:.1f}", static_cast<double>(polls.work_count()) / static_cast<double>(polls.poll_count()));
}

std::string InterfaceName(const v1::InterfacePolls& polls) {
  return Printable(polls.name()) + (polls.other_namespace() ? " (other namespace)" : "");
}

// Both times are 0 where it was only polled outside of the softirq.
std::string PollTime(const v1::InterfacePolls& polls) {
  if (polls.poll_count() == 0) return "";
  return polls.untimed_count() == polls.poll_count() ? "unknown" : FormatDuration(polls.self_ns());
}

std::string CpuTable(const v1::QueryNetworkResponse& response) {
  Table table({{"cpu"}, {"NET_RX"}, {"time"}, {"NET_TX"}, {"time"}, {"polls"}, {"packets"}, {"full"}, {"squeezed"}, {"backlog drops"}});
  const bool counted = PollsWereCounted(response);
  const auto if_counted = [counted](uint64_t count) { return counted ? std::to_string(count) : ""; };
  for (const v1::CpuNetwork& cpu : response.cpus()) {
    v1::InterfacePolls sum;
    for (const v1::InterfacePolls& polls : cpu.interfaces()) {
      sum.set_poll_count(sum.poll_count() + polls.poll_count());
      sum.set_work_count(sum.work_count() + polls.work_count());
      sum.set_full_count(sum.full_count() + polls.full_count());
    }
    table.AddRow({std::to_string(cpu.cpu()), cpu.has_net_rx_count() ? std::to_string(cpu.net_rx_count()) : "",
                  cpu.has_net_rx_ns() ? FormatDuration(cpu.net_rx_ns()) : "",
                  cpu.has_net_tx_count() ? std::to_string(cpu.net_tx_count()) : "",
                  cpu.has_net_tx_ns() ? FormatDuration(cpu.net_tx_ns()) : "", if_counted(sum.poll_count()), if_counted(sum.work_count()),
                  if_counted(sum.full_count()), cpu.has_softnet() ? std::to_string(cpu.softnet().time_squeeze_count()) : "",
                  cpu.has_softnet() ? std::to_string(cpu.softnet().dropped_count()) : ""});
  }
  return table.empty() ? "" : table.Print();
}

std::string PollTable(const v1::QueryNetworkResponse& response) {
  Table table({{"cpu"}, {"interface", Table::Align::kLeft}, {"polls"}, {"packets"}, {"per poll"}, {"full"}, {"untimed"}, {"time"}});
  for (const v1::CpuNetwork& cpu : response.cpus()) {
    for (const v1::InterfacePolls& polls : cpu.interfaces()) {
      table.AddRow({std::to_string(cpu.cpu()), InterfaceName(polls), std::to_string(polls.poll_count()), std::to_string(polls.work_count()),
                    WorkPerPoll(polls), std::to_string(polls.full_count()), std::to_string(polls.untimed_count()), PollTime(polls)});
    }
  }
  return table.empty() ? "" : "\n" + table.Print();
}

std::string InterfaceTable(const v1::QueryNetworkResponse& response) {
  Table table({{"interface", Table::Align::kLeft},
               {"polls"},
               {"per poll"},
               {"full"},
               {"time"},
               {"device: rx"},
               {"rx dropped"},
               {"rx missed"},
               {"rx fifo"},
               {"tx"},
               {"tx dropped"},
               {"tx fifo"}});
  for (const v1::InterfaceNetwork& interface : response.interfaces()) {
    const v1::InterfacePolls& polls = interface.polls();
    std::vector<std::string> cells = {InterfaceName(polls), polls.poll_count() > 0 ? std::to_string(polls.poll_count()) : "",
                                      WorkPerPoll(polls), polls.poll_count() > 0 ? std::to_string(polls.full_count()) : "",
                                      PollTime(polls)};
    const v1::DeviceCounters& counters = interface.counters();
    const auto add = [&](bool known, uint64_t count) { cells.push_back(known ? std::to_string(count) : ""); };
    add(counters.has_rx_packets(), counters.rx_packets());
    add(counters.has_rx_dropped(), counters.rx_dropped());
    add(counters.has_rx_missed_errors(), counters.rx_missed_errors());
    add(counters.has_rx_fifo_errors(), counters.rx_fifo_errors());
    add(counters.has_tx_packets(), counters.tx_packets());
    add(counters.has_tx_dropped(), counters.tx_dropped());
    add(counters.has_tx_fifo_errors(), counters.tx_fifo_errors());
    table.AddRow(cells);
  }
  return table.empty() ? "" : "\n" + table.Print();
}

// That there was none is said only where all of them would be known.
std::string NoDropText(const v1::QueryNetworkResponse& response, const std::string& interface) {
  const auto of_drops = [](const std::string& missing) { return missing.substr(0, 5) == "drops"; };
  if (!response.collecting() || std::any_of(response.missing().begin(), response.missing().end(), of_drops)) return "";
  if (!interface.empty()) return fmt::format("no drop of packets that arrived through {} is known\n", Printable(interface));
  return response.unlisted_drop_count() == 0 ? "no packet was dropped\n" : "";
}

std::string DropTable(const v1::QueryNetworkResponse& response, const std::string& interface) {
  std::string unlisted;
  if (response.unlisted_drop_count() > 0) {
    unlisted = Counted(response.unlisted_drop_count(), "drop", "drops") +
               " of all, of reasons and interfaces that found no place in the daemon's table, are not listed\n";
  }
  if (response.drops_size() == 0) {
    const std::string text = NoDropText(response, interface) + unlisted;
    return text.empty() ? "" : "\n" + text;
  }
  Table table({{"drops"}, {"reason", Table::Align::kLeft}, {"arrived through", Table::Align::kLeft}});
  for (const v1::PacketDrops& drops : response.drops()) {
    std::string where = Printable(drops.interface());
    if (where.empty()) where = drops.ifindex() == 0 ? "sent here, or none" : fmt::format("interface {}", drops.ifindex());
    if (drops.other_namespace()) where += " (other namespace)";
    table.AddRow({std::to_string(drops.count()), Printable(drops.reason()), where});
  }
  return "\n" + table.Print() + unlisted;
}

std::string EndText(const std::string& address, uint32_t port) {
  if (port == 0) return "";
  return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port) : fmt::format("[{}]:{}", address, port);
}

std::string Mean(const v1::PathTime& path, uint64_t count) {
  return count == 0 ? "" : FormatDuration(path.sum_ns() / static_cast<int64_t>(count));
}

std::string Longest(const v1::PathTime& path, uint64_t count) {
  return count == 0 ? "" : FormatDuration(path.longest_ns());
}

std::string SocketTable(const v1::QueryNetworkResponse& response) {
  Table table({{"thread", Table::Align::kLeft},
               {"tid"},
               {"fd"},
               {"socket", Table::Align::kLeft},
               {"packets"},
               {"unmatched"},
               {"arrival to queue"},
               {"longest"},
               {"queue to copy"},
               {"longest"},
               {"arrival to copy"},
               {"longest"}});
  for (const v1::ThreadNetwork& thread : response.threads()) {
    for (const v1::SocketPath& socket : thread.sockets()) {
      const uint64_t copied = socket.copied_count();
      const uint64_t queued = copied - std::min(copied, socket.unqueued_count());
      const std::string remote = EndText(socket.remote_address(), socket.remote_port());
      table.AddRow({Printable(thread.thread().comm()), BothNumbers(thread.thread().tid(), thread.thread().namespace_tid()),
                    socket.fd() >= 0 ? std::to_string(socket.fd()) : "",
                    fmt::format("{} {}{}{}", Printable(socket.protocol()), EndText(Printable(socket.local_address()), socket.local_port()),
                                remote.empty() ? "" : " from ", Printable(remote)),
                    std::to_string(copied), std::to_string(socket.unmatched_count()), Mean(socket.arrival_to_queue(), queued),
                    Longest(socket.arrival_to_queue(), queued), Mean(socket.queue_to_copy(), queued),
                    Longest(socket.queue_to_copy(), queued), Mean(socket.arrival_to_copy(), copied),
                    Longest(socket.arrival_to_copy(), copied)});
    }
  }
  return table.empty() ? "" : "\n" + table.Print();
}

std::string RetransmitTable(const v1::QueryNetworkResponse& response) {
  if (response.retransmit_count() == 0) return "";
  Table table({{"TCP retransmits"}, {"local port"}, {"to", Table::Align::kLeft}, {"tid"}});
  for (const v1::TcpRetransmits& retransmits : response.retransmits()) {
    table.AddRow({std::to_string(retransmits.count()), std::to_string(retransmits.local_port()),
                  EndText(Printable(retransmits.remote_address()), retransmits.remote_port()),
                  retransmits.tid() > 0 ? std::to_string(retransmits.tid()) : "not known"});
  }
  return fmt::format("\n{} retransmitted in all\n", Counted(response.retransmit_count(), "TCP segment was", "TCP segments were")) +
         (table.empty() ? "" : table.Print());
}

std::string UnlistedReads(const v1::QueryNetworkResponse& response) {
  if (response.unlisted_read_count() == 0) return "";
  return Counted(response.unlisted_read_count(), "read was", "reads were") +
         " from sockets that found no place in the table of 128: attach fewer processes with --probes network\n";
}

std::string UnavailableParts(const v1::QueryNetworkResponse& response) {
  std::string text;
  if (!response.collecting()) text += "not counted now: " + Printable(response.reason()) + "\n";
  for (const std::string& missing : response.missing()) text += "unavailable: " + Printable(missing) + "\n";
  return text;
}

Json PollsJson(const v1::InterfacePolls& polls) {
  return {{"name", polls.name()},
          {"ifindex", polls.ifindex()},
          {"other_namespace", polls.other_namespace()},
          {"poll_count", polls.poll_count()},
          {"work_count", polls.work_count()},
          {"full_count", polls.full_count()},
          {"untimed_count", polls.untimed_count()},
          {"self_ns", polls.self_ns()}};
}

Json CpuJson(const v1::CpuNetwork& cpu) {
  Json json{{"cpu", cpu.cpu()}};
  if (cpu.has_net_rx_ns()) json["net_rx_ns"] = cpu.net_rx_ns();
  if (cpu.has_net_rx_count()) json["net_rx_count"] = cpu.net_rx_count();
  if (cpu.has_net_tx_ns()) json["net_tx_ns"] = cpu.net_tx_ns();
  if (cpu.has_net_tx_count()) json["net_tx_count"] = cpu.net_tx_count();
  json["interfaces"] = Json::array();
  for (const v1::InterfacePolls& polls : cpu.interfaces()) json["interfaces"].push_back(PollsJson(polls));
  if (cpu.has_softnet()) {
    json["softnet"] = {{"processed_count", cpu.softnet().processed_count()},
                       {"dropped_count", cpu.softnet().dropped_count()},
                       {"time_squeeze_count", cpu.softnet().time_squeeze_count()},
                       {"received_rps_count", cpu.softnet().received_rps_count()},
                       {"flow_limit_count", cpu.softnet().flow_limit_count()}};
  }
  return json;
}

Json CountersJson(const v1::DeviceCounters& counters) {
  Json json = Json::object();
  if (counters.has_rx_packets()) json["rx_packets"] = counters.rx_packets();
  if (counters.has_rx_dropped()) json["rx_dropped"] = counters.rx_dropped();
  if (counters.has_rx_missed_errors()) json["rx_missed_errors"] = counters.rx_missed_errors();
  if (counters.has_rx_fifo_errors()) json["rx_fifo_errors"] = counters.rx_fifo_errors();
  if (counters.has_tx_packets()) json["tx_packets"] = counters.tx_packets();
  if (counters.has_tx_dropped()) json["tx_dropped"] = counters.tx_dropped();
  if (counters.has_tx_fifo_errors()) json["tx_fifo_errors"] = counters.tx_fifo_errors();
  return json;
}

Json PathJson(const v1::PathTime& path) {
  return {{"sum_ns", path.sum_ns()}, {"longest_ns", path.longest_ns()}};
}

Json SocketJson(const v1::SocketPath& socket) {
  Json json = Json::object();
  if (socket.fd() >= 0) json["fd"] = socket.fd();
  json["protocol"] = socket.protocol();
  json["local_address"] = socket.local_address();
  json["local_port"] = socket.local_port();
  if (!socket.remote_address().empty()) json["remote_address"] = socket.remote_address();
  if (socket.remote_port() > 0) json["remote_port"] = socket.remote_port();
  json["copied_count"] = socket.copied_count();
  json["unmatched_count"] = socket.unmatched_count();
  json["unqueued_count"] = socket.unqueued_count();
  json["arrival_to_queue"] = PathJson(socket.arrival_to_queue());
  json["queue_to_copy"] = PathJson(socket.queue_to_copy());
  json["arrival_to_copy"] = PathJson(socket.arrival_to_copy());
  json["retransmit_count"] = socket.retransmit_count();
  return json;
}

Json ThreadJson(const v1::ThreadNetwork& thread) {
  Json json{
      {"tid", thread.thread().tid()}, {"comm", thread.thread().comm()}, {"pid", thread.thread().pid()}, {"available", thread.available()}};
  AddInnerNumbers(thread.thread(), &json);
  if (!thread.available()) {
    json["reason"] = thread.reason();
    return json;
  }
  json["sockets"] = Json::array();
  for (const v1::SocketPath& socket : thread.sockets()) json["sockets"].push_back(SocketJson(socket));
  return json;
}

Json DropJson(const v1::PacketDrops& drops) {
  Json json{{"reason", drops.reason()}, {"count", drops.count()}};
  if (drops.ifindex() > 0) json["ifindex"] = drops.ifindex();
  if (!drops.interface().empty()) json["interface"] = drops.interface();
  json["other_namespace"] = drops.other_namespace();
  return json;
}

Json RetransmitJson(const v1::TcpRetransmits& retransmits) {
  Json json{{"local_port", retransmits.local_port()},
            {"remote_address", retransmits.remote_address()},
            {"remote_port", retransmits.remote_port()},
            {"count", retransmits.count()}};
  if (retransmits.tid() > 0) {
    json["tid"] = retransmits.tid();
    json["pid"] = retransmits.pid();
  }
  return json;
}

}  // namespace

std::string NetworkText(const v1::QueryNetworkResponse& response, bool by_cpu, const std::string& interface) {
  return CpuTable(response) + (by_cpu ? PollTable(response) : "") + InterfaceTable(response) + DropTable(response, interface) +
         SocketTable(response) + UnlistedReads(response) + UnavailableText(response.threads()) + RetransmitTable(response) + "\n" +
         UnavailableParts(response) + kInvisible;
}

Json NetworkJson(const v1::QueryNetworkResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["collecting"] = response.collecting();
  if (!response.collecting()) json["reason"] = response.reason();
  json["missing"] = response.missing();
  json["cpus"] = Json::array();
  for (const v1::CpuNetwork& cpu : response.cpus()) json["cpus"].push_back(CpuJson(cpu));
  json["interfaces"] = Json::array();
  for (const v1::InterfaceNetwork& interface : response.interfaces()) {
    Json one = PollsJson(interface.polls());
    if (!PollsWereCounted(response)) {
      for (const char* key : {"poll_count", "work_count", "full_count", "untimed_count", "self_ns"}) one.erase(key);
    }
    if (interface.has_counters()) one["counters"] = CountersJson(interface.counters());
    json["interfaces"].push_back(one);
  }
  if (WasCounted(response)) {
    json["drops"] = Json::array();
    for (const v1::PacketDrops& drops : response.drops()) json["drops"].push_back(DropJson(drops));
  }
  json["threads"] = Json::array();
  for (const v1::ThreadNetwork& thread : response.threads()) json["threads"].push_back(ThreadJson(thread));
  json["retransmits"] = Json::array();
  for (const v1::TcpRetransmits& retransmits : response.retransmits()) json["retransmits"].push_back(RetransmitJson(retransmits));
  if (WasCounted(response)) json["retransmit_count"] = response.retransmit_count();
  json["unlisted_drop_count"] = response.unlisted_drop_count();
  json["unlisted_read_count"] = response.unlisted_read_count();
  if (!response.softnet_unavailable().empty()) json["softnet_unavailable"] = response.softnet_unavailable();
  if (!response.counters_unavailable().empty()) json["counters_unavailable"] = response.counters_unavailable();
  json["unread_interface_count"] = response.unread_interface_count();
  json["unslotted_thread_count"] = response.unslotted_thread_count();
  return json;
}

}  // namespace hftmon
