#include "daemon/numa/placement_rows.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace hftmon {
namespace {

uint64_t PagesOf(uint64_t start, uint64_t end, int64_t page_bytes) {
  const auto bytes = static_cast<uint64_t>(page_bytes);
  return (end + bytes - 1) / bytes - start / bytes;
}

MappingPlacement RowOf(const ProcMapping& mapping, int64_t page_bytes) {
  return {.start = mapping.start,
          .end = mapping.end,
          .name = mapping.name,
          .kind = KindOf(mapping.name),
          .shared = mapping.shared,
          .page_count = PagesOf(mapping.start, mapping.end, page_bytes),
          .page_bytes = page_bytes};
}

// The mapping that holds the whole row; nullptr: none.
const ProcMapping* MappingOf(const ProcMaps& maps, const MappingPlacement& row) {
  const ProcMapping* mapping = maps.Find(row.start);
  return mapping != nullptr && row.end <= mapping->end ? mapping : nullptr;
}

// What maps calls a file; "" for what it calls otherwise, of which numa_maps has no name.
std::string FileName(const ProcMapping& mapping) {
  return mapping.name.starts_with('/') ? PlainName(mapping.name) : std::string();
}

// Sums are in range: the parser's bounds hold each.
bool Fits(const NumaMapsLine& line, const ProcMapping& mapping, int64_t unit_bytes) {
  uint64_t pages = 0;
  for (const NodePages& node : line.nodes) pages += node.pages;
  return FileName(mapping) == line.name && pages <= PagesOf(mapping.start, mapping.end, unit_bytes);
}

void SetFigures(uint64_t sampled_count, std::vector<NodeShare> nodes, MappingPlacement* row) {
  uint64_t present = 0;
  for (const NodeShare& node : nodes) present += node.pages;
  row->sampled_count = sampled_count;
  row->absent_count = sampled_count - present;
  row->exact = sampled_count == row->page_count;
  for (NodeShare& node : nodes) {
    node.share = static_cast<double>(node.pages) / static_cast<double>(present);
    node.interval = row->exact ? ShareInterval{.low = node.share, .high = node.share} : WilsonInterval(node.pages, present);
  }
  row->nodes = std::move(nodes);
}

// What numa_maps says of the mapping that the row is, or lies in.
void AddLine(const NumaMapsLine& line, const ProcMapping& mapping, int64_t page_bytes, MappingPlacement* row) {
  const int64_t unit_bytes = line.huge ? line.page_bytes.value_or(page_bytes) : page_bytes;
  if (!Fits(line, mapping, unit_bytes)) return;
  row->policy = line.policy;
  row->mapper_count = line.mapper_count;
  if (line.huge) row->kind = MappingKind::kHugetlb;
  if (row->start != mapping.start || row->end != mapping.end) return;
  row->page_bytes = unit_bytes;
  row->page_count = PagesOf(row->start, row->end, unit_bytes);
  std::vector<NodeShare> nodes;
  for (const NodePages& node : line.nodes) {
    if (node.pages > 0) nodes.push_back({.node = node.node, .pages = node.pages});
  }
  SetFigures(row->page_count, std::move(nodes), row);
}

// Whether all of [start, end) is mapped, under that name.
bool Covers(const ProcMaps& maps, std::string_view name, uint64_t start, uint64_t end) {
  while (start < end) {
    const ProcMapping* mapping = maps.Find(start);
    if (mapping == nullptr || mapping->name != name) return false;
    start = mapping->end;
  }
  return true;
}

bool IsListed(const ProcMapping& mapping) {
  return mapping.accessible && mapping.end <= kUserSpaceEnd && KindOf(mapping.name) != MappingKind::kSpecial;
}

}  // namespace

void PutMappings(const ProcMaps& maps, int64_t page_bytes, ProcessPlacement* placement) {
  for (const ProcMapping& mapping : maps.mappings()) {
    if (!IsListed(mapping)) {
      ++placement->unlisted_count;
    } else if (placement->mappings.size() == kPlacedMappingsMax) {
      placement->truncated = true;
      return;
    } else {
      placement->mappings.push_back(RowOf(mapping, page_bytes));
    }
  }
}

