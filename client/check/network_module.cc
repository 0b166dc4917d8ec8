#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "client/check/add_figures.h"
#include "client/check/modules.h"

namespace hftmon {
namespace {

// Packets that nobody here wanted: their drop is no loss.
const std::set<std::string, std::less<>> kUnwanted{
    "NO_SOCKET",   "OTHERHOST", "UNHANDLED_PROTO", "SOCKET_FILTER", "NETFILTER_DROP", "TCP_OLD_DATA", "TCP_OLD_SEQUENCE",
    "TCP_OLD_ACK", "TCP_CLOSE", "TCP_RESET",       "IP_NOPROTO",    "NEIGH_FAILED",   "QUEUE_PURGE",  "UNICAST_IN_L2_MULTICAST"};

// While it goes on NET_RX is in nobody's count, which is a matter of microseconds. Of buckets: at most a quarter too long.
void AddSoftirq(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result) {
  if (!inputs.interrupts.ok() || !inputs.interrupts->deferred().collecting()) {
    const std::string otherwise = inputs.interrupts.ok() ? inputs.interrupts->deferred().reason() : WhyNot(inputs.interrupts.status());
    AddFigures(UnmeasuredPercentiles("net_rx", WhyNoGroup(inputs, "irq", otherwise)), result);
    return;
  }
  DurationRanks ranks;
  for (const v1::CpuDeferred& cpu : inputs.interrupts->deferred().cpus()) {
    if (!inputs.cpus.empty() && !scope.JudgesCpu(cpu.cpu())) continue;
    for (const v1::SoftirqDelay& softirq : cpu.softirqs()) {
      if (softirq.name() != "NET_RX") continue;
      for (const v1::DelayBucket& bucket : softirq.duration().buckets()) ranks.Add(bucket.upper_ns(), bucket.count());
    }
  }
  AddFigures(ranks.Percentiles("net_rx"), result);
}

void AddCpus(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result) {
  int64_t net_rx_ns = 0;
  int64_t net_rx_count = 0;
  int64_t squeezes = 0;
  bool softirqs_known = true;
  for (const v1::CpuNetwork& cpu : inputs.network->cpus()) {
    if (!inputs.cpus.empty() && !scope.JudgesCpu(cpu.cpu())) continue;
    softirqs_known = softirqs_known && cpu.has_net_rx_ns();
    net_rx_ns += cpu.net_rx_ns();
    net_rx_count += static_cast<int64_t>(cpu.net_rx_count());
    squeezes += static_cast<int64_t>(cpu.softnet().time_squeeze_count());
  }
  if (softirqs_known) {
    result->figures.push_back(Measured("net_rx_ns", net_rx_ns));
    result->figures.push_back(Measured("net_rx_count", net_rx_count));
  } else {
    AddUnmeasured({"net_rx_ns", "net_rx_count"}, "interrupts are not watched", result);
  }
  result->figures.push_back(inputs.network->softnet_unavailable().empty()
                                ? Measured("squeeze_count", squeezes)
                                : Unmeasured("squeeze_count", inputs.network->softnet_unavailable()));
}

void AddPolls(const CheckInputs& inputs, ModuleResult* result) {
  int64_t polls = 0;
  int64_t packets = 0;
  int64_t full = 0;
  int64_t poll_ns = 0;
  int64_t device_drops = 0;
  for (const v1::InterfaceNetwork& interface : inputs.network->interfaces()) {
    polls += static_cast<int64_t>(interface.polls().poll_count());
    packets += static_cast<int64_t>(interface.polls().work_count());
    full += static_cast<int64_t>(interface.polls().full_count());
    poll_ns += interface.polls().self_ns();
    const v1::DeviceCounters& counters = interface.counters();
    device_drops += static_cast<int64_t>(counters.rx_dropped() + counters.rx_missed_errors() + counters.rx_fifo_errors() +
                                         counters.tx_dropped() + counters.tx_fifo_errors());
  }
  result->figures.push_back(Measured("napi_poll_count", polls));
  result->figures.push_back(Measured("napi_packet_count", packets));
  result->figures.push_back(Measured("napi_full_count", full));
  result->figures.push_back(Measured("napi_poll_ns", poll_ns));
  result->figures.push_back(inputs.network->counters_unavailable().empty()
                                ? Measured("device_drop_count", device_drops)
                                : Unmeasured("device_drop_count", inputs.network->counters_unavailable()));
}

void AddDrops(const CheckInputs& inputs, ModuleResult* result) {
  int64_t drops = static_cast<int64_t>(inputs.network->unlisted_drop_count());
  int64_t unwanted = 0;
  for (const v1::PacketDrops& drop : inputs.network->drops()) {
    (kUnwanted.contains(drop.reason()) ? unwanted : drops) += static_cast<int64_t>(drop.count());
  }
  result->figures.push_back(Measured("drop_count", drops));
  result->figures.push_back(Measured("unwanted_drop_count", unwanted));
}

struct Delivery {
  int64_t count = 0;
  int64_t unmatched = 0;
  int64_t sum_ns = 0;
  int64_t longest_ns = 0;      // of this time
  int64_t longest_old_ns = 0;  // of a socket whose longest has not grown: it is not known how much shorter those of this time were
};

bool IsSame(const v1::SocketPath& a, const v1::SocketPath& b) {
  return a.fd() == b.fd() && a.protocol() == b.protocol() && a.local_port() == b.local_port() && a.remote_port() == b.remote_port() &&
         a.local_address() == b.local_address() && a.remote_address() == b.remote_address();
}

// Of that socket when the time began; 0: it was not known then.
int64_t LongestBefore(const CheckInputs& inputs, int32_t tid, const v1::SocketPath& socket) {
  if (!inputs.network_first.ok()) return 0;
  for (const v1::ThreadNetwork& thread : inputs.network_first->threads()) {
    if (thread.thread().tid() != tid) continue;
    for (const v1::SocketPath& before : thread.sockets()) {
      if (IsSame(before, socket)) return before.arrival_to_copy().longest_ns();
    }
  }
  return 0;
}

Delivery DeliveryOf(const CheckInputs& inputs, const std::vector<const v1::ThreadNetwork*>& threads) {
  Delivery delivery;
  for (const v1::ThreadNetwork* thread : threads) {
    for (const v1::SocketPath& socket : thread->sockets()) {
      delivery.count += static_cast<int64_t>(socket.copied_count());
      delivery.unmatched += static_cast<int64_t>(socket.unmatched_count());
      delivery.sum_ns += socket.arrival_to_copy().sum_ns();
      if (socket.copied_count() == 0) continue;
      const int64_t longest_ns = socket.arrival_to_copy().longest_ns();
      const bool grew = longest_ns > LongestBefore(inputs, thread->thread().tid(), socket);
      int64_t& kept_ns = grew ? delivery.longest_ns : delivery.longest_old_ns;
      // One way of several is no longer than all of them together.
      kept_ns = std::max(kept_ns, grew ? longest_ns : std::min(longest_ns, socket.arrival_to_copy().sum_ns()));
    }
  }
  return delivery;
}

// Of judged threads alone: what others read is not theirs.
void AddDelivery(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result) {
  std::string why_none;
  const auto threads = AvailableRows(inputs.network->threads(), inputs, scope, "network", &why_none, result);
  const Delivery delivery = DeliveryOf(inputs, threads);
  if (delivery.count == 0) {
    if (why_none.empty()) why_none = "no packet was followed to them: they read none, or pass the kernel by (DPDK, Onload, ef_vi)";
    AddFigures(UnmeasuredPercentiles("delivery", why_none), result);
    AddUnmeasured({"mean_delivery_ns", "longest_delivery_ns"}, why_none, result);
    result->figures.push_back(threads.empty() ? Unmeasured("delivered_count", why_none) : Measured("delivered_count", 0));
    return;
  }
  CheckFigure longest = Measured("longest_delivery_ns", std::max(delivery.longest_ns, delivery.longest_old_ns));
  if (delivery.longest_old_ns > delivery.longest_ns) longest.certainty = CheckCertainty::kAtMost;
  DurationRanks ranks;
  ranks.AddAtMost(*longest.value, static_cast<uint64_t>(delivery.count));
  AddFigures(ranks.Percentiles("delivery"), result);
  result->figures.push_back(Measured("mean_delivery_ns", delivery.sum_ns / delivery.count));
  result->figures.push_back(std::move(longest));
  result->figures.push_back(Measured("delivered_count", delivery.count));
  result->figures.push_back(Measured("unfollowed_count", delivery.unmatched));
}

// The time that NET_RX had of the judged threads' longest stall by it; without one, the longest delivery, of which no moment is known.
void SetWorst(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result) {
  result->worst_reason = "no stall by NET_RX was longer than the daemon's floor";
  const CheckFigure* longest = result->Find("longest_delivery_ns");
  if (longest != nullptr && longest->value.has_value()) {
    CheckEvent event;
    event.duration_ns = *longest->value;
    event.cause = "delivery";
    result->worst = event;
    result->worst_reason.clear();
  }
  for (const v1::Spike* spike : SpikesOf(inputs, scope, {"interrupted"})) {
    for (const v1::Cause& cause : spike->causes()) {
      if (cause.kind() != "softirq" || !cause.actor().name().starts_with("NET_RX")) continue;
      if (result->worst.has_value() && result->worst->duration_ns >= cause.duration_ns()) continue;
      CheckEvent event = EventOf(*spike);
      event.duration_ns = cause.duration_ns();
      event.cause = "softirq";
      event.actor = cause.actor().name();
      result->worst = std::move(event);
      result->worst_reason.clear();
    }
  }
}

}  // namespace

ModuleResult CheckNetwork(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits) {
  ModuleResult result;
  result.module = CheckModule::kNetwork;
  result.begin_ns = inputs.begin_ns;
  result.end_ns = inputs.end_ns;
  AddSoftirq(inputs, scope, &result);
  std::string why_none = inputs.network.ok() ? "" : WhyNot(inputs.network.status());
  if (why_none.empty() && !inputs.network->collecting()) why_none = WhyNoGroup(inputs, "network", inputs.network->reason());
  if (!why_none.empty()) {
    AddUnmeasured({"net_rx_ns", "net_rx_count", "squeeze_count", "napi_poll_count", "napi_packet_count", "napi_full_count", "napi_poll_ns",
                   "device_drop_count", "drop_count", "unwanted_drop_count", "retransmit_count"},
                  why_none, &result);
    if (scope.by_process) {
      AddFigures(UnmeasuredPercentiles("delivery", why_none), &result);
      AddUnmeasured({"mean_delivery_ns", "longest_delivery_ns", "delivered_count"}, why_none, &result);
    }
  } else {
    AddCpus(inputs, scope, &result);
    AddPolls(inputs, &result);
    AddDrops(inputs, &result);
    result.figures.push_back(Measured("retransmit_count", static_cast<int64_t>(inputs.network->retransmit_count())));
    if (scope.by_process) AddDelivery(inputs, scope, &result);
  }
  SetWorst(inputs, scope, &result);
  Judge(limits, &result);
  return result;
}

}  // namespace hftmon
