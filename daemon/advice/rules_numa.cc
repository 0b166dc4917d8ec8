// Memory on other nodes than its threads.
#include "daemon/advice/advice_rules.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;
using enum Operator;

constexpr std::string_view kMovePages = "migratepages {pid} {from_node} {to_node}";
constexpr std::string_view kMovePagesBack = "migratepages {pid} {to_node} {from_node}";
constexpr std::string_view kStartPlaced = "unit file: ExecStart=numactl --membind={to_node} --cpunodebind={home_node} PROGRAM";
constexpr std::string_view kMoveRisk =
    "the process stalls while its pages move (spikes of kind migration); as root, memory that it shares with other processes moves too; "
    "undo moves back what was on node {to_node} before, too; a cpuset or a full node leaves pages behind without an error: look again";

RuleRow MemoryOnWrongNode() {
  return {
      .id = "memory-on-wrong-node",
      .title = "A process's memory lies on another node than its threads run",
      .fact = kPlacement,
      .when = {{kRemoteShareLow, kAtLeast, 0.2}, {kHomeShare, kAtLeast, 0.9}, {kShared, kIs, 0.0}, {kRoom, kIs, 1.0}},
      .group_by = {kProcessId, kFromNode, kToNode},
      .measures = {{.count_min = 256}},
      .cause =
          "at least {remote_share_low} of a mapping's pages lie on other nodes than {to_node}, most of them on node {from_node}; its "
          "threads ran "
          "{home_share} of the time on node {home_node}, and the memory nearest to that is node {to_node}'s",
      .causes =
          {{{{kToNode, kIs, kHomeNode}},
            "at least {remote_share_low} of a mapping's pages lie on other nodes than {home_node}, most of them on node {from_node}; its "
            "threads ran {home_share} of the time on node {home_node}"}},
      .actions = {{.when = {{kPolicy, kIsOneOf, WordList{"bind", "prefer", "prefer_many", "interleave", "weighted_interleave"}}},
                   .command = kMovePages,
                   .undo = kMovePagesBack,
                   .code_hint = "its policy ({policy}) stays, and new memory goes where it says: restart under numactl, or mbind() with "
                                "MPOL_MF_MOVE",
                   .reach = Reach::kNow,
                   .persist = kStartPlaced,
                   .risk = Risk::kMedium,
                   .risk_text = kMoveRisk},
                  {.when = {{kPolicy, kUnknown}},
                   .command = kMovePages,
                   .undo = kMovePagesBack,
                   .code_hint =
                       "whether a policy puts new memory there again is not known of all of it: hftmon numa -p {pid} --exact tells; "
                       "if so, restart it under numactl",
                   .reach = Reach::kNow,
                   .persist = kStartPlaced,
                   .risk = Risk::kMedium,
                   .risk_text = kMoveRisk},
                  {.when = {{kPolicy, kIsOneOf, WordList{"default", "local"}}},
                   .command = kMovePages,
                   .undo = kMovePagesBack,
                   .reach = Reach::kNow,
                   .persist = kStartPlaced,
                   .risk = Risk::kMedium,
                   .risk_text = kMoveRisk},
                  {.code_hint = "restart it where its memory is to be: numactl --membind={to_node} --cpunodebind={home_node}",
                   .reach = Reach::kRestart}},
      .gain = GainKind::kPlacement,
      .proof_metric = "remote_page_share",
      .expected = "below 5 %",
  };
}

RuleRow NumaBalancingFaults() {
  return {
      .id = "numa-balancing-faults",
      .title = "Automatic NUMA balancing makes a watched thread fault",
      .fact = kNumaBalancingWork,
      .when = {{kNumaBalancing, kAtLeast, 1.0}},
      .group_by = {kTid},
      .measures = {{.count_min = 100, .count_per_s_min = 100}},
      .cause = "{comm} (tid {tid}) took {count} faults or moves that only told the kernel where it reads from",
      .actions = {{.command = "sysctl -w kernel.numa_balancing=0",
                   .undo = "sysctl -w kernel.numa_balancing={numa_balancing}",
                   .reach = Reach::kNow,
                   .persist = "sysctl.d: kernel.numa_balancing = 0",
                   .risk = Risk::kLow,
                   .risk_text = "memory stays where it is: place it by numactl"},
                  {.code_hint = "bind the process's memory (numactl --membind): bound memory is left alone", .reach = Reach::kRestart}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "numa_fault_count_per_s",
      .expected = "0",
      .needs = {"memory"},
  };
}

}  // namespace

std::vector<RuleRow> NumaRules() {
  return {MemoryOnWrongNode(), NumaBalancingFaults()};
}

}  // namespace hftmon
