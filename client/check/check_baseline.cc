#include "client/check/check_baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "client/check/check_json.h"
#include "client/check/rank_sum_test.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr size_t kValuesMax = kRankSumValuesMax / 2;

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

absl::Status NoBaseline(const std::string& cause) {
  return absl::InvalidArgumentError(cause + ": write one with `hftmon check --format json --output FILE`");
}

std::string ValueText(const std::string& key, double value) {
  const bool per_second = key.ends_with("_count");
  if (per_second) return fmt::format("{:.3g} a second", value);
  return key.ends_with("_ns") ? FormatDuration(static_cast<int64_t>(std::llround(value))) : fmt::format("{:.3g}", value);
}

}  // namespace

absl::StatusOr<CheckSeries> ReadBaseline(const std::string& text) {
  const nlohmann::json report = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!report.is_object() || !report.contains("schema_version")) return NoBaseline("it is no report of a check");
  if (report["schema_version"] != kCheckSchemaVersion) {
    return NoBaseline(fmt::format("its schema_version is {}, this program's {}", report["schema_version"].dump(), kCheckSchemaVersion));
  }
  const auto segments = report.find("segments");
  if (segments == report.end() || !segments->is_object() || !segments->contains("series") || !(*segments)["series"].is_object()) {
    return NoBaseline("it has no segments (a run of less than 1s, or one that was interrupted, has none)");
  }
  CheckSeries series;
  series.segment_ns = segments->value("segment_ns", int64_t{0});
  for (const auto& [key, values] : (*segments)["series"].items()) {
    if (!values.is_array() || values.size() > kValuesMax)
      return NoBaseline(fmt::format("the series {} is no list of at most {} values", key, kValuesMax));
    for (const nlohmann::json& value : values) {
      if (!value.is_number()) return NoBaseline(fmt::format("a value of the series {} is no number", key));
      series.values[key].push_back(value.get<double>());
    }
  }
  return series;
}

std::vector<CheckComparison> Compare(const CheckSeries& before, const CheckSeries& now) {
  std::vector<CheckComparison> comparisons;
  for (const auto& [key, values] : now.values) {
    const auto found = before.values.find(key);
    if (found == before.values.end()) continue;
    CheckComparison comparison{
        .key = key, .before = Median(found->second), .now = Median(values), .chance = 1, .regressed = false, .too_few = false};
    comparison.too_few = std::min(values.size(), found->second.size()) < kSegmentsMin;
    if (!comparison.too_few) comparison.chance = ChanceThatLarger(found->second, values);
    comparison.regressed = comparison.chance < kRegressionChance && comparison.now > comparison.before * (1 + kRegressionMargin);
    comparisons.push_back(std::move(comparison));
  }
  return comparisons;
}

std::string ComparisonText(const CheckComparison& comparison) {
  return fmt::format("{} -> {} (p = {:.2g})", ValueText(comparison.key, comparison.before), ValueText(comparison.key, comparison.now),
                     comparison.chance);
}

}  // namespace hftmon
