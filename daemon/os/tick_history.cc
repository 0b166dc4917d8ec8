#include "daemon/os/tick_history.h"

#include <algorithm>
#include <cstdlib>

#include "common/clock_anchor.h"

namespace hftmon {
namespace {

// What the line may be off so far from its anchor.
int64_t DriftNs(int64_t distance_ns) {
  return std::abs(distance_ns) / 1'000'000 * kSlewLimitPpm + std::abs(distance_ns) % 1'000'000 * kSlewLimitPpm / 1'000'000;
}

}  // namespace

void TickHistory::Note(const LinearConversion& line, uint32_t step_epoch) {
  if (line.multiplier == 0) return;
  const std::lock_guard lock(mutex_);
  if (!entries_.empty() && entries_.back().line.anchor_ticks == line.anchor_ticks && entries_.back().step_epoch == step_epoch) return;
  entries_.push_back({line, step_epoch});
  if (entries_.size() > kKept) entries_.pop_front();
}

std::vector<PlacedTime> TickHistory::Place(std::span<const uint64_t> ticks) const {
  std::vector<PlacedTime> placed;
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return placed;
  placed.reserve(ticks.size());
  for (const uint64_t reading : ticks) placed.push_back(PlaceOne(reading));
  return placed;
}

PlacedTime TickHistory::PlaceOne(uint64_t ticks) const {
  const auto after = std::upper_bound(entries_.begin(), entries_.end(), ticks,
                                      [](uint64_t reading, const Entry& entry) { return reading < entry.line.anchor_ticks; });
  const LinearConversion& line = after == entries_.begin() ? entries_.front().line : (after - 1)->line;
  const int64_t mono_ns = line.ToNs(ticks);
  if (after == entries_.begin()) return {.mono_ns = mono_ns, .error_ns = line.error_ns + DriftNs(mono_ns - line.anchor_ns)};
  if (after == entries_.end()) {
    const int64_t distance_ns = mono_ns - line.anchor_ns;
    return {.mono_ns = mono_ns, .error_ns = line.error_ns + (distance_ns <= kCurrentNs ? 0 : DriftNs(distance_ns))};
  }
  const LinearConversion& next = after->line;
  const int64_t worse_ns = std::max(line.error_ns, next.error_ns);
  if ((after - 1)->step_epoch != after->step_epoch) {
    // On which side of the step it was read is not known.
    return {.mono_ns = mono_ns, .error_ns = worse_ns + std::abs(mono_ns - next.ToNs(ticks))};
  }
  const auto between = LinearConversion::Through(line.anchor_ticks, line.anchor_ns, next.anchor_ticks, next.anchor_ns);
  return {.mono_ns = between.ok() ? between->ToNs(ticks) : mono_ns, .error_ns = worse_ns};
}

}  // namespace hftmon
