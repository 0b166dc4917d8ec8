#include "client/cli/render/json.h"

#include <fmt/format.h>

#include <algorithm>

namespace hftmon {

Json NewAnswer() {
  return Json{{"schema_version", kJsonSchemaVersion}};
}

Json TimeJson(const v1::TimePair& time) {
  Json json{{"monotonic_ns", time.monotonic_ns()}, {"realtime_ns", time.realtime_ns()}, {"error_ns", time.error_ns()}};
  if (time.has_tai_offset_ns()) json["tai_offset_ns"] = time.tai_offset_ns();
  if (time.epoch() > 0) json["epoch"] = time.epoch();
  return json;
}

Json WindowJson(const v1::Window& window) {
  Json json{{"begin_ns", window.begin_monotonic_ns()}, {"end_ns", window.end_monotonic_ns()}};
  if (window.requested_ns() > 0) json["requested_ns"] = window.requested_ns();
  json["resolution_ns"] = window.resolution_ns();
  json["truncated"] = window.truncated();
  json["late"] = window.late();
  if (window.off_ns() > 0) json["off_ns"] = window.off_ns();
  return json;
}

Json DurationStatisticsJson(const v1::DurationStatistics& statistics) {
  Json json{{"count", statistics.count()}, {"sum_ns", statistics.sum_ns()}};
  for (const v1::Percentile& percentile : statistics.percentiles()) json[PercentileKey(percentile.percent())] = percentile.value_ns();
  Json exact = Json::array();
  for (const v1::Percentile& percentile : statistics.percentiles()) {
    if (percentile.exact()) exact.push_back(PercentileKey(percentile.percent()));
  }
  if (!exact.empty()) json["exact"] = exact;
  if (statistics.unbinned_count() > 0) json["unbinned_count"] = statistics.unbinned_count();
  if (statistics.has_max_ns()) {
    json["max_ns"] = statistics.max_ns();
    if (statistics.max_estimated()) json["max_estimated"] = true;
  }
  return json;
}

Json DepthJson(const v1::DepthStatistics& depth) {
  Json json{{"count", depth.count()}};
  if (depth.count() > 0) json["mean"] = depth.mean();
  if (depth.has_p50()) json["p50"] = depth.p50();
  if (depth.has_p99()) json["p99"] = depth.p99();
  if (depth.has_max()) json["max"] = depth.max();
  return json;
}

std::string PercentileKey(double percent) {
  std::string number = fmt::format("{:g}", percent);
  if (number.find('e') != std::string::npos) number = fmt::format("{:f}", percent);
  std::replace(number.begin(), number.end(), '.', '_');
  return "p" + number + "_ns";
}

std::string JsonLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hftmon
