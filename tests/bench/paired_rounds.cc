#include "tests/bench/paired_rounds.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace hftmon::testing {
namespace {

constexpr double kShare = 0.2;

}  // namespace

double Quantile(std::vector<double> values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

Estimate MedianOf(const std::vector<double>& values) {
  if (values.empty()) return {};
  const double reach = 0.98 / std::sqrt(static_cast<double>(values.size()));
  return {.ns = Quantile(values, 0.5),
          .low_ns = Quantile(values, std::max(0.5 - reach, 0.0)),
          .high_ns = Quantile(values, std::min(0.5 + reach, 1.0))};
}

Estimate Above(const Way& way, const Way& floor) {
  std::vector<double> differences_ns;
  for (const auto& [round, games_ns] : way.games_ns) {
    const auto found = floor.games_ns.find(round);
    if (found != floor.games_ns.end()) differences_ns.push_back(Quantile(games_ns, kShare) - Quantile(found->second, kShare));
  }
  return MedianOf(differences_ns);
}

Estimate Sum(const Estimate& one, const Estimate& other) {
  return {.ns = one.ns + other.ns, .low_ns = one.low_ns + other.low_ns, .high_ns = one.high_ns + other.high_ns};
}

Estimate Whole(const Way& way) {
  std::vector<double> values_ns;
  for (const auto& [round, games_ns] : way.games_ns) values_ns.push_back(Quantile(games_ns, kShare));
  return MedianOf(values_ns);
}

nlohmann::json RowOf(const std::string& name, const Way& way, const Way& base, const std::string& event) {
  if (!way.measured()) return {{"way", name}, {"unavailable", way.why_not}};
  const bool is_base = &way == &base;
  const Estimate estimate = is_base ? Whole(way) : Above(way, base);
  return {{"way", name},
          {is_base ? event + "_ns" : "added_ns", estimate.ns},
          {"low_ns", estimate.low_ns},
          {"high_ns", estimate.high_ns},
          {"rounds", way.games_ns.size()}};
}

void PrintRangeNote(const nlohmann::json& rows) {
  std::string names;
  for (const nlohmann::json& row : rows) {
    if (row.value("rounds", kRoundsForConfidence) >= kRoundsForConfidence) continue;
    names += (names.empty() ? "" : "; ") + row["way"].get<std::string>();
  }
  if (!names.empty()) std::printf("  range instead of 95 %%, fewer than %d rounds: %s\n", kRoundsForConfidence, names.c_str());
}

}  // namespace hftmon::testing
