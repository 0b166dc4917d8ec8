#include "common/clock_anchor.h"

#include <algorithm>
#include <cmath>

namespace hftmon {
namespace {

constexpr double kMillion = 1e6;

int64_t RoundUp(double ns) {
  return static_cast<int64_t>(std::ceil(ns));
}

// How far the true rate between two anchors may be from the measured one: each may be late by the delay.
double RateNoise(const ClockAnchor& first, const ClockAnchor& second) {
  return static_cast<double>(kPairDelayNs) / static_cast<double>(second.mono_ns - first.mono_ns);
}

// By the kernel's limit: from the nearest anchor, if there is one.
BeginError Unmeasured(const ClockAnchor* near, int64_t record_offset_ns, int64_t begin_mono_ns, int64_t end_mono_ns) {
  const bool estimated = near == nullptr || std::abs(begin_mono_ns - near->mono_ns) > kAnchorDistanceMaxNs;
  const int64_t span_ns = estimated ? std::max<int64_t>(end_mono_ns - begin_mono_ns, 0) : std::abs(begin_mono_ns - near->mono_ns);
  const int64_t held_ns = estimated ? 0 : std::abs(record_offset_ns - near->offset_ns);
  return {held_ns + kPairDelayNs + RoundUp(static_cast<double>(span_ns) * kSlewLimitPpm / kMillion), estimated};
}

// The beginning lies after the last anchor: the rate before that anchor goes on, and what the record is off from that is counted in full.
BeginError Extrapolated(const ClockAnchor& previous, const ClockAnchor& last, int64_t record_offset_ns, int64_t begin_mono_ns,
                        int64_t end_mono_ns) {
  const std::optional<double> rate = AnchorRate(previous, last);
  const int64_t ahead_ns = end_mono_ns - last.mono_ns;
  if (!rate || ahead_ns > kAnchorDistanceMaxNs) return Unmeasured(&last, record_offset_ns, begin_mono_ns, end_mono_ns);
  const double offset_ns = static_cast<double>(record_offset_ns - last.offset_ns);
  const double drift_ns = *rate * static_cast<double>(begin_mono_ns - last.mono_ns);
  const double deviation_ns = std::abs(offset_ns - *rate * static_cast<double>(ahead_ns));
  const double noise_ns = RateNoise(previous, last) * static_cast<double>(ahead_ns);
  return {RoundUp(std::abs(offset_ns - drift_ns) + deviation_ns + 2 * (noise_ns + static_cast<double>(kPairDelayNs))), false};
}

// The beginning lies between two anchors. The neighbours beyond them tell how much the rate may have changed between them.
BeginError Interpolated(std::span<const ClockAnchor> around, size_t before, int64_t record_offset_ns, int64_t begin_mono_ns,
                        int64_t end_mono_ns) {
  const ClockAnchor& left = around[before];
  const ClockAnchor& right = around[before + 1];
  const std::optional<double> rate = AnchorRate(left, right);
  if (!rate) {
    const bool left_near = begin_mono_ns - left.mono_ns <= right.mono_ns - begin_mono_ns;
    return Unmeasured(left_near ? &left : &right, record_offset_ns, begin_mono_ns, end_mono_ns);
  }
  double low = *rate;
  double high = *rate;
  double noise = RateNoise(left, right);
  const auto widen = [&](const ClockAnchor& first, const ClockAnchor& second) {
    const std::optional<double> beside = AnchorRate(first, second);
    low = beside ? std::min(low, *beside) : -static_cast<double>(kSlewLimitPpm) / kMillion;
    high = beside ? std::max(high, *beside) : static_cast<double>(kSlewLimitPpm) / kMillion;
    if (beside) noise = std::max(noise, RateNoise(first, second));
  };
  if (before > 0) widen(around[before - 1], left);
  if (before + 2 < around.size()) widen(right, around[before + 2]);
  const double width_ns = static_cast<double>(right.mono_ns - left.mono_ns);
  const double estimate_ns = static_cast<double>(left.offset_ns) + *rate * static_cast<double>(begin_mono_ns - left.mono_ns);
  // One change of rate between the two bends the line by f (1 - f) of the change, which both neighbours show whole and one only in part.
  const bool both = before > 0 && before + 2 < around.size();
  const double bend_ns = (high - low + 2 * noise) * (both ? width_ns / 2 : width_ns);
  return {RoundUp(std::abs(static_cast<double>(record_offset_ns) - estimate_ns) + bend_ns + 2 * static_cast<double>(kPairDelayNs)), false};
}

}  // namespace

std::optional<double> AnchorRate(const ClockAnchor& first, const ClockAnchor& second) {
  const int64_t distance_ns = second.mono_ns - first.mono_ns;
  if (distance_ns <= 0 || distance_ns > kAnchorDistanceMaxNs) return std::nullopt;
  return static_cast<double>(second.offset_ns - first.offset_ns) / static_cast<double>(distance_ns);
}

BeginError BeginErrorOf(std::span<const ClockAnchor> around, int before_count, int64_t record_offset_ns, int64_t begin_mono_ns,
                        int64_t end_mono_ns) {
  const size_t before = static_cast<size_t>(before_count);
  const size_t after = around.size() - before;
  if (before > 0 && after > 0) return Interpolated(around, before - 1, record_offset_ns, begin_mono_ns, end_mono_ns);
  if (before > 1) return Extrapolated(around[before - 2], around[before - 1], record_offset_ns, begin_mono_ns, end_mono_ns);
  return Unmeasured(around.empty() ? nullptr : &around.front(), record_offset_ns, begin_mono_ns, end_mono_ns);
}

}  // namespace hftmon
