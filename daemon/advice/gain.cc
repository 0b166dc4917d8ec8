#include "daemon/advice/gain.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "daemon/advice/fact_schema.h"

namespace hftmon {
namespace {

constexpr double kSecondNs = 1e9;
constexpr double kLimitNs = 9.2e18;  // below INT64_MAX

void AddSumPerSecond(const Fact& group, const JudgeWindow& window, Gain* gain) {
  const std::optional<double> sum_ns = NumberOf(group, FactField::kSumNs);
  const int64_t span_ns = RateSpanNs(group, window);
  if (!sum_ns.has_value() || span_ns <= 0) return;
  const double ns_per_second = std::ceil(*sum_ns * kSecondNs / static_cast<double>(span_ns));
  gain->ns_per_second = ns_per_second >= kLimitNs ? INT64_MAX : static_cast<int64_t>(ns_per_second);
}

void AddShareOfSpikeTime(const Fact& group, const JudgeWindow& window, Gain* gain) {
  const std::optional<double> sum_ns = NumberOf(group, FactField::kSumNs);
  if (!sum_ns.has_value() || window.spike_sum_ns <= 0) return;
  gain->share = std::min(1.0, *sum_ns / static_cast<double>(window.spike_sum_ns));
}

void AddPlacement(const Fact& group, Gain* gain) {
  const std::optional<double> share = NumberOf(group, FactField::kRemoteShareLow);
  const std::optional<double> ratio = NumberOf(group, FactField::kDistanceRatio);
  if (!share.has_value() || !ratio.has_value() || *ratio <= 1) return;
  gain->share = *share * (*ratio - 1);
  gain->estimated = true;
}

}  // namespace

Gain GainOf(GainKind kind, const Fact& group, const JudgeWindow& window) {
  Gain gain;
  const int64_t longest_ns = IntegerOr(group, FactField::kLongestNs, -1);
  if (longest_ns >= 0 && kind != GainKind::kUnknown && kind != GainKind::kPlacement) gain.longest_ns = longest_ns;
  switch (kind) {
    case GainKind::kSumPerSecond:
      AddSumPerSecond(group, window, &gain);
      gain.basis = "what it took in the window";
      break;
    case GainKind::kPartsOfWaits:
      AddSumPerSecond(group, window, &gain);
      gain.estimated = true;
      gain.basis =
          "what it ran in waits that are spikes, of each the longest part and those of 50us or more: no upper bound, shorter waits and "
          "parts "
          "are not in it";
      break;
    case GainKind::kLongest:
      gain.basis = "the longest one of the window";
      break;
    case GainKind::kShareOfSpikeTime:
      AddShareOfSpikeTime(group, window, &gain);
      gain.basis = "of the time of all spikes of the window";
      break;
    case GainKind::kPlacement:
      AddPlacement(group, &gain);
      gain.basis = "of the time of accesses that miss the caches: the remote share times the nodes' ratio less one";
      break;
    case GainKind::kUnknown:
      break;
  }
  if (!gain.ns_per_second.has_value() && !gain.longest_ns.has_value() && !gain.share.has_value()) {
    gain.estimated = false;
    gain.basis = "not measured: the proof's metric tells";
  }
  return gain;
}

}  // namespace hftmon
