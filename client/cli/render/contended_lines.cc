#include "client/cli/render/contended_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/cli/table.h"
#include "common/counted.h"

namespace hftmon {
namespace {

constexpr size_t kSitesShown = 8;
constexpr size_t kTidsShown = 4;

std::string_view OrderText(LineOrder order) {
  switch (order) {
    case LineOrder::kCycles:
      return "estimated cycles";
    case LineOrder::kRemoteHitm:
      return "remote HITM";
    case LineOrder::kTotalHitm:
      return "HITM and peer accesses";
  }
  return "";
}

// "false", "true, in part false": what people call it.
std::string_view VerdictText(SharingVerdict verdict) {
  switch (verdict) {
    case SharingVerdict::kWriterNotSeen:
      return "writer not seen";
    case SharingVerdict::kFalse:
      return "false sharing";
    case SharingVerdict::kTrue:
      return "true sharing";
    case SharingVerdict::kBoth:
      return "true and false";
  }
  return "";
}

std::string TidsText(const std::vector<uint32_t>& tids) {
  std::string text;
  for (size_t i = 0; i < std::min(tids.size(), kTidsShown); ++i) text += fmt::format("{}{}", i == 0 ? "" : " ", tids[i]);
  if (tids.size() > kTidsShown) text += fmt::format(" +{}", tids.size() - kTidsShown);
  return text;
}

std::string LineTable(const ContendedLineTable& table, const std::vector<PlacedLine>& lines) {
  const bool unplaced = std::any_of(lines.begin(), lines.end(), [](const auto& one) { return one.line.counts.hitm_unplaced > 0; });
  std::vector<Table::Column> columns = {{"#"},
                                        {"line"},
                                        {"HITM remote"},
                                        {"local"},
                                        {"peer"},
                                        {"loads"},
                                        {"stores"},
                                        {"est. cycles"},
                                        {"share"},
                                        {"threads"},
                                        {"verdict", Table::Align::kLeft},
                                        {"mapping", Table::Align::kLeft}};
  if (unplaced) columns.insert(columns.begin() + 4, {"unplaced"});
  Table text(columns);
  for (size_t i = 0; i < lines.size(); ++i) {
    const ContendedLine& line = lines[i].line;
    const AccessCounts& counts = line.counts;
    const char* more = line.dropped_site_accesses > 0 ? "+" : "";
    std::vector<std::string> cells = {std::to_string(i + 1),
                                      fmt::format("{:#x}", line.address),
                                      std::to_string(counts.hitm_remote),
                                      std::to_string(counts.hitm_local),
                                      std::to_string(counts.peer),
                                      std::to_string(counts.loads),
                                      std::to_string(counts.stores),
                                      line.estimated_cycles ? std::to_string(*line.estimated_cycles) : "",
                                      fmt::format("{:.1f}%", 100 * line.share),
                                      fmt::format("{}{}", line.threads.size(), more),
                                      std::string(VerdictText(line.sharing.verdict)),
                                      lines[i].data ? Printable(lines[i].data->mapping) : ""};
    if (unplaced) cells.insert(cells.begin() + 4, std::to_string(counts.hitm_unplaced));
    text.AddRow(cells);
  }
  return fmt::format("contended cache lines of {} bytes, by {}: {} of {}\n{}", table.line_bytes, OrderText(table.order), lines.size(),
                     table.contended_lines, text.Print());
}

std::string SiteTable(const PlacedLine& placed) {
  const bool named = !placed.names.empty();
  std::vector<Table::Column> columns = {{"offset"}, {"HITM"}, {"peer"}, {"loads"}, {"stores"}, {"tid"}, {"code", Table::Align::kLeft}};
  if (named) columns.insert(columns.end() - 1, {"thread", Table::Align::kLeft});
  Table text(columns);
  const std::vector<LineSite>& sites = placed.line.sites;
  for (size_t i = 0; i < std::min(sites.size(), kSitesShown); ++i) {
    const LineSite& site = sites[i];
    std::vector<std::string> cells = {fmt::format("{:#x}", site.offset),
                                      std::to_string(site.counts.hitm()),
                                      std::to_string(site.counts.peer),
                                      std::to_string(site.counts.loads),
                                      std::to_string(site.counts.stores),
                                      std::to_string(site.tid),
                                      i < placed.code.size() ? PlaceText(placed.code[i], site.code_address) : ""};
    const auto name = placed.names.find(site.tid);
    if (named) cells.insert(cells.end() - 1, name == placed.names.end() ? "" : Printable(name->second.comm));
    text.AddRow(cells);
  }
  std::string table = text.Print(2);
  if (sites.size() > kSitesShown) table += fmt::format("  and {} (--json has all)\n", Counted(sites.size() - kSitesShown, "site"));
  return table;
}

std::string LineDetail(size_t number, const PlacedLine& placed) {
  const ContendedLine& line = placed.line;
  std::string text = fmt::format("\nline {}: {:#x}", number, line.address);
  if (placed.data) text += fmt::format(" ({})", PlaceText(placed.data, line.address));
  if (!line.nodes.empty()) text += fmt::format(", nodes {}", TidsText(line.nodes));
  text += "\n" + SiteTable(placed);
  for (const SharingAdvice& advice : line.advice) text += fmt::format("  {}: {}\n", AdviceKindName(advice.kind), Printable(advice.text));
  if (line.dropped_site_accesses > 0) {
    text += fmt::format("  {} of threads or places beyond those that are kept: verdict and advice are of the others\n",
                        Counted(line.dropped_site_accesses, "access", "accesses"));
  }
  if (line.begin_missing) text += "  accesses before it was first kept may be missing: more lines came than are kept\n";
  return text;
}

Json CountsJson(const AccessCounts& counts) {
  return {{"accesses", counts.accesses},
          {"loads", counts.loads},
          {"stores", counts.stores},
          {"locked", counts.locked},
          {"hitm_local", counts.hitm_local},
          {"hitm_remote", counts.hitm_remote},
          {"hitm_unplaced", counts.hitm_unplaced},
          {"peer", counts.peer}};
}

// `number`: of the line's offsets.
Json OffsetJson(size_t number, const PlacedLine& placed) {
  const LineOffset& offset = placed.line.offsets[number];
  Json json{{"offset", offset.offset}};
  json.update(CountsJson(offset.counts));
  json["tids"] = offset.tids;
  json["writer_tids"] = offset.writer_tids;
  if (number < placed.offset_data.size() && placed.offset_data[number]) json["data"] = PlaceJson(*placed.offset_data[number]);
  json["sites"] = Json::array();
  for (size_t i = 0; i < placed.line.sites.size(); ++i) {
    const LineSite& site = placed.line.sites[i];
    if (site.offset != offset.offset) continue;
    Json entry{{"tid", site.tid}, {"pid", site.pid}};
    if (site.code_address != 0) entry["code_address"] = site.code_address;
    entry.update(CountsJson(site.counts));
    if (i < placed.code.size() && placed.code[i]) entry["code"] = PlaceJson(*placed.code[i]);
    // Sites stand by what they contend: the first one that has a name gives it to the offset.
    if (!json.contains("symbol") && entry.contains("code") && entry["code"].contains("symbol")) json["symbol"] = entry["code"]["symbol"];
    json["sites"].push_back(std::move(entry));
  }
  return json;
}

Json LineJson(const PlacedLine& placed) {
  const ContendedLine& line = placed.line;
  const SharingSplit& sharing = line.sharing;
  Json json{{"address", line.address}};
  json.update(CountsJson(line.counts));
  if (line.estimated_cycles) json["estimated_cycles"] = *line.estimated_cycles;
  json["share"] = line.share;
  json["verdict"] = SharingVerdictName(sharing.verdict);
  if (sharing.verdict != SharingVerdict::kWriterNotSeen) json["false_sharing"] = sharing.verdict != SharingVerdict::kTrue;
  json["false_contended"] = sharing.false_contended;
  json["true_contended"] = sharing.true_contended;
  json["no_writer_contended"] = sharing.no_writer_contended;
  if (placed.data) json["data"] = PlaceJson(*placed.data);
  json["threads"] = Json::array();
  for (const LineThread& thread : line.threads) {
    Json entry = LineThreadJson(placed, thread);
    entry.update(CountsJson(thread.counts));
    json["threads"].push_back(std::move(entry));
  }
  json["cpus"] = line.cpus;
  json["cpus_dropped"] = line.cpus_dropped;
  json["nodes"] = line.nodes;
  json["offsets"] = Json::array();
  for (size_t i = 0; i < line.offsets.size(); ++i) json["offsets"].push_back(OffsetJson(i, placed));
  json["dropped_site_accesses"] = line.dropped_site_accesses;
  json["begin_missing"] = line.begin_missing;
  json["advice"] = Json::array();
  for (const SharingAdvice& advice : line.advice) {
    Json entry{{"kind", AdviceKindName(advice.kind)}, {"offsets", advice.offsets}, {"contended", advice.contended}};
    if (advice.estimated_cycles) entry["estimated_cycles"] = *advice.estimated_cycles;
    entry["text"] = advice.text;
    json["advice"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace

std::string_view LineOrderName(LineOrder order) {
  switch (order) {
    case LineOrder::kCycles:
      return "cycles";
    case LineOrder::kRemoteHitm:
      return "remote";
    case LineOrder::kTotalHitm:
      return "total";
  }
  return "";
}

std::string PlaceText(const std::optional<MappedPlace>& place, uint64_t address) {
  if (!place) return address == 0 ? "" : fmt::format("{:#x}", address);
  if (place->kernel) return fmt::format("{} {:#x}", Printable(place->mapping), address);
  const std::string in_file = fmt::format("{}+{:#x}", Printable(place->mapping), place->file_offset);
  return place->symbol ? fmt::format("{} ({})", Printable(*place->symbol), in_file) : in_file;
}

Json PlaceJson(const MappedPlace& place) {
  Json json{{"mapping", place.mapping}};
  if (!place.kernel) json["offset"] = place.file_offset;
  if (place.symbol) json["symbol"] = *place.symbol;
  return json;
}

Json LineThreadJson(const PlacedLine& placed, const LineThread& thread) {
  Json json{{"tid", thread.tid}, {"pid", thread.pid}};
  const auto name = placed.names.find(thread.tid);
  if (name == placed.names.end()) return json;
  if (!name->second.comm.empty()) json["comm"] = name->second.comm;
  if (name->second.namespace_tid != 0) json["namespace_tid"] = name->second.namespace_tid;
  return json;
}

std::string ContendedLinesText(const ContendedLineTable& table, const std::vector<PlacedLine>& lines) {
  if (lines.empty()) return "";
  std::string text = LineTable(table, lines);
  for (size_t i = 0; i < lines.size(); ++i) text += LineDetail(i + 1, lines[i]);
  return text;
}

Json ContendedLinesJson(const std::vector<PlacedLine>& lines) {
  Json json = Json::array();
  for (const PlacedLine& line : lines) json.push_back(LineJson(line));
  return json;
}

}  // namespace hftmon