void PutRanges(const ProcMaps& maps, std::span<const AddressRange> ranges, int64_t page_bytes, std::vector<MappingPlacement>* rows) {
  for (const AddressRange& range : ranges) {
    MappingPlacement row{.start = range.start,
                         .end = range.end,
                         .name = range.name,
                         .kind = MappingKind::kSeveral,
                         .page_count = PagesOf(range.start, range.end, page_bytes),
                         .page_bytes = page_bytes};
    if (const ProcMapping* mapping = MappingOf(maps, row)) {
      row.kind = KindOf(mapping->name);
      row.shared = mapping->shared;
    }
    rows->push_back(std::move(row));
  }
}

void AddNumaMaps(const NumaMaps& lines, const ProcMaps& maps, int64_t page_bytes, ProcessPlacement* placement) {
  placement->bad_line_count += lines.bad_line_count;
  std::map<uint64_t, const NumaMapsLine*> by_start;
  for (const NumaMapsLine& line : lines.lines) by_start.emplace(line.start, &line);
  const auto add_to = [&](MappingPlacement& row) {
    const ProcMapping* mapping = MappingOf(maps, row);
    const auto found = mapping == nullptr ? by_start.end() : by_start.find(mapping->start);
    if (found != by_start.end()) AddLine(*found->second, *mapping, page_bytes, &row);
  };
  for (MappingPlacement& row : placement->mappings) add_to(row);
  for (MappingPlacement& row : placement->ranges) add_to(row);
}

void AddHugePages(std::span<const HugePageUse> uses, ProcessPlacement* placement) {
  std::map<uint64_t, const HugePageUse*> by_start;
  for (const HugePageUse& use : uses) by_start.emplace(use.start, &use);
  const auto add_to = [&](MappingPlacement& row) {
    const auto found = by_start.find(row.start);
    if (found == by_start.end() || found->second->end != row.end || found->second->huge_bytes > row.end - row.start) return;
    row.huge_bytes = found->second->huge_bytes;
  };
  for (MappingPlacement& row : placement->mappings) add_to(row);
  for (MappingPlacement& row : placement->ranges) add_to(row);
}

void PlacementTally::Add(size_t row, int node) {
  ++rows_[row].sampled_count;
  if (node >= 0) ++rows_[row].pages[node];
}

void PlacementTally::Finish(std::span<MappingPlacement> rows) const {
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].sampled_count == 0) continue;
    std::vector<NodeShare> nodes;
    for (const auto& [node, pages] : rows_[i].pages) nodes.push_back({.node = node, .pages = pages});
    SetFigures(rows_[i].sampled_count, std::move(nodes), &rows[i]);
  }
}

void MarkChanged(const ProcMaps& before, const ProcMaps& after, std::span<MappingPlacement> rows) {
  for (MappingPlacement& row : rows) {
    // A range's name is its own, and it may span several: each of those is held to what it was.
    for (uint64_t at = row.start; at < row.end && !row.changed;) {
      const ProcMapping* mapping = before.Find(at);
      if (mapping == nullptr) {
        const auto next = std::upper_bound(before.mappings().begin(), before.mappings().end(), at,
                                           [](uint64_t value, const ProcMapping& other) { return value < other.start; });
        at = next == before.mappings().end() ? row.end : next->start;
        continue;
      }
      const uint64_t end = std::min(row.end, mapping->end);
      row.changed = !Covers(after, mapping->name, at, end);
      at = end;
    }
  }
}

bool AnythingStays(const ProcMaps& before, const ProcMaps& after) {
  return std::any_of(before.mappings().begin(), before.mappings().end(), [&](const ProcMapping& mapping) {
    const ProcMapping* now = after.Find(mapping.start);
    return IsListed(mapping) && now != nullptr && now->start == mapping.start && now->name == mapping.name;
  });
}

}  // namespace hftmon
