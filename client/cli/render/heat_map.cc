#include "client/cli/render/heat_map.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/cli/table.h"
#include "common/counted.h"

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
  return row.name().empty() ? "[anonymous]" : Printable(row.name());
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

std::string HeatMapText(const v1::HeatMap& map) {
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
      Json one{{"sampled_count", cell.sampled_count()}, {"pages", cell.pages()}};
      if (cell.has_node()) one["node"] = cell.node();
      cells.push_back(std::move(one));
    }
    json["rows"].push_back({{"start", row.start()}, {"end", row.end()}, {"name", row.name()}, {"cells", std::move(cells)}});
  }
  json["left_out_row_count"] = map.left_out_row_count();
  return json;
}

}  // namespace hftmon
