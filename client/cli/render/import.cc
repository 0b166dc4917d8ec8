#include "client/cli/render/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "client/cli/import/import_trace.h"
#include "client/cli/import/import_warnings.h"
#include "client/cli/render/contended_lines.h"
#include "client/cli/render/memory_loads.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr size_t kStatsShown = 40;

std::string HostText(const std::string& file, const PerfDataSummary& summary) {
  const PerfHost& host = summary.host;
  std::string text = Printable(file) + ": perf.data";
  if (!host.perf_version.empty()) text += " of perf " + Printable(host.perf_version);
  if (!host.release.empty()) text += " on Linux " + Printable(host.release);
  if (!host.cpu.empty()) text += ", " + Printable(host.cpu);
  if (host.cpus_online && host.cpus_available) text += fmt::format(", {} of {} CPUs online", *host.cpus_online, *host.cpus_available);
  if (!host.nodes.empty()) text += ", " + Counted(host.nodes.size(), "node");
  return text + "\n";
}

std::string EventTable(const PerfDataSummary& summary) {
  Table table({{"event", Table::Align::kLeft}, {"samples"}, {"lost"}, {"dropped"}, {"throttled"}});
  for (const PerfEvent& event : summary.events) {
    table.AddRow({Printable(event.name), std::to_string(event.sample_count), std::to_string(event.lost_count),
                  std::to_string(event.lost_sample_count), std::to_string(event.throttle_count)});
  }
  return table.empty() ? "no event\n" : table.Print();
}

bool HasSamples(const PerfDataSummary& summary) {
  return std::any_of(summary.events.begin(), summary.events.end(), [](const PerfEvent& event) { return event.sample_count > 0; });
}

// Parts with the same reason in one line; `what` stands before their names.
std::string UnavailableText(const std::string& what, const std::vector<UnavailablePart>& parts) {
  std::vector<std::pair<std::string, std::string>> names_of_reason;
  for (const UnavailablePart& part : parts) {
    const auto known =
        std::find_if(names_of_reason.begin(), names_of_reason.end(), [&](const auto& one) { return one.first == part.reason; });
    if (known == names_of_reason.end()) {
      names_of_reason.emplace_back(part.reason, Printable(part.name));
    } else {
      known->second += ", " + Printable(part.name);
    }
  }
  std::string text = names_of_reason.empty() ? "" : "\n";
  for (const auto& [reason, names] : names_of_reason) text += fmt::format("{}{}: unavailable: {}\n", what, names, reason);
  return text;
}

// "1234567", "12.34 msec".
std::string ValueText(const PerfEvent& event, double value) {
  if (event.unit.empty() && event.scale == 1) return fmt::format("{:.0f}", value);
  return fmt::format("{:.2f}{}{}", value, event.unit.empty() ? "" : " ", Printable(event.unit));
}

std::string RemarkOn(const ImportedStat& stat) {
  if (!stat.reason.empty()) return stat.reason;
  return stat.multiplexed ? "scaled to " + FormatDuration(static_cast<int64_t>(stat.enabled_ns)) : " ";
}

std::string StatText(const ImportReport& report) {
  if (report.stats.empty()) return "";
  const bool threads = std::any_of(report.stats.begin(), report.stats.end(), [](const ImportedStat& stat) { return stat.thread > 0; });
  std::vector<Table::Column> columns = {{"count of", Table::Align::kLeft}, {"CPU"}, {"value"}, {"counted for"}, {"", Table::Align::kLeft}};
  if (threads) columns.insert(columns.begin() + 1, {"thread"});
  Table table(columns);
  size_t shown = 0;
  for (const ImportedStat& stat : report.stats) {
    if (++shown > kStatsShown) break;
    const PerfEvent& event = report.summary.events[stat.event];
    std::vector<std::string> cells = {Printable(event.name), stat.cpu < 0 ? "all" : std::to_string(stat.cpu),
                                      stat.value ? ValueText(event, *stat.value) : "",
                                      FormatDuration(static_cast<int64_t>(stat.running_ns)), RemarkOn(stat)};
    if (threads) cells.insert(cells.begin() + 1, std::to_string(stat.thread));
    table.AddRow(cells);
  }
  std::string text = "\n" + table.Print();
  if (report.stats.size() > kStatsShown)
    text += fmt::format("and {} (--json has all)\n", Counted(report.stats.size() - kStatsShown, "count"));
  return text;
}

