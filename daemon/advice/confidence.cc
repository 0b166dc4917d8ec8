#include "daemon/advice/confidence.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/advice/fact_schema.h"

namespace hftmon {
namespace {

constexpr double kLostRecords = 0.5;
constexpr double kInconclusive = 0.5;
constexpr double kTruncated = 0.7;
constexpr double kEstimated = 0.8;
constexpr double kFewEvents = 3;
constexpr double kHigh = 0.75;
constexpr double kMedium = 0.4;

void Lower(Confidence* confidence, double factor, std::string_view reason) {
  confidence->value *= factor;
  confidence->reasons.push_back(fmt::format("x {:.2g}: {}", factor, reason));
}

}  // namespace

Confidence ConfidenceOf(const RuleRow& row, const Fact& group, std::span<const std::string> corroborated_by) {
  const FactQuality& quality = group.quality;
  Confidence confidence{.value = row.confidence, .reasons = {fmt::format("{:.2g}: what the rule is worth by itself", row.confidence)}};
  if (quality.lost_records) Lower(&confidence, kLostRecords, "records were lost, there may be other causes");
  if (quality.inconclusive) Lower(&confidence, kInconclusive, "a spike of it is inconclusive");
  if (quality.truncated) Lower(&confidence, kTruncated, "a bound cut the evidence");
  if (quality.estimated) {
    Lower(&confidence, kEstimated, "it is estimated");
  } else if (quality.sampled) {
    Lower(&confidence, kEstimated, "it is sampled");
  }
  if (row.basis == Basis::kMeasured) {
    const auto events = static_cast<double>(std::max<int64_t>(quality.sampled && quality.samples > 0
                                                                  ? static_cast<int64_t>(std::min<uint64_t>(quality.samples, INT64_MAX))
                                                                  : IntegerOr(group, FactField::kCount, 1),
                                                              1));
    Lower(&confidence, events / (events + kFewEvents), fmt::format("of {:.0f} {}", events, quality.sampled ? "samples" : "events"));
  } else if (!corroborated_by.empty()) {
    confidence.value = 1 - (1 - confidence.value) / 2;
    confidence.reasons.push_back(fmt::format("half of what is missing: it is measured too, by {}", fmt::join(corroborated_by, ", ")));
  }
  return confidence;
}

std::string_view ConfidenceName(double confidence) {
  return confidence >= kHigh ? "high" : confidence >= kMedium ? "medium" : "low";
}

}  // namespace hftmon
