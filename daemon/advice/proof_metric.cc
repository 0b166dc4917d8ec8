#include "daemon/advice/proof_metric.h"

#include <array>

namespace hftmon {
namespace {

using enum ProofValue;

constexpr auto kRows = std::to_array<ProofMetricRow>({
    {"irq_device_count_per_s", "hftmon irqs --cpus {cpus} --for 5s", "cpus[].devices[].count", kCountPerSecond, {}},
    {"softirq_self_ns_per_s", "hftmon irqs -t {tid} --for 5s", "threads[].sources[].self_ns", kSumPerSecond, {}},
    {"local_timer_count_per_s", "hftmon irqs --cpus {cpus} --for 5s", "cpus[].sources[].count", kCountPerSecond, {}},
    // The table of visits stands still once the visitor is a target of the rule: the advice has both together.
    {"visit_count_per_s",
     "hftmon recommend --rule kernel-thread-on-core --window 10s",
     "recommendations[].evidence.count",
     kCountPerSecond,
     {}},
    {"kernel_visit_count_per_s",
     "hftmon recommend --rule kernel-threads-share-core --window 10s",
     "recommendations[].evidence.count",
     kCountPerSecond,
     {}},
    {"preempted_ns_per_s", "hftmon spikes -p {pid} --window 10s", "causes[].duration_ns of that actor", kSumPerSecond, {}},
    {"throttled_count_per_s", "hftmon spikes -p {pid} --window 10s", "preemption.reason", kCountPerSecond, {}},
    {"migration_count_per_s", "hftmon switches -t {tid} --window 10s", "threads[].migration_count", kCountPerSecond, {}},
    {"waking_longest_ns", "hftmon spikes -p {pid} --window 10s", "causes[].duration_ns of kind waking", kField, FactField::kLongestNs},
    {"inversion_count_per_s", "hftmon inversions -p {pid} --window 10s", "inversions[].inherited", kCountPerSecond, {}},
    {"lock_blocked_ns_per_s", "hftmon locks -p {pid} --window 10s", "locks[].blocked_ns", kSumPerSecond, {}},
    {"operation_blocked_count_per_s", "hftmon operations -p {pid}", "operations[].hits[].stall_count of kind blocked", kCountPerSecond, {}},
    {"major_fault_count_per_s", "hftmon memory -t {tid}", "threads[].{user_major,kernel_major}.count", kCountPerSecond, {}},
    {"remote_shootdown_count_per_s", "hftmon memory -t {tid}", "threads[].tlb.remote_shootdown_count", kCountPerSecond, {}},
    {"kernel_stall_ns_per_s", "hftmon memory -t {tid}", "threads[].{compaction,reclaim,migration}.duration_ns", kSumPerSecond, {}},
    {"collapse_count_per_s", "hftmon memory -t {tid}", "threads[].collapse_count", kCountPerSecond, {}},
    {"numa_fault_count_per_s", "hftmon memory -t {tid}", "threads[].numa.fault_count", kCountPerSecond, {}},
    {"remote_page_share", "hftmon numa -p {pid}", "processes[].mappings[].remote_share", kField, FactField::kRemoteShareLow},
    {"device_distance", "hftmon numa -p {pid}", "devices[].node, threads[].node", kField, FactField::kDistance},
    {"l3_hit_ratio", "hftmon cache -t {tid} --window 10s", "threads[].rates.l3_hit_ratio", kField, FactField::kL3HitRatio},
    {"contended_sample_count", "hftmon sharing {pid}", "lines[]", kField, FactField::kCount},
    {"sibling_busy_share", "hftmon spikes --window 10s", "hardware.siblings[].busy_ns", kField, FactField::kBusyShare},
    {"smi_count_per_s", "hftmon hardware --cpus {cpus}", "cpus[].smi_count", kCountPerSecond, {}},
    {"steal_ns_per_s", "hftmon hardware --cpus {cpus}", "cpus[].steal_ns", kSumPerSecond, {}},
    // What is wrong with a setting is the setting itself: the advice is gone.
    {"setting", "hftmon recommend --audit", "recommendations[].id", kField, FactField::kValue},
});

}  // namespace

std::span<const ProofMetricRow> ProofMetricRows() {
  return kRows;
}

const ProofMetricRow* FindProofMetric(std::string_view name) {
  for (const ProofMetricRow& row : kRows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace hftmon
