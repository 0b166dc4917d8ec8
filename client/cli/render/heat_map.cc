#include "client/cli/render/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

char ShareLetter(const v1::HeatCell& cell) {
  if (cell.pages() == 0) return '.';
  if (cell.pages() >= cell.sampled_count()) return '#';
  const uint64_t tenths = cell.pages() * 10 / cell.sampled_count();
  return tenths == 0 ? '+' : static_cast<char>('0' + tenths);
}

char NodeLetter(const v1::HeatCell& cell) {
  if (cell.sampled_count() == 0) return ' ';
  if (!cell.has_node()) return '.';
  const char first = cell.pages() < cell.sampled_count() ? 'a' : 'A';
  return static_cast<char>(first + std::clamp(cell.node(), 0, 25));
}

std::string RowName(const v1::HeatRow& row) {
  if (row.end() == 0) return "[not mapped now]";
  return row.name().empty() ? "[anonymous]" : Printable(row.name());
}

constexpr size_t kLinesShown = 20;  // JSON has all

std::string LinesText(const v1::HeatMap& map, int64_t now_ns) {
  std::vector<std::pair<const v1::HeatRow*, const v1::HeatCell*>> lines;
  for (const v1::HeatRow& row : map.rows()) {
    for (const v1::HeatCell& cell : row.cells()) lines.emplace_back(&row, &cell);
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.second->sampled_count() > b.second->sampled_count(); });
  std::string text = fmt::format("  heat map by cache line of {} bytes, in samples of {} taken {} ago (node: of its page, now)\n",
                                 map.line_bytes(), FormatDuration(map.sampled_end_monotonic_ns() - map.sampled_begin_monotonic_ns()),
                                 FormatDuration(std::max<int64_t>(0, now_ns - map.sampled_end_monotonic_ns())));
  using Align = Table::Align;
  Table table({{"line"},
               {"node"},
               {"accesses"},
               {"loads"},
               {"stores"},
               {"local cache"},
               {"local memory"},
               {"remote cache"},
               {"remote memory"},
               {"mapping", Align::kLeft}});
  for (size_t i = 0; i < std::min(lines.size(), kLinesShown); ++i) {
    const v1::HeatCell& cell = *lines[i].second;
    const v1::SampledLine& line = cell.line();
    table.AddRow({fmt::format("{:#x}", line.address()), cell.has_node() ? std::to_string(cell.node()) : "",
                  std::to_string(cell.sampled_count()), std::to_string(line.load_count()), std::to_string(line.store_count()),
                  std::to_string(line.local_cache_load_count()), std::to_string(line.local_memory_load_count()),
                  std::to_string(line.remote_cache_load_count()), std::to_string(line.remote_memory_load_count()),
                  RowName(*lines[i].first)});
  }
  text += table.empty() ? "  no line of its memory was sampled\n" : table.Print(2);
  if (lines.size() > kLinesShown) text += fmt::format("  and {} more (--json has all)\n", lines.size() - kLinesShown);
  if (map.left_out_line_count() > 0) {
    text += fmt::format("  and {} that were used less, or are the kernel's\n", Counted(map.left_out_line_count(), "line"));
  }
  return text;
}

Json LineJson(const v1::SampledLine& line) {
  return {{"address", line.address()},
          {"load_count", line.load_count()},
          {"store_count", line.store_count()},
          {"local_cache_load_count", line.local_cache_load_count()},
          {"local_memory_load_count", line.local_memory_load_count()},
          {"remote_cache_load_count", line.remote_cache_load_count()},
          {"remote_memory_load_count", line.remote_memory_load_count()}};
}

}  // namespace

std::string ResolutionName(v1::HeatMapResolution resolution) {
  switch (resolution) {
    case v1::HEAT_MAP_RESOLUTION_NODE:
      return "node";
    case v1::HEAT_MAP_RESOLUTION_PAGE:
      return "page";
    case v1::HEAT_MAP_RESOLUTION_CACHE_LINE:
      return "cache_line";
    default:
      return "none";
  }
}

std::string HeatMapText(const v1::HeatMap& map, int64_t now_ns) {
  if (map.resolution() == v1::HEAT_MAP_RESOLUTION_CACHE_LINE) return LinesText(map, now_ns);
  const bool by_node = map.resolution() == v1::HEAT_MAP_RESOLUTION_NODE;
  std::string text;
  if (by_node) {
    text = "  heat map by node, share in tenths (# all, + less than a tenth, . none), columns: node";
    for (const int node : map.column_nodes()) text += fmt::format(" {}", node);
    text += "\n";
  } else {
    text =
        "  heat map by page, low addresses left: A is node 0, B node 1 …; small: not all pages there; . none there; blank: not looked "
        "at\n";
  }
  for (const v1::HeatRow& row : map.rows()) {
    std::string cells;
    for (const v1::HeatCell& cell : row.cells()) cells += by_node ? ShareLetter(cell) : NodeLetter(cell);
    text += fmt::format("  {:#014x} |{}| {}\n", row.start(), cells, RowName(row));
  }
  if (map.rows().empty()) text += "  nothing of it is there\n";
  if (map.left_out_row_count() > 0) {
    text += fmt::format("  and {}, beyond 65536 cells\n", Counted(map.left_out_row_count(), "mapping"));
  }
  return text;
}

Json HeatMapJson(const v1::HeatMap& map) {
  Json json;
  json["resolution"] = ResolutionName(map.resolution());
  if (map.column_nodes_size() > 0) json["column_nodes"] = std::vector<int>(map.column_nodes().begin(), map.column_nodes().end());
  json["rows"] = Json::array();
  for (const v1::HeatRow& row : map.rows()) {
    Json cells = Json::array();
    for (const v1::HeatCell& cell : row.cells()) {
      Json one{{"sampled_count", cell.sampled_count()}};
      if (cell.has_line()) {
        one.update(LineJson(cell.line()));
      } else {
        one["pages"] = cell.pages();
      }
      if (cell.has_node()) one["node"] = cell.node();
      cells.push_back(std::move(one));
    }
    json["rows"].push_back({{"start", row.start()}, {"end", row.end()}, {"name", row.name()}, {"cells", std::move(cells)}});
  }
  json["left_out_row_count"] = map.left_out_row_count();
  if (map.resolution() == v1::HEAT_MAP_RESOLUTION_CACHE_LINE) {
    json["sampled_begin_ns"] = map.sampled_begin_monotonic_ns();
    json["sampled_end_ns"] = map.sampled_end_monotonic_ns();
    json["line_bytes"] = map.line_bytes();
    json["left_out_line_count"] = map.left_out_line_count();
  }
  return json;
}

}  // namespace hftmon
