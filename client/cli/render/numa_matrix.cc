#include "client/cli/render/numa_matrix.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::string CellText(const v1::MeasuredPair* pair) {
  if (pair == nullptr || !pair->has_load_ns() || !pair->has_read_mb_s()) return {};
  return fmt::format("{:.0f}ns {:.1f} GB/s", pair->load_ns(), pair->read_mb_s() / 1e3);
}

std::string SmallPagesText(const v1::MeasureNumaResponse& response) {
  int measured = 0;
  int small = 0;
  int64_t page_bytes = 0;
  std::set<std::string> reasons;
  for (const v1::MeasuredPair& pair : response.pairs()) {
    if (!pair.has_load_ns()) continue;
    ++measured;
    if (pair.huge_pages()) continue;
    ++small;
    page_bytes = pair.page_bytes();
    if (!pair.small_pages_reason().empty()) reasons.insert(Printable(pair.small_pages_reason()));
  }
  if (small == 0) return {};
  std::string text =
      fmt::format("{} of {} measured without huge pages, by those of {} KiB: their loads' times have misses of the TLB in them\n", small,
                  Counted(static_cast<uint64_t>(measured), "pair"), page_bytes >> 10);
  for (const std::string& reason : reasons) text += fmt::format("  because {}\n", reason);
  return text;
}

}  // namespace

std::string NumaMatrixText(const v1::MeasureNumaResponse& response) {
  std::set<int32_t> memory_nodes;
  std::map<int32_t, std::map<int32_t, const v1::MeasuredPair*>> rows;
  for (const v1::MeasuredPair& pair : response.pairs()) {
    memory_nodes.insert(pair.memory_node());
    rows[pair.cpu_node()][pair.memory_node()] = &pair;
  }
  using Align = Table::Align;
  std::vector<Table::Column> columns = {{"from", Align::kLeft}, {"CPU"}};
  for (const int32_t node : memory_nodes) columns.push_back({fmt::format("memory of node {}", node)});
  Table table(columns);
  for (const auto& [cpu_node, pairs] : rows) {
    const v1::MeasuredPair& first = *pairs.begin()->second;
    std::vector<std::string> row = {fmt::format("node {}", cpu_node), first.has_cpu() ? std::to_string(first.cpu()) : ""};
    for (const int32_t node : memory_nodes) {
      const auto pair = pairs.find(node);
      row.push_back(CellText(pair == pairs.end() ? nullptr : pair->second));
    }
    table.AddRow(std::move(row));
  }
  return table.Print() + SmallPagesText(response) +
         fmt::format("took {}, moved {} MB through the nodes' memory\n", FormatDuration(response.elapsed_ns()),
                     response.bytes_moved() / 1'000'000);
}

Json NumaMatrixJson(const v1::MeasureNumaResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["elapsed_ns"] = response.elapsed_ns();
  json["bytes_moved"] = response.bytes_moved();
  json["pairs"] = Json::array();
  for (const v1::MeasuredPair& pair : response.pairs()) {
    Json added{{"cpu_node", pair.cpu_node()}, {"memory_node", pair.memory_node()}, {"buffer_bytes", pair.buffer_bytes()}};
    if (pair.has_cpu()) added["cpu"] = pair.cpu();
    if (pair.has_load_ns()) added["load_ns"] = pair.load_ns();
    if (pair.has_read_mb_s()) added["read_mb_s"] = pair.read_mb_s();
    if (pair.has_load_ns()) {
      added["huge_pages"] = pair.huge_pages();
      added["page_bytes"] = pair.page_bytes();
      if (!pair.small_pages_reason().empty()) added["small_pages_reason"] = pair.small_pages_reason();
    }
    if (!pair.reason().empty()) added["reason"] = pair.reason();
    json["pairs"].push_back(std::move(added));
  }
  return json;
}

std::vector<std::string> NumaMatrixWarnings(const v1::MeasureNumaResponse& response) {
  std::vector<std::pair<std::pair<int32_t, std::string>, std::vector<int32_t>>> reasons;
  for (const v1::MeasuredPair& pair : response.pairs()) {
    if (pair.has_load_ns()) continue;
    const std::pair key{pair.cpu_node(), pair.reason()};
    if (reasons.empty() || reasons.back().first != key) reasons.push_back({key, {}});
    reasons.back().second.push_back(pair.memory_node());
  }
  std::vector<std::string> warnings;
  for (const auto& [key, nodes] : reasons) {
    warnings.push_back(fmt::format("from node {} to the memory of node {}: {}", key.first, fmt::join(nodes, ", "), Printable(key.second)));
  }
  return warnings;
}

}  // namespace hftmon
