#include "client/cli/render/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "client/cli/render/both_numbers.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr double kWholeMax = 9e15;  // doubles hold every whole number below 2^53

std::string ValueText(double value, const std::string& unit) {
  if (!std::isfinite(value)) return "";
  if (unit == "ns" && std::abs(value) < kWholeMax) return FormatDuration(std::llround(value));
  if (unit == "ratio") return fmt::format("{:.2f}%", value * 100);
  return fmt::format("{:.6g}", value);
}

// "~" before what is estimated, "?" behind what is doubtful, as in `cache`.
std::string MarkedText(const v1::MetricSample& sample, const std::string& unit) {
  const std::string text = ValueText(sample.value(), unit);
  return text.empty() ? text : (sample.estimated() ? "~" : "") + text + (sample.doubtful() ? "?" : "");
}

std::string UnavailableText(const v1::UnavailableMetrics& entry) {
  constexpr int kNamesMax = 3;
  std::string what = entry.metrics().empty() ? "what threads count" : "";
  for (int i = 0; i < std::min(entry.metrics_size(), kNamesMax); ++i) what += (i == 0 ? "" : ", ") + Printable(entry.metrics(i));
  if (entry.metrics_size() > kNamesMax) what += fmt::format(" and {} more", entry.metrics_size() - kNamesMax);
  if (entry.tid() > 0) what += " of thread " + BothNumbers(entry.tid(), entry.namespace_tid());
  if (entry.pid() > 0) what += " of process " + BothNumbers(entry.pid(), entry.namespace_pid());
  return fmt::format("{}: unavailable: {}\n", what, Printable(entry.reason()));
}

std::string UnavailableText(const v1::WatchMetricsResponse& response) {
  std::string text;
  for (const v1::UnavailableMetrics& entry : response.unavailable()) text += UnavailableText(entry);
  if (response.unavailable_dropped_count() > 0 && !response.unavailable().empty())
    text += fmt::format("and {} more reasons\n", response.unavailable_dropped_count());
  return text;
}

Json UnavailableJson(const v1::UnavailableMetrics& entry) {
  Json row = Json::object();
  if (!entry.metrics().empty()) row["metrics"] = entry.metrics();
  if (entry.pid() > 0) row["pid"] = entry.pid();
  if (entry.tid() > 0) row["tid"] = entry.tid();
  AddInnerNumbers(entry, &row);
  row["reason"] = entry.reason();
  return row;
}

}  // namespace

MetricUnits UnitsOf(const v1::ListMetricsResponse& response) {
  MetricUnits units;
  for (const v1::MetricDescription& metric : response.metrics()) units[metric.name()] = metric.unit();
  return units;
}

std::string MetricsText(const v1::WatchMetricsResponse& response, const MetricUnits& units, const absl::TimeZone& zone) {
  const v1::Window& window = response.window();
  std::string text = fmt::format("{}  window {}", absl::FormatTime("%H:%M:%E3S", absl::FromUnixNanos(response.time().realtime_ns()), zone),
                                 FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()));
  if (response.dropped() > 0) text += "  " + Counted(response.dropped(), "snapshot") + " missed";
  if (response.lost_records() > 0) text += "  " + Counted(response.lost_records(), "record") + " lost";
  if (response.unslotted_thread_count() > 0) text += "  " + Counted(response.unslotted_thread_count(), "thread") + " not watched";
  if (response.lost_counter_span_count() > 0) text += "  " + Counted(response.lost_counter_span_count(), "span") + " of counters lost";
  if (response.counter_set_changed()) text += "  other events were counted before";
  if (window.off_ns() > 0) text += "  off for " + FormatDuration(window.off_ns());
  text += "\n";
  Table table({{"pid"}, {"tid"}, {"metric", Table::Align::kLeft}, {"value"}});
  for (const v1::MetricSample& sample : response.samples()) {
    const auto found = units.find(sample.metric());
    const std::string unit = found == units.end() ? "" : found->second;
    table.AddRow({BothNumbers(sample.pid(), sample.namespace_pid()),
                  sample.tid() > 0 ? BothNumbers(sample.tid(), sample.namespace_tid()) : "", sample.metric(), MarkedText(sample, unit)});
  }
  text += UnavailableText(response);
  return text + (table.empty() ? "no samples: no target is attached, or none of them has a value of what was asked for in this window\n"
                               : table.Print());
}

Json MetricsJson(const v1::WatchMetricsResponse& response) {
  Json json = NewWindowAnswer(response);
  json["dropped"] = response.dropped();
  json["lost_counter_span_count"] = response.lost_counter_span_count();
  json["counter_set_changed"] = response.counter_set_changed();
  json["unavailable"] = Json::array();
  for (const v1::UnavailableMetrics& entry : response.unavailable()) json["unavailable"].push_back(UnavailableJson(entry));
  if (response.unavailable_dropped_count() > 0) json["unavailable_dropped_count"] = response.unavailable_dropped_count();
  json["samples"] = Json::array();
  for (const v1::MetricSample& sample : response.samples()) {
    Json row{{"metric", sample.metric()}, {"pid", sample.pid()}};
    if (sample.tid() > 0) row["tid"] = sample.tid();
    AddInnerNumbers(sample, &row);
    const double value = sample.value();
    // Whole numbers without ".0": counts and nanoseconds look like what they are.
    if (std::isfinite(value) && value == std::floor(value) && std::abs(value) < kWholeMax) {
      row["value"] = static_cast<int64_t>(value);
    } else if (std::isfinite(value)) {
      row["value"] = value;
    }
    if (sample.estimated()) row["estimated"] = true;
    if (sample.doubtful()) row["doubtful"] = true;
    json["samples"].push_back(std::move(row));
  }
  return json;
}

std::string MetricListText(const v1::ListMetricsResponse& response) {
  Table table(
      {{"metric", Table::Align::kLeft}, {"unit", Table::Align::kLeft}, {"kind", Table::Align::kLeft}, {"help", Table::Align::kLeft}});
  for (const v1::MetricDescription& metric : response.metrics()) table.AddRow({metric.name(), metric.unit(), metric.kind(), metric.help()});
  return table.Print();
}

Json MetricListJson(const v1::ListMetricsResponse& response) {
  Json json = NewAnswer();
  json["metrics"] = Json::array();
  for (const v1::MetricDescription& metric : response.metrics()) {
    json["metrics"].push_back(
        {{"name", metric.name()}, {"unit", metric.unit()}, {"kind", metric.kind()}, {"help", metric.help()}, {"source", metric.source()}});
  }
  return json;
}

}  // namespace hftmon