Json HostJson(const PerfHost& host) {
  Json json = Json::object();
  const auto add = [&json](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  add("hostname", host.hostname);
  add("kernel", host.release);
  add("perf_version", host.perf_version);
  add("arch", host.arch);
  add("cpu", host.cpu);
  if (host.cpus_online) json["cpus_online"] = *host.cpus_online;
  if (host.cpus_available) json["cpus_available"] = *host.cpus_available;
  if (!host.nodes.empty()) json["nodes"] = host.nodes.size();
  if (!host.command.empty()) json["command"] = host.command;
  return json;
}

Json StatJson(const PerfEvent& event, const ImportedStat& stat) {
  Json json{{"event", event.name}};
  if (stat.cpu >= 0) json["cpu"] = stat.cpu;
  json["thread"] = stat.thread;
  if (stat.value) json["value"] = *stat.value;
  if (stat.running_ns > 0) json["raw_value"] = stat.raw_value;
  if (!event.unit.empty()) json["unit"] = event.unit;
  json["multiplexed"] = stat.multiplexed;
  json["enabled_ns"] = stat.enabled_ns;
  json["running_ns"] = stat.running_ns;
  if (!stat.reason.empty()) json["reason"] = stat.reason;
  return json;
}

std::string TraceText(const ImportedTrace& trace) {
  std::string text = fmt::format("\nArm SPE: {} of {} bytes: {}, {} of no memory; ", Counted(trace.counts.read.records, "operation"),
                                 trace.bytes, Counted(trace.accesses, "load or store", "loads and stores"), trace.other_operations);
  text += trace.interval ? fmt::format("each stands for {} operations", *trace.interval) : "how many each stands for is not told";
  return text + ". A line from a peer core may have been clean: HITM are those alone that the CPU tells as snooped and modified\n";
}

Json TraceJson(const ImportedTrace& trace) {
  const SpeTraceCounts& counts = trace.counts;
  Json json = {{"kind", "arm_spe"},
               {"bytes", trace.bytes},
               {"records", counts.read.records},
               {"accesses", trace.accesses},
               {"other_operations", trace.other_operations},
               {"truncated", counts.truncated},
               {"collided", counts.collided},
               {"partial", counts.partial},
               {"overwritten", counts.overwritten},
               {"malformed", counts.read.malformed},
               {"skipped_bytes", counts.read.skipped_bytes},
               {"cut_records", counts.read.cut_records},
               {"unread_sources", counts.unread_sources},
               {"saturated_latencies", counts.saturated_latencies},
               {"without_own_time", trace.without_own_time}};
  if (trace.interval) json["interval"] = *trace.interval;
  return json;
}

}  // namespace

std::string ImportText(const std::string& file, const ImportReport& report) {
  std::string text = HostText(file, report.summary);
  if (report.stats.empty() || HasSamples(report.summary)) text += EventTable(report.summary);
  text += StatText(report);
  if (report.trace) text += TraceText(*report.trace);
  if (report.accesses.loads) text += "\n" + MemoryLoadsText(LoadTableOf(*report.accesses.loads));
  if (report.accesses.table) {
    text += report.accesses.lines.empty() ? "\nno contended cache line\n"
                                          : "\n" + ContendedLinesText(*report.accesses.table, report.accesses.lines);
  }
  text += UnavailableText("symbols of ", report.symbols_unavailable);
  if (report.symbols_unavailable_left_out > 0) {
    text += fmt::format("and of {}\n", Counted(report.symbols_unavailable_left_out, "mapping more", "mappings more"));
  }
  return text + UnavailableText("", report.unavailable);
}

Json ImportJson(const std::string& file, const ImportReport& report) {
  Json json = NewAnswer();
  json["imported"] = true;
  json["file"] = file;
  json["host"] = HostJson(report.summary.host);
  json["events"] = Json::array();
  for (const PerfEvent& event : report.summary.events) {
    json["events"].push_back({{"name", event.name},
                              {"samples", event.sample_count},
                              {"lost", event.lost_count},
                              {"lost_samples", event.lost_sample_count},
                              {"throttled", event.throttle_count}});
  }
  json["lost_of_no_event"] = report.lost_of_no_event;
  json["lost_samples_of_no_event"] = report.lost_samples_of_no_event;
  json["unmatched_samples"] = report.summary.unmatched_samples;
  if (report.trace) json["hardware_trace"] = TraceJson(*report.trace);
  if (report.accesses.loads) json["memory_loads"] = MemoryLoadsJson(LoadTableOf(*report.accesses.loads));
  if (report.accesses.table) {
    const ContendedLineTable& table = *report.accesses.table;
    json["contended_line_order"] = LineOrderName(table.order);
    json["line_bytes"] = table.line_bytes;
    json["accesses"] = {{"total", table.total.accesses},
                        {"contended_lines", table.contended.accesses},
                        {"other_lines", table.uncontended.accesses},
                        {"dropped", table.dropped.accesses},
                        {"no_address", table.no_address},
                        {"no_thread", report.accesses.gaps.threadless_count},
                        {"guest", report.accesses.gaps.guest_count}};
    json["contended_line_count"] = report.accesses.table->contended_lines;
    json["contended_lines"] = ContendedLinesJson(report.accesses.lines);
  }
  json["stat"] = Json::array();
  for (const ImportedStat& stat : report.stats) json["stat"].push_back(StatJson(report.summary.events[stat.event], stat));
  json["unavailable"] = Json::array();
  for (const UnavailablePart& part : report.unavailable) json["unavailable"].push_back({{"name", part.name}, {"reason", part.reason}});
  json["symbols_unavailable"] = Json::array();
  for (const UnavailablePart& part : report.symbols_unavailable) {
    json["symbols_unavailable"].push_back({{"mapping", part.name}, {"reason", part.reason}});
  }
  json["symbols_unavailable_left_out"] = report.symbols_unavailable_left_out;
  json["warnings"] = WarningsOf(report);
  return json;
}

}  // namespace hftmon
