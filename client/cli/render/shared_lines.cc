#include "client/cli/render/shared_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/cli/render/contended_lines.h"
#include "client/cli/table.h"
#include "common/counted.h"

namespace hftmon {
namespace {

constexpr size_t kSitesShown = 8;

std::string_view LayoutText(SharingVerdict verdict) {
  switch (verdict) {
    case SharingVerdict::kWriterNotSeen:
      return "writer not seen";
    case SharingVerdict::kFalse:
      return "different words";
    case SharingVerdict::kTrue:
      return "the same word";
    case SharingVerdict::kBoth:
      return "both";
  }
  return "";
}

std::string NameOf(const PlacedLine& placed, uint32_t tid) {
  const auto found = placed.names.find(tid);
  return found == placed.names.end() ? "" : Printable(found->second.comm);
}

std::string LineTable(const ContendedLineTable& table, const std::vector<PlacedLine>& lines) {
  Table text({{"#"},
              {"line"},
              {"loads"},
              {"stores"},
              {"share"},
              {"threads"},
              {"threads use", Table::Align::kLeft},
              {"mapping", Table::Align::kLeft}});
  for (size_t i = 0; i < lines.size(); ++i) {
    const ContendedLine& line = lines[i].line;
    text.AddRow({std::to_string(i + 1), fmt::format("{:#x}", line.address), std::to_string(line.counts.loads),
                 std::to_string(line.counts.stores), fmt::format("{:.1f}%", 100 * line.share),
                 fmt::format("{}{}", line.threads.size(), line.dropped_site_accesses > 0 ? "+" : ""),
                 std::string(LayoutText(line.sharing.verdict)), lines[i].data ? Printable(lines[i].data->mapping) : ""});
  }
  return fmt::format("cache lines of {} bytes that threads share, contended or not, by accesses: {} of {}\n{}", table.line_bytes,
                     lines.size(), table.shared_line_count, text.Print());
}

std::string LineDetail(size_t number, const PlacedLine& placed) {
  const ContendedLine& line = placed.line;
  std::string text = fmt::format("\nline {}: {:#x}", number, line.address);
  if (placed.data) text += fmt::format(" ({})", PlaceText(placed.data, line.address));
  Table table({{"offset"}, {"loads"}, {"stores"}, {"tid"}, {"thread", Table::Align::kLeft}, {"code", Table::Align::kLeft}});
  for (size_t i = 0; i < std::min(line.sites.size(), kSitesShown); ++i) {
    const LineSite& site = line.sites[i];
    table.AddRow({fmt::format("{:#x}", site.offset), std::to_string(site.counts.loads), std::to_string(site.counts.stores),
                  std::to_string(site.tid), NameOf(placed, site.tid), PlaceText(placed.code[i], site.code_address)});
  }
  text += "\n" + table.Print(2);
  if (line.sites.size() > kSitesShown) text += fmt::format("  and {} (--json has all)\n", Counted(line.sites.size() - kSitesShown, "site"));
  if (line.sharing.verdict == SharingVerdict::kFalse) {
    text += "  if it is contended, it is false sharing: give each thread's words a line of their own\n";
  }
  return text;
}

void AddCounts(const AccessCounts& counts, Json* json) {
  (*json)["accesses"] = counts.accesses;
  (*json)["loads"] = counts.loads;
  (*json)["stores"] = counts.stores;
  (*json)["locked"] = counts.locked;
}

Json OffsetJson(const LineOffset& offset, const PlacedLine& placed) {
  Json json{{"offset", offset.offset}};
  AddCounts(offset.counts, &json);
  json["tids"] = offset.tids;
  json["writer_tids"] = offset.writer_tids;
  json["sites"] = Json::array();
  for (size_t i = 0; i < placed.line.sites.size(); ++i) {
    const LineSite& site = placed.line.sites[i];
    if (site.offset != offset.offset) continue;
    Json entry{{"tid", site.tid}, {"pid", site.pid}};
    if (site.code_address != 0) entry["code_address"] = site.code_address;
    AddCounts(site.counts, &entry);
    if (placed.code[i]) entry["code"] = PlaceJson(*placed.code[i]);
    json["sites"].push_back(std::move(entry));
  }
  return json;
}

Json LineJson(const PlacedLine& placed) {
  const ContendedLine& line = placed.line;
  Json json{{"address", line.address}};
  AddCounts(line.counts, &json);
  json["share"] = line.share;
  json["verdict_if_contended"] = SharingVerdictName(line.sharing.verdict);
  if (placed.data) json["data"] = PlaceJson(*placed.data);
  json["threads"] = Json::array();
  for (const LineThread& thread : line.threads) {
    Json entry = LineThreadJson(placed, thread);
    AddCounts(thread.counts, &entry);
    json["threads"].push_back(std::move(entry));
  }
  json["cpus"] = line.cpus;
  json["cpus_dropped"] = line.cpus_dropped;
  json["nodes"] = line.nodes;
  json["offsets"] = Json::array();
  for (const LineOffset& offset : line.offsets) json["offsets"].push_back(OffsetJson(offset, placed));
  json["dropped_site_accesses"] = line.dropped_site_accesses;
  json["begin_missing"] = line.begin_missing;
  return json;
}

}  // namespace

std::string SharedLinesText(const ContendedLineTable& table, const std::vector<PlacedLine>& lines) {
  if (lines.empty()) return "";
  std::string text = LineTable(table, lines);
  for (size_t i = 0; i < lines.size(); ++i) text += LineDetail(i + 1, lines[i]);
  return text;
}

Json SharedLinesJson(const std::vector<PlacedLine>& lines) {
  Json json = Json::array();
  for (const PlacedLine& line : lines) json.push_back(LineJson(line));
  return json;
}

}  // namespace hftmon
