// What all JSON answers share. Keys are snake_case with the unit last; numbers are numbers; a value that was not measured is absent.
#ifndef HFTMON_CLIENT_CLI_RENDER_JSON_H_
#define HFTMON_CLIENT_CLI_RENDER_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

#include "hftmon/v1/common.pb.h"

namespace hftmon {

using Json = nlohmann::ordered_json;

// Changes when a key changes its meaning or goes; not when one is added.
inline constexpr int kJsonSchemaVersion = 1;

// {schema_version}, to which an answer is added.
Json NewAnswer();
// {monotonic_ns, realtime_ns, error_ns, tai_offset_ns?, epoch?}.
Json TimeJson(const v1::TimePair& time);
// {begin_ns, end_ns, requested_ns?, resolution_ns, truncated, late}: the true edges, CLOCK_MONOTONIC.
Json WindowJson(const v1::Window& window);
// {count, sum_ns, p50_ns …, max_ns, max_estimated}: percentiles that the daemon left out, and the maximum of nothing, are absent.
Json DurationStatisticsJson(const v1::DurationStatistics& statistics);
// "p50_ns", "p99_9_ns".
std::string PercentileKey(double percent);
// One line with its end. Bytes that are not UTF-8 are replaced.
std::string JsonLine(const Json& json);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_JSON_H_
