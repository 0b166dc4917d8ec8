#include "daemon/service/convert_numa.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "daemon/service/convert_growth.h"
#include "daemon/service/convert_heat_map.h"

namespace hftmon {
namespace {

void PutUnavailable(const std::string& part, const std::string& reason, google::protobuf::RepeatedPtrField<v1::UnavailablePart>* out) {
  v1::UnavailablePart* added = out->Add();
  added->set_part(part);
  added->set_reason(reason);
}

void CountersToProto(const NumaCounters& counters, v1::NumaCounters* out) {
  out->set_hit_count(counters.hit_count);
  out->set_miss_count(counters.miss_count);
  out->set_foreign_count(counters.foreign_count);
  out->set_interleave_hit_count(counters.interleave_hit_count);
  out->set_local_count(counters.local_count);
  out->set_other_count(counters.other_count);
}

void NodeToProto(const NumaNode& node, v1::NumaNode* out) {
  out->set_node(node.node);
  out->mutable_cpus()->Add(node.cpus.begin(), node.cpus.end());
  out->set_has_memory(node.has_memory);
  if (node.memory_bytes) out->set_memory_bytes(*node.memory_bytes);
  if (node.free_bytes) out->set_free_bytes(*node.free_bytes);
  for (const NodeDistance& distance : node.distances) {
    v1::NumaDistance* added = out->add_distances();
    added->set_node(distance.to);
    added->set_distance(distance.distance);
  }
  out->mutable_initiator_nodes()->Add(node.initiator_nodes.begin(), node.initiator_nodes.end());
  if (node.read_latency_ns) out->set_read_latency_ns(*node.read_latency_ns);
  if (node.write_latency_ns) out->set_write_latency_ns(*node.write_latency_ns);
  if (node.read_bandwidth_mb_s) out->set_read_bandwidth_mb_s(*node.read_bandwidth_mb_s);
  if (node.write_bandwidth_mb_s) out->set_write_bandwidth_mb_s(*node.write_bandwidth_mb_s);
  if (node.counters) CountersToProto(*node.counters, out->mutable_counters());
  for (const HugePagePool& pool : node.huge_pages) {
    v1::HugePagePool* added = out->add_huge_pages();
    added->set_page_bytes(pool.page_bytes);
    added->set_total_count(pool.total_count);
    added->set_free_count(pool.free_count);
    added->set_surplus_count(pool.surplus_count);
  }
}

void DeviceToProto(const DeviceLocality& device, v1::LocatedDevice* out) {
  out->set_name(device.name);
  out->set_kind(device.kind);
  if (device.node) out->set_node(*device.node);
  out->mutable_local_cpus()->Add(device.local_cpus.begin(), device.local_cpus.end());
  out->set_reason(device.reason);
}

void MappingToProto(const MappingPlacement& mapping, v1::MappingPlacement* out) {
  out->set_start(mapping.start);
  out->set_end(mapping.end);
  out->set_name(mapping.name);
  out->set_kind(std::string(MappingKindName(mapping.kind)));
  out->set_shared(mapping.shared);
  out->set_page_bytes(mapping.page_bytes);
  out->set_page_count(mapping.page_count);
  out->set_sampled_count(mapping.sampled_count);
  out->set_absent_count(mapping.absent_count);
  for (const NodeShare& share : mapping.nodes) {
    v1::NodeShare* added = out->add_nodes();
    added->set_node(share.node);
    added->set_pages(share.pages);
    added->set_share(share.share);
    added->set_share_low(share.interval.low);
    added->set_share_high(share.interval.high);
  }
  out->set_exact(mapping.exact);
  out->set_changed(mapping.changed);
  if (mapping.policy) out->set_policy(*mapping.policy);
  if (mapping.huge_bytes) out->set_huge_bytes(*mapping.huge_bytes);
  if (mapping.mapper_count) out->set_mapper_count(*mapping.mapper_count);
}

void PlacementToProto(const ProcessPlacement& placement, v1::ProcessPlacement* out) {
  out->set_begin_monotonic_ns(placement.begin_ns);
  out->set_end_monotonic_ns(placement.end_ns);
  for (const MappingPlacement& mapping : placement.mappings) MappingToProto(mapping, out->add_mappings());
  for (const MappingPlacement& range : placement.ranges) {
    v1::MappingPlacement* added = out->add_ranges();
    MappingToProto(range, added);
    added->set_kind("range");
  }
  out->set_unlisted_count(placement.unlisted_count);
  out->set_left_out_count(placement.left_out_count);
  out->set_truncated(placement.truncated);
  out->set_bad_line_count(placement.bad_line_count);
  out->set_seed(placement.seed);
  v1::LookCost* cost = out->mutable_look_cost();
  cost->set_call_count(placement.look_cost.call_count);
  cost->set_page_count(placement.look_cost.page_count);
  cost->set_beside_page_count(placement.look_cost.beside_page_count);
  cost->set_sum_ns(placement.look_cost.sum_ns);
  cost->set_longest_ns(placement.look_cost.longest_ns);
  for (const UnavailablePlacement& part : placement.unavailable) PutUnavailable(part.part, part.reason, out->mutable_unavailable());
}

void ThreadToProto(const LocatedThread& thread, const NumaNodes& nodes, v1::ThreadNode* out) {
  out->set_tid(static_cast<int32_t>(thread.tid));
  out->set_comm(thread.comm);
  if (thread.last_cpu) {
    out->set_last_cpu(*thread.last_cpu);
    if (const int node = nodes.NodeOf(*thread.last_cpu); node >= 0) out->set_node(node);
  }
  std::set<int> allowed;
  for (const int cpu : thread.allowed_cpus) {
    if (const int node = nodes.NodeOf(cpu); node >= 0) allowed.insert(node);
  }
  for (const int node : allowed) out->add_allowed_nodes(node);
}

void ProcessToProto(const NumaLookedProcess& process, const NumaNodes& nodes, v1::HeatMapResolution resolution, v1::ProcessPlacement* out) {
  out->set_pid(static_cast<int32_t>(process.pid));
  for (const LocatedThread& thread : process.threads) ThreadToProto(thread, nodes, out->add_threads());
  out->set_left_out_thread_count(process.left_out_thread_count);
  if (!process.placement.ok()) {
    out->set_error(std::string(process.placement.status().message()));
    return;
  }
  PlacementToProto(*process.placement, out);
  if (process.growth) GrowthToProto(*process.growth, nodes, out);
  if (resolution == v1::HEAT_MAP_RESOLUTION_NODE) NodeHeatMap(*process.placement, nodes, out->mutable_heat_map());
  if (resolution == v1::HEAT_MAP_RESOLUTION_PAGE) PageHeatMap(*process.placement, out->mutable_heat_map());
}

void PutUnavailableOfHost(const NumaNodes& nodes, v1::QueryNumaResponse* out) {
  if (!nodes.told) {
    PutUnavailable("nodes", "this kernel has no nodes (CONFIG_NUMA is off): all stands in node 0", out->mutable_unavailable());
  }
  if (!HasSeveralMemoryNodes(nodes)) {
    PutUnavailable("remote_share", "this host has one node with memory: no page of it can lie on a wrong one", out->mutable_unavailable());
  }
  if (std::any_of(nodes.nodes.begin(), nodes.nodes.end(), [](const NumaNode& node) { return node.distances.empty(); })) {
    PutUnavailable("distances", "the firmware does not tell how far nodes are from each other (no SLIT), or not of all",
                   out->mutable_unavailable());
  }
}

}  // namespace

void NumaLookToProto(const NumaLook& look, v1::HeatMapResolution resolution, v1::QueryNumaResponse* out) {
  for (const NumaNode& node : look.nodes.nodes) NodeToProto(node, out->add_nodes());
  out->set_sub_numa_clustering(look.sub_numa_clustering);
  for (const DeviceLocality& device : look.devices.devices) DeviceToProto(device, out->add_devices());
  out->set_left_out_device_count(look.devices.left_out_count);
  for (const NumaLookedProcess& process : look.processes) ProcessToProto(process, look.nodes, resolution, out->add_processes());
  PutUnavailableOfHost(look.nodes, out);
}

void RemoteSharesToProto(const NumaLookedProcess& process, const NumaNodes& nodes, const HomeNode& home, v1::ProcessPlacement* out) {
  if (!process.placement.ok() || !HasSeveralMemoryNodes(nodes)) return;
  const std::optional<int> wanted = home.node ? LocalMemoryNode(nodes, *home.node) : std::nullopt;
  if (!home.unavailable.empty() || !home.at_home() || !wanted) {
    PutUnavailable("remote_share",
                   !home.unavailable.empty() ? home.unavailable
                                             : fmt::format("its threads ran on several nodes, the most ({:.0f} %) on node {}: no page is "
                                                           "elsewhere for all of them",
                                                           home.share * 100, home.node.value_or(-1)),
                   out->mutable_unavailable());
    return;
  }
  for (int i = 0; i < out->mappings_size(); ++i) {
    uint64_t present = 0;
    uint64_t remote = 0;
    for (const NodeShare& share : process.placement->mappings[static_cast<size_t>(i)].nodes) {
      present += share.pages;
      if (share.node != *wanted) remote += share.pages;
    }
    if (present > 0) out->mutable_mappings(i)->set_remote_share(static_cast<double>(remote) / static_cast<double>(present));
  }
}

int64_t RowsOf(const v1::QueryNumaResponse& response) {
  int64_t rows = response.devices_size();
  for (const v1::ProcessPlacement& process : response.processes())
    rows += process.mappings_size() + process.ranges_size() + process.threads_size();
  return rows;
}

}  // namespace hftmon
