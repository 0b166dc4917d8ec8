#include "client/cli/render/memory_loads.h"

#include <fmt/format.h>

#include <optional>

#include "client/cli/table.h"
#include "common/counted.h"

namespace hftmon {
namespace {

double Ratio(uint64_t part, uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::string NumberText(const std::optional<uint64_t>& value) {
  return value ? std::to_string(*value) : "";
}

Json LatencyJson(const LoadLevelRow& row) {
  Json json{{"count", row.latency_count}, {"sum_cycles", row.latency_sum_cycles}};
  if (row.latency_p50_cycles) json["p50_cycles"] = *row.latency_p50_cycles;
  if (row.latency_p99_cycles) json["p99_cycles"] = *row.latency_p99_cycles;
  if (row.latency_max_cycles) json["max_cycles"] = *row.latency_max_cycles;
  return json;
}

}  // namespace

std::string MemoryLoadsText(const MemoryLoadTable& loads) {
  Table table({{"served by", Table::Align::kLeft}, {"loads"}, {"share"}, {"p50 cycles"}, {"p99"}, {"mean"}, {"max"}});
  for (const LoadLevelRow& row : loads.levels) {
    if (row.loads == 0) continue;
    table.AddRow({std::string(AccessLevelName(row.level)), std::to_string(row.loads),
                  fmt::format("{:.1f}%", 100 * Ratio(row.loads, loads.loads)), NumberText(row.latency_p50_cycles),
                  NumberText(row.latency_p99_cycles),
                  row.latency_count == 0 ? "" : fmt::format("{:.0f}", Ratio(row.latency_sum_cycles, row.latency_count)),
                  NumberText(row.latency_max_cycles)});
  }
  std::string text = fmt::format("sampled accesses: {}, {}\n", Counted(loads.loads, "load"), Counted(loads.stores, "store"));
  text += table.Print();
  text += fmt::format("HITM {}, from a peer core {}, locked {}, TLB misses {} of {} told ({} walks)\n", loads.hitm, loads.peer,
                      loads.locked, loads.tlb_misses, loads.loads - loads.tlb_unknown, loads.tlb_walks);
  return text;
}

Json MemoryLoadsJson(const MemoryLoadTable& loads) {
  Json json{{"samples", loads.loads},
            {"stores", loads.stores},
            {"locked", loads.locked},
            {"lock_unknown", loads.lock_unknown},
            {"hitm", loads.hitm},
            {"peer", loads.peer},
            {"tlb", {{"hits", loads.tlb_hits}, {"misses", loads.tlb_misses}, {"unknown", loads.tlb_unknown}, {"walks", loads.tlb_walks}}}};
  json["levels"] = Json::object();
  json["missed"] = Json::object();
  json["latency"] = Json::object();
  for (const LoadLevelRow& row : loads.levels) {
    const std::string name(AccessLevelName(row.level));
    if (row.loads > 0) json["levels"][name] = row.loads;
    if (row.missed > 0) json["missed"][name] = row.missed;
    if (row.latency_count > 0) json["latency"][name] = LatencyJson(row);
  }
  return json;
}

}  // namespace hftmon
