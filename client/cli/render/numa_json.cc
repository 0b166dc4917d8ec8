#include <utility>

#include "client/cli/render/heat_map.h"
#include "client/cli/render/numa.h"
#include "client/cli/render/numa_bandwidth.h"
#include "client/cli/render/numa_growth.h"

namespace hftmon {
namespace {

template <typename Numbers>
std::vector<int> ListOf(const Numbers& numbers) {
  return {numbers.begin(), numbers.end()};
}

Json UnavailableJson(const google::protobuf::RepeatedPtrField<v1::UnavailablePart>& parts) {
  Json json = Json::array();
  for (const v1::UnavailablePart& part : parts) json.push_back({{"part", part.part()}, {"reason", part.reason()}});
  return json;
}

Json CountersJson(const v1::NumaCounters& counters) {
  return {{"hit_count", counters.hit_count()},         {"miss_count", counters.miss_count()},
          {"foreign_count", counters.foreign_count()}, {"interleave_hit_count", counters.interleave_hit_count()},
          {"local_count", counters.local_count()},     {"other_count", counters.other_count()}};
}

Json NodeJson(const v1::NumaNode& node) {
  Json json{{"node", node.node()}, {"cpus", ListOf(node.cpus())}, {"has_memory", node.has_memory()}};
  if (node.has_memory_bytes()) json["memory_bytes"] = node.memory_bytes();
  if (node.has_free_bytes()) json["free_bytes"] = node.free_bytes();
  json["distances"] = Json::array();
  for (const v1::NumaDistance& one : node.distances()) json["distances"].push_back({{"node", one.node()}, {"distance", one.distance()}});
  json["initiator_nodes"] = ListOf(node.initiator_nodes());
  if (node.has_read_latency_ns()) json["read_latency_ns"] = node.read_latency_ns();
  if (node.has_write_latency_ns()) json["write_latency_ns"] = node.write_latency_ns();
  if (node.has_read_bandwidth_mb_s()) json["read_bandwidth_mb_s"] = node.read_bandwidth_mb_s();
  if (node.has_write_bandwidth_mb_s()) json["write_bandwidth_mb_s"] = node.write_bandwidth_mb_s();
  if (node.has_counters()) json["allocations"] = CountersJson(node.counters());
  json["huge_pages"] = Json::array();
  for (const v1::HugePagePool& pool : node.huge_pages()) {
    json["huge_pages"].push_back({{"page_bytes", pool.page_bytes()},
                                  {"total_count", pool.total_count()},
                                  {"free_count", pool.free_count()},
                                  {"surplus_count", pool.surplus_count()}});
  }
  return json;
}

Json DeviceJson(const v1::LocatedDevice& device) {
  Json json{{"name", device.name()}, {"kind", device.kind()}};
  if (device.has_node()) {
    json["node"] = device.node();
    json["local_cpus"] = ListOf(device.local_cpus());
  } else {
    json["reason"] = device.reason();
  }
  return json;
}

Json MappingJson(const v1::MappingPlacement& mapping) {
  Json json{{"start", mapping.start()},
            {"end", mapping.end()},
            {"name", mapping.name()},
            {"kind", mapping.kind()},
            {"shared", mapping.shared()},
            {"page_bytes", mapping.page_bytes()},
            {"page_count", mapping.page_count()},
            {"sampled_count", mapping.sampled_count()},
            {"absent_count", mapping.absent_count()}};
  json["nodes"] = Json::array();
  for (const v1::NodeShare& share : mapping.nodes()) {
    json["nodes"].push_back({{"node", share.node()},
                             {"pages", share.pages()},
                             {"share", share.share()},
                             {"share_low", share.share_low()},
                             {"share_high", share.share_high()}});
  }
  json["exact"] = mapping.exact();
  json["changed"] = mapping.changed();
  if (mapping.has_policy()) json["policy"] = mapping.policy();
  if (mapping.has_huge_bytes()) json["huge_bytes"] = mapping.huge_bytes();
  if (mapping.has_mapper_count()) json["mapper_count"] = mapping.mapper_count();
  if (mapping.has_growth_bytes()) json["growth_bytes"] = mapping.growth_bytes();
  if (mapping.has_remote_share()) json["remote_share"] = mapping.remote_share();
  return json;
}

Json ThreadJson(const v1::ThreadNode& thread) {
  Json json{{"tid", thread.tid()}, {"comm", thread.comm()}};
  if (thread.has_last_cpu()) json["last_cpu"] = thread.last_cpu();
  if (thread.has_node()) json["node"] = thread.node();
  json["allowed_nodes"] = ListOf(thread.allowed_nodes());
  return json;
}

Json ProcessJson(const v1::ProcessPlacement& process) {
  Json json{{"pid", process.pid()}, {"comm", process.comm()}};
  if (process.namespace_pid() != 0) json["namespace_pid"] = process.namespace_pid();
  if (!process.error().empty()) {
    json["error"] = process.error();
    return json;
  }
  json["begin_ns"] = process.begin_monotonic_ns();
  json["end_ns"] = process.end_monotonic_ns();
  json["mappings"] = Json::array();
  for (const v1::MappingPlacement& mapping : process.mappings()) json["mappings"].push_back(MappingJson(mapping));
  json["ranges"] = Json::array();
  for (const v1::MappingPlacement& range : process.ranges()) json["ranges"].push_back(MappingJson(range));
  json["unlisted_count"] = process.unlisted_count();
  json["left_out_count"] = process.left_out_count();
  json["truncated"] = process.truncated();
  json["bad_line_count"] = process.bad_line_count();
  json["seed"] = process.seed();
  json["look_cost"] = LookCostJson(process.look_cost());
  json["unavailable"] = UnavailableJson(process.unavailable());
  json["threads"] = Json::array();
  for (const v1::ThreadNode& thread : process.threads()) json["threads"].push_back(ThreadJson(thread));
  json["left_out_thread_count"] = process.left_out_thread_count();
  if (process.has_accesses()) json["accesses"] = NumaAccessesJson(process.accesses());
  if (process.has_heat_map()) json["heat_map"] = HeatMapJson(process.heat_map());
  if (process.has_growth()) PutGrowth(process, &json);
  return json;
}

}  // namespace

Json LookCostJson(const v1::LookCost& cost) {
  return {{"call_count", cost.call_count()},
          {"page_count", cost.page_count()},
          {"beside_page_count", cost.beside_page_count()},
          {"sum_ns", cost.sum_ns()},
          {"longest_ns", cost.longest_ns()}};
}

Json NumaJson(const v1::QueryNumaResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["nodes"] = Json::array();
  for (const v1::NumaNode& node : response.nodes()) json["nodes"].push_back(NodeJson(node));
  json["sub_numa_clustering"] = response.sub_numa_clustering();
  json["devices"] = Json::array();
  for (const v1::LocatedDevice& device : response.devices()) json["devices"].push_back(DeviceJson(device));
  json["left_out_device_count"] = response.left_out_device_count();
  json["processes"] = Json::array();
  for (const v1::ProcessPlacement& process : response.processes()) json["processes"].push_back(ProcessJson(process));
  json["left_out_process_count"] = response.left_out_process_count();
  PutNumaBandwidth(response, &json);
  json["unavailable"] = UnavailableJson(response.unavailable());
  return json;
}

}  // namespace hftmon
