// The way of packets.
#include "daemon/advice/advice_rules.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;
using enum Operator;

RuleRow ThreadFarFromNic() {
  return {
      .id = "thread-far-from-nic",
      .title = "A watched thread reads packets of an interface on another node",
      .fact = kDeviceDistance,
      .when = {{kDistance, kAtLeast, 11.0}},
      .group_by = {kTid, kInterface},
      .measures = {{.count_min = 100, .count_per_s_min = 100}},
      .cause =
          "{comm} (tid {tid}) runs on node {thread_node} and read {count} packets of {interface}, which is on node {device_node} (distance "
          "{distance}, 10 is the same node)",
      .actions = {{.command = "taskset -pc {device_spare_cpus} {tid}",
                   .undo = "taskset -pc {old_affinity} {tid}",
                   .code_hint =
                       "move its memory after it (migratepages), and the interrupts of {interface} to CPUs of node {device_node} too",
                   .reach = Reach::kNow,
                   .persist = "unit file: CPUAffinity={device_spare_cpus}",
                   .risk = Risk::kMedium,
                   .risk_text = "its memory stays where it is: until that follows, every access to it is what is far"},
                  {.code_hint = "no CPU of node {device_node} is spare: bind the thread there and move others, or use an interface of node "
                                "{thread_node}",
                   .reach = Reach::kRestart}},
      .confidence = 0.8,
      .proof_metric = "device_distance",
      .expected = "10",
      .needs = {"network"},
  };
}

}  // namespace

std::vector<RuleRow> NetworkRules() {
  return {ThreadFarFromNic()};
}

}  // namespace hftmon
