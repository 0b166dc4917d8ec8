// What all JSON answers share. Keys are snake_case with the unit last; numbers are numbers; a value that was not measured is absent.
#ifndef HFTMON_CLIENT_CLI_RENDER_JSON_H_
#define HFTMON_CLIENT_CLI_RENDER_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

#include "hftmon/v1/common.pb.h"
#include "hftmon/v1/switches.pb.h"

namespace hftmon {

using Json = nlohmann::ordered_json;

// Changes when a key changes its meaning or goes; not when one is added.
inline constexpr int kJsonSchemaVersion = 1;

// {schema_version}, to which an answer is added.
Json NewAnswer();
// Of what the store had of a window: {schema_version window_ns window time lost_records unslotted_thread_count}.
template <typename Response>
Json NewWindowAnswer(const Response& response);
// Of what the history of spikes had of a window: {schema_version time window lost_records unslotted_thread_count incomplete}.
template <typename Response>
Json NewHistoryAnswer(const Response& response);
// {monotonic_ns, realtime_ns, error_ns, tai_offset_ns?, epoch?}.
Json TimeJson(const v1::TimePair& time);
// {begin_ns, end_ns, requested_ns?, resolution_ns, truncated, late}: the true edges, CLOCK_MONOTONIC.
Json WindowJson(const v1::Window& window);
// {count, sum_ns, p50_ns …, max_ns, max_estimated}: percentiles that the daemon left out, and the maximum of nothing, are absent.
Json DurationStatisticsJson(const v1::DurationStatistics& statistics);
// {count, mean? p50? p99? max?}, of threads.
Json DepthJson(const v1::DepthStatistics& depth);
// "p50_ns", "p99_9_ns".
std::string PercentileKey(double percent);
// One line with its end. Bytes that are not UTF-8 are replaced.
std::string JsonLine(const Json& json);

template <typename Response>
Json NewWindowAnswer(const Response& response) {
  Json json = NewAnswer();
  json["window_ns"] = response.window().end_monotonic_ns() - response.window().begin_monotonic_ns();
  json["window"] = WindowJson(response.window());
  json["time"] = TimeJson(response.time());
  json["lost_records"] = response.lost_records();
  json["unslotted_thread_count"] = response.unslotted_thread_count();
  return json;
}

template <typename Response>
Json NewHistoryAnswer(const Response& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["window"] = WindowJson(response.window());
  json["lost_records"] = response.lost_records();
  json["unslotted_thread_count"] = response.unslotted_thread_count();
  json["incomplete"] = response.incomplete();
  return json;
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_JSON_H_
