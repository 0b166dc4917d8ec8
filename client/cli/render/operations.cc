#include "client/cli/render/operations.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

using Statistics = v1::DurationStatistics;

const Statistics& SpansOf(const v1::OperationSum& operation) {
  return operation.durations();
}

const Statistics& GapsOf(const v1::OperationSum& operation) {
  return operation.heartbeat_gaps();
}

std::string NameText(const v1::OperationSum& operation) {
  return operation.name().empty() ? "(unnamed)" : Printable(operation.name());
}

std::vector<std::string> WhoCells(const v1::MarkedProgram& program, const v1::OperationSum& operation) {
  return {Printable(program.comm()) + (program.ended() ? " (ended)" : ""), BothNumbers(program.pid(), program.namespace_pid()),
          NameText(operation)};
}

std::string PercentileCell(const Statistics& statistics, double percent) {
  for (const v1::Percentile& percentile : statistics.percentiles()) {
    if (percentile.percent() == percent) return FormatDuration(percentile.value_ns());
  }
  return "";
}

// Which columns exist is the union over the operations.
std::map<double, std::string> ColumnsOf(const v1::QueryOperationsResponse& response, const Statistics& (*of)(const v1::OperationSum&)) {
  std::map<double, std::string> columns;
  for (const v1::MarkedProgram& program : response.programs()) {
    for (const v1::OperationSum& operation : program.operations()) {
      for (const v1::Percentile& percentile : of(operation).percentiles()) {
        columns[percentile.percent()] = fmt::format("p{:g}", percentile.percent());
      }
    }
  }
  return columns;
}

std::string SpanTable(const v1::QueryOperationsResponse& response) {
  const std::map<double, std::string> percentiles = ColumnsOf(response, &SpansOf);
  std::vector<Table::Column> columns = {{"program", Table::Align::kLeft},
                                        {"pid"},
                                        {"operation", Table::Align::kLeft},
                                        {"count"},
                                        {"errors"},
                                        {"a second"},
                                        {"mean"},
                                        {"min"}};
  for (const auto& [percent, title] : percentiles) columns.push_back({title});
  columns.push_back({"max"});
  columns.push_back({"instants"});
  Table table(columns);
  for (const v1::MarkedProgram& program : response.programs()) {
    for (const v1::OperationSum& operation : program.operations()) {
      const Statistics& spans = operation.durations();
      if (spans.count() + operation.instant_count() == 0) continue;
      std::vector<std::string> cells = WhoCells(program, operation);
      cells.push_back(std::to_string(spans.count()));
      cells.push_back(std::to_string(operation.error_count()));
      cells.push_back(fmt::format("{:.0f}", operation.rate_hz()));
      cells.push_back(operation.has_mean_ns() ? FormatDuration(operation.mean_ns()) : "");
      cells.push_back(operation.has_min_ns() ? FormatDuration(operation.min_ns()) : "");
      for (const auto& [percent, title] : percentiles) cells.push_back(PercentileCell(spans, percent));
      cells.push_back(spans.has_max_ns() ? FormatDuration(spans.max_ns()) : "");
      cells.push_back(operation.instant_count() > 0 ? std::to_string(operation.instant_count()) : "");
      table.AddRow(cells);
    }
  }
  return table.empty() ? "" : table.Print();
}

std::string GapTable(const v1::QueryOperationsResponse& response) {
  const std::map<double, std::string> percentiles = ColumnsOf(response, &GapsOf);
  std::vector<Table::Column> columns = {{"program", Table::Align::kLeft}, {"pid"}, {"heartbeat", Table::Align::kLeft}, {"gaps"}};
  for (const auto& [percent, title] : percentiles) columns.push_back({title});
  columns.push_back({"longest"});
  Table table(columns);
  for (const v1::MarkedProgram& program : response.programs()) {
    for (const v1::OperationSum& operation : program.operations()) {
      if (!operation.has_heartbeat_gaps()) continue;
      const Statistics& gaps = operation.heartbeat_gaps();
      std::vector<std::string> cells = WhoCells(program, operation);
      cells.push_back(std::to_string(gaps.count()));
      for (const auto& [percent, title] : percentiles) cells.push_back(PercentileCell(gaps, percent));
      cells.push_back(gaps.has_max_ns() ? FormatDuration(gaps.max_ns()) : "");
      table.AddRow(cells);
    }
  }
  return table.empty() ? "" : "\n" + table.Print();
}

// "2 (+3 untold, 4 not compared)".
std::string SpikesCell(const v1::OperationSum& operation) {
  std::string beyond;
  if (operation.untold_spike_count() > 0) beyond = fmt::format("+{} untold", operation.untold_spike_count());
  if (operation.uncompared_count() > 0) {
    beyond += fmt::format("{}{} not compared", beyond.empty() ? "" : ", ", operation.uncompared_count());
  }
  return std::to_string(operation.spike_count()) + (beyond.empty() ? "" : " (" + beyond + ")");
}

