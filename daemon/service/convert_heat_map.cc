#include "daemon/service/convert_heat_map.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <vector>

namespace hftmon {
namespace {

struct Bin {
  uint64_t sampled_count = 0;
  std::map<int, uint64_t> pages;  // by node
};

v1::HeatRow* AddRow(const MappingPlacement& mapping, v1::HeatMap* out) {
  v1::HeatRow* row = out->add_rows();
  row->set_start(mapping.start);
  row->set_end(mapping.end);
  row->set_name(mapping.name);
  return row;
}

bool HasRow(const MappingPlacement& mapping) {
  return !mapping.nodes.empty();
}

void PutBin(const Bin& bin, v1::HeatCell* cell) {
  cell->set_sampled_count(bin.sampled_count);
  const auto most = std::max_element(bin.pages.begin(), bin.pages.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == bin.pages.end()) return;
  cell->set_node(most->first);
  cell->set_pages(most->second);
}

// Of the address's page; nullptr: it was not looked at.
const LocatedPage* PageOf(const ProcessPlacement& placement, uint64_t address) {
  const auto above = std::upper_bound(placement.asked_pages.begin(), placement.asked_pages.end(), address,
                                      [](uint64_t value, const LocatedPage& page) { return value < page.address; });
  return above == placement.asked_pages.begin() ? nullptr : &*std::prev(above);
}

const MappingPlacement* MappingAt(const ProcessPlacement& placement, uint64_t address) {
  const auto above = std::upper_bound(placement.mappings.begin(), placement.mappings.end(), address,
                                      [](uint64_t value, const MappingPlacement& mapping) { return value < mapping.start; });
  if (above == placement.mappings.begin() || address >= std::prev(above)->end) return nullptr;
  return &*std::prev(above);
}

void PutLine(const BusyLine& line, const LocatedPage* page, v1::HeatCell* cell) {
  cell->set_sampled_count(line.accesses);
  if (page != nullptr && page->node >= 0) cell->set_node(page->node);
  v1::SampledLine* out = cell->mutable_line();
  out->set_address(line.address);
  out->set_load_count(line.loads);
  out->set_store_count(line.stores);
  out->set_local_cache_load_count(line.LoadsOf(LoadOrigin::kLocalCache));
  out->set_local_memory_load_count(line.LoadsOf(LoadOrigin::kLocalMemory));
  out->set_remote_cache_load_count(line.LoadsOf(LoadOrigin::kRemoteCache));
  out->set_remote_memory_load_count(line.LoadsOf(LoadOrigin::kRemoteMemory));
}

}  // namespace

void NodeHeatMap(const ProcessPlacement& placement, const NumaNodes& nodes, v1::HeatMap* out) {
  out->set_resolution(v1::HEAT_MAP_RESOLUTION_NODE);
  for (const NumaNode& node : nodes.nodes) {
    if (node.has_memory) out->add_column_nodes(node.node);
  }
  const int rows_max = kHeatMapCellsMax / std::max(1, out->column_nodes_size());
  for (const MappingPlacement& mapping : placement.mappings) {
    if (!HasRow(mapping)) continue;
    if (out->rows_size() >= rows_max) {
      out->set_left_out_row_count(out->left_out_row_count() + 1);
      continue;
    }
    v1::HeatRow* row = AddRow(mapping, out);
    for (const int node : out->column_nodes()) {
      const auto share =
          std::find_if(mapping.nodes.begin(), mapping.nodes.end(), [node](const NodeShare& found) { return found.node == node; });
      v1::HeatCell* cell = row->add_cells();
      cell->set_sampled_count(mapping.sampled_count - mapping.absent_count);
      cell->set_node(node);
      cell->set_pages(share == mapping.nodes.end() ? 0 : share->pages);
    }
  }
}

void PageHeatMap(const ProcessPlacement& placement, v1::HeatMap* out) {
  out->set_resolution(v1::HEAT_MAP_RESOLUTION_PAGE);
  auto page = placement.pages.begin();
  for (const MappingPlacement& mapping : placement.mappings) {
    const auto first = std::find_if(page, placement.pages.end(), [&](const LocatedPage& one) { return one.address >= mapping.start; });
    page = std::find_if(first, placement.pages.end(), [&](const LocatedPage& one) { return one.address >= mapping.end; });
    if (!HasRow(mapping)) continue;
    if ((out->rows_size() + 1) * kHeatMapPageColumns > kHeatMapCellsMax) {
      out->set_left_out_row_count(out->left_out_row_count() + 1);
      continue;
    }
    // Not more columns than pages.
    const auto columns = std::clamp<uint64_t>(mapping.page_count, 1, kHeatMapPageColumns);
    std::array<Bin, kHeatMapPageColumns> bins;
    const double bytes = static_cast<double>(mapping.end - mapping.start);
    for (auto one = first; one != page; ++one) {
      const double part = static_cast<double>(one->address - mapping.start) / bytes;
      Bin& bin = bins[std::min<size_t>(columns - 1, static_cast<size_t>(part * static_cast<double>(columns)))];
      ++bin.sampled_count;
      if (one->node >= 0) ++bin.pages[one->node];
    }
    v1::HeatRow* row = AddRow(mapping, out);
    for (size_t column = 0; column < columns; ++column) PutBin(bins[column], row->add_cells());
  }
}

void LineHeatMap(const ProcessPlacement& placement, const LineHeat& heat, v1::HeatMap* out) {
  out->set_resolution(v1::HEAT_MAP_RESOLUTION_CACHE_LINE);
  out->set_sampled_begin_monotonic_ns(heat.begin_mono_ns);
  out->set_sampled_end_monotonic_ns(heat.end_mono_ns);
  out->set_line_bytes(heat.line_bytes);
  out->set_left_out_line_count(heat.left_out_count);
  std::vector<const BusyLine*> lines;
  for (const BusyLine& line : heat.lines) lines.push_back(&line);
  std::sort(lines.begin(), lines.end(), [](const BusyLine* a, const BusyLine* b) { return a->address < b->address; });
  // Of each mapping its row; nullptr: the row of those that none holds.
  std::map<const MappingPlacement*, v1::HeatRow*> rows;
  for (const BusyLine* line : lines) {
    const MappingPlacement* mapping = MappingAt(placement, line->address);
    v1::HeatRow*& row = rows[mapping];
    if (row == nullptr) row = mapping == nullptr ? out->add_rows() : AddRow(*mapping, out);
    PutLine(*line, PageOf(placement, line->address), row->add_cells());
  }
}

}  // namespace hftmon
