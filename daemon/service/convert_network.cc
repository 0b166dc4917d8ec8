#include "daemon/service/convert_network.h"

#include <netinet/in.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/utf8.h"

namespace hftmon {
namespace {

std::string ProtocolName(uint16_t protocol) {
  if (protocol == IPPROTO_UDP) return "udp";
  if (protocol == IPPROTO_TCP) return "tcp";
  return absl::StrCat(protocol);
}

void PathToProto(const PathTotal& path, v1::PathTime* out) {
  out->set_sum_ns(path.sum_ns);
  out->set_longest_ns(path.longest_ns);
}

}  // namespace

void PollsToProto(const InterfacePollTotal& polls, v1::InterfacePolls* out) {
  out->set_name(ValidUtf8(polls.name));
  out->set_ifindex(polls.ifindex);
  out->set_other_namespace(polls.other_namespace);
  out->set_poll_count(polls.poll_count);
  out->set_work_count(polls.work_count);
  out->set_full_count(polls.full_count);
  out->set_untimed_count(polls.untimed_count);
  out->set_self_ns(polls.self_ns);
}

void SoftnetToProto(const SoftnetCpu& cpu, v1::Softnet* out) {
  out->set_processed_count(cpu.processed_count);
  out->set_dropped_count(cpu.dropped_count);
  out->set_time_squeeze_count(cpu.time_squeeze_count);
  out->set_received_rps_count(cpu.received_rps_count);
  out->set_flow_limit_count(cpu.flow_limit_count);
}

void CountersToProto(const InterfaceCounters& counters, v1::DeviceCounters* out) {
  if (counters.rx_packets) out->set_rx_packets(*counters.rx_packets);
  if (counters.rx_dropped) out->set_rx_dropped(*counters.rx_dropped);
  if (counters.rx_missed_errors) out->set_rx_missed_errors(*counters.rx_missed_errors);
  if (counters.rx_fifo_errors) out->set_rx_fifo_errors(*counters.rx_fifo_errors);
  if (counters.tx_packets) out->set_tx_packets(*counters.tx_packets);
  if (counters.tx_dropped) out->set_tx_dropped(*counters.tx_dropped);
  if (counters.tx_fifo_errors) out->set_tx_fifo_errors(*counters.tx_fifo_errors);
}

void SocketToProto(const SocketTotal& socket, v1::SocketPath* out) {
  out->set_fd(socket.fd);
  out->set_protocol(ProtocolName(socket.protocol));
  out->set_local_address(socket.local_address);
  out->set_local_port(socket.local_port);
  out->set_remote_address(socket.remote_address);
  out->set_remote_port(socket.remote_port);
  out->set_copied_count(socket.copied_count);
  out->set_unmatched_count(socket.unmatched_count);
  out->set_unqueued_count(socket.unqueued_count);
  PathToProto(socket.arrival_to_queue, out->mutable_arrival_to_queue());
  PathToProto(socket.queue_to_copy, out->mutable_queue_to_copy());
  PathToProto(socket.arrival_to_copy, out->mutable_arrival_to_copy());
  out->set_retransmit_count(socket.retransmit_count);
}

}  // namespace hftmon