// What was slow, and what hit which operation.
std::string SlownessTable(const v1::QueryOperationsResponse& response) {
  Table table({{"program", Table::Align::kLeft},
               {"pid"},
               {"operation", Table::Align::kLeft},
               {"slow above"},
               {"spikes"},
               {"hit by", Table::Align::kLeft},
               {"operations hit"},
               {"stalls"},
               {"sum"},
               {"longest"}});
  for (const v1::MarkedProgram& program : response.programs()) {
    for (const v1::OperationSum& operation : program.operations()) {
      if (SpikesCell(operation) == "0" && operation.hits().empty()) continue;
      const int64_t threshold_ns = operation.has_threshold_ns() ? operation.threshold_ns() : operation.gap_threshold_ns();
      std::vector<std::string> cells = WhoCells(program, operation);
      cells.push_back(threshold_ns > 0 ? FormatDuration(threshold_ns) : "");
      cells.push_back(SpikesCell(operation));
      for (const v1::OperationHit& hit : operation.hits()) {
        for (const std::string& cell : {hit.kind(), std::to_string(hit.span_count()), std::to_string(hit.stall_count()),
                                        FormatDuration(hit.duration_ns()), FormatDuration(hit.longest_ns())}) {
          cells.push_back(cell);
        }
        table.AddRow(cells);
        cells.assign(5, "");
      }
      if (!operation.hits().empty()) continue;
      cells.resize(10);
      table.AddRow(cells);
    }
  }
  return table.empty() ? "" : "\n" + table.Print();
}

Json MarksJson(const v1::MarkCounts& marks) {
  Json json{{"read_count", marks.read_count()},
            {"dropped_count", marks.dropped_count()},
            {"refused", Json::object()},
            {"open_count", marks.open_count()},
            {"begin_lost_count", marks.begin_lost_count()},
            {"begin_replaced_count", marks.begin_replaced_count()},
            {"begin_evicted_count", marks.begin_evicted_count()},
            {"begin_unfinished_count", marks.begin_unfinished_count()},
            {"end_without_begin_count", marks.end_without_begin_count()},
            {"beat_evicted_count", marks.beat_evicted_count()}};
  for (const auto& [fault, count] : marks.refused()) json["refused"][fault] = count;
  return json;
}

Json OperationJson(const v1::MarkedProgram& program, const v1::OperationSum& operation) {
  Json json = DurationStatisticsJson(operation.durations());
  json["pid"] = program.pid();
  json["comm"] = program.comm();
  json["file_number"] = program.file_number();
  json["name"] = operation.name();
  if (operation.has_mean_ns()) json["mean_ns"] = operation.mean_ns();
  if (operation.has_min_ns()) json["min_ns"] = operation.min_ns();
  json["error_count"] = operation.error_count();
  json["rate_hz"] = operation.rate_hz();
  json["instant_count"] = operation.instant_count();
  if (operation.has_threshold_ns()) json["threshold_ns"] = operation.threshold_ns();
  if (operation.has_gap_threshold_ns()) json["gap_threshold_ns"] = operation.gap_threshold_ns();
  json["spike_count"] = operation.spike_count();
  json["untold_spike_count"] = operation.untold_spike_count();
  json["uncompared_count"] = operation.uncompared_count();
  json["hits"] = Json::array();
  for (const v1::OperationHit& hit : operation.hits()) {
    json["hits"].push_back({{"kind", hit.kind()},
                            {"span_count", hit.span_count()},
                            {"stall_count", hit.stall_count()},
                            {"duration_ns", hit.duration_ns()},
                            {"longest_ns", hit.longest_ns()}});
  }
  if (operation.has_heartbeat_gaps()) json["heartbeat_gaps"] = DurationStatisticsJson(operation.heartbeat_gaps());
  return json;
}

Json ProgramJson(const v1::MarkedProgram& program) {
  Json json{{"pid", program.pid()},
            {"comm", program.comm()},
            {"file_number", program.file_number()},
            {"since_ns", program.since_monotonic_ns()},
            {"ended", program.ended()},
            {"marks", MarksJson(program.marks())}};
  if (program.namespace_pid() > 0) json["namespace_pid"] = program.namespace_pid();
  if (!program.ended_reason().empty()) json["ended_reason"] = program.ended_reason();
  return json;
}

}  // namespace

uint64_t RefusedMarks(const v1::MarkCounts& marks) {
  uint64_t refused = 0;
  for (const auto& [fault, count] : marks.refused()) {
    if (fault != "index" && fault != "name") refused += count;
  }
  return refused;
}

std::string OperationsText(const v1::QueryOperationsResponse& response) {
  if (!response.available()) return fmt::format("unavailable: {}\n", Printable(response.reason()));
  std::string text = SpanTable(response) + GapTable(response) + SlownessTable(response);
  if (text.empty() && response.programs_size() > 0) text = "no operation has ended yet, of those that the watched programs mark\n";
  if (text.empty()) text = "no watched program has marked anything (client/marker)\n";
  for (const v1::RefusedMarkerFile& file : response.refused()) {
    text += fmt::format("not read: hftmon.{}.{}: {}\n", file.pid(), file.file_number(), Printable(file.reason()));
  }
  if (response.unlisted_refused_count() > 0) text += fmt::format("not read: {} more\n", Counted(response.unlisted_refused_count(), "file"));
  return text;
}

Json OperationsJson(const v1::QueryOperationsResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["available"] = response.available();
  if (!response.reason().empty()) json["reason"] = response.reason();
  uint64_t lost = 0;
  json["operations"] = Json::array();
  json["programs"] = Json::array();
  for (const v1::MarkedProgram& program : response.programs()) {
    for (const v1::OperationSum& operation : program.operations()) json["operations"].push_back(OperationJson(program, operation));
    json["programs"].push_back(ProgramJson(program));
    lost += program.marks().dropped_count();
    lost += RefusedMarks(program.marks());
  }
  json["lost_records"] = lost;
  json["refused"] = Json::array();
  for (const v1::RefusedMarkerFile& file : response.refused()) {
    json["refused"].push_back({{"pid", file.pid()}, {"file_number", file.file_number()}, {"reason", file.reason()}});
  }
  json["unlisted_refused_count"] = response.unlisted_refused_count();
  json["left_behind_count"] = response.left_behind_count();
  json["forgotten_program_count"] = response.forgotten_program_count();
  return json;
}

}  // namespace hftmon
