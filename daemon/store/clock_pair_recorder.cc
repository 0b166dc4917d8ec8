#include "daemon/store/clock_pair_recorder.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace hftmon {
namespace {

constexpr double kMillion = 1e6;

// The number of the first anchor after `mono_ns`. What was overwritten meanwhile is old, so it lies before.
uint64_t FirstAfter(const SeqRing<ClockAnchor>& anchors, int64_t mono_ns) {
  uint64_t low = anchors.begin();
  uint64_t high = anchors.end();
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    ClockAnchor anchor;
    if (anchors.Read(middle, &anchor) == SeqRead::kOk && anchor.mono_ns > mono_ns) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

ClockPairRecorder::ClockPairRecorder(uint32_t cpu_count) {
  const uint64_t capacity = std::clamp(kAnchorsTotal / std::max<uint64_t>(cpu_count, 1), kAnchorsPerCpuMin, kAnchorsPerCpuMax);
  for (uint32_t cpu = 0; cpu < cpu_count; ++cpu) cpus_.emplace_back(capacity);
}

void ClockPairRecorder::OnInterval(const OffCpuInterval& interval) {
  if (interval.end_clock_ns == 0 || interval.cpu >= cpus_.size()) return;
  Cpu& cpu = cpus_[interval.cpu];
  cpu.pair_count.store(cpu.pair_count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const int64_t mono_ns = interval.end_mono_ns;
  if (mono_ns - cpu.piece_begin_mono_ns >= kAnchorPieceNs) {
    if (cpu.best.mono_ns != 0) {
      cpu.anchors.Append(cpu.best);
      cpu.last_anchor_mono_ns = cpu.best.mono_ns;
      cpu.best.mono_ns = 0;
    }
    cpu.piece_begin_mono_ns = mono_ns;
  }
  if (mono_ns - cpu.last_anchor_mono_ns < kAnchorSpacingNs) return;
  const int64_t offset_ns = mono_ns - interval.end_clock_ns;
  if (cpu.best.mono_ns == 0 || offset_ns < cpu.best.offset_ns) cpu.best = {mono_ns, offset_ns};
}

BeginError ClockPairRecorder::ErrorOfBegin(uint16_t cpu, int64_t record_clock_ns, int64_t record_mono_ns, int64_t duration_ns) const {
  const int64_t begin_mono_ns = record_mono_ns - duration_ns;
  std::array<ClockAnchor, 4> around;
  size_t count = 0;
  int before_count = 0;
  if (cpu < cpus_.size()) {
    const SeqRing<ClockAnchor>& anchors = cpus_[cpu].anchors;
    const uint64_t after = FirstAfter(anchors, begin_mono_ns);
    const uint64_t oldest = anchors.begin();
    for (uint64_t n = std::max(after, oldest + 2) - 2; n < after + 2; ++n) {
      if (anchors.Read(n, &around[count]) != SeqRead::kOk) continue;
      if (n < after) ++before_count;
      ++count;
    }
  }
  return BeginErrorOf({around.data(), count}, before_count, record_mono_ns - record_clock_ns, begin_mono_ns, record_mono_ns);
}

RunQueueClock ClockPairRecorder::Latest(const Cpu& cpu, uint16_t number, int64_t now_mono_ns) {
  RunQueueClock clock{.cpu = number, .pair_count = cpu.pair_count.load(std::memory_order_relaxed)};
  const uint64_t end = cpu.anchors.end();
  ClockAnchor last;
  if (end == 0 || cpu.anchors.Read(end - 1, &last) != SeqRead::kOk) return {};
  clock.offset_ns = last.offset_ns;
  double drift_ppm = kSlewLimitPpm;
  ClockAnchor previous;
  if (end > 1 && cpu.anchors.Read(end - 2, &previous) == SeqRead::kOk) {
    if (const std::optional<double> rate = AnchorRate(previous, last); rate) {
      clock.rate_ppm = *rate * kMillion;
      drift_ppm = std::abs(*clock.rate_ppm) + kMillion * kPairDelayNs / static_cast<double>(last.mono_ns - previous.mono_ns);
    }
  }
  // Beyond the distance of two anchors the rate may have become any that the kernel allows.
  const int64_t age_ns = std::max<int64_t>(now_mono_ns - last.mono_ns, 0);
  if (age_ns > kAnchorDistanceMaxNs) drift_ppm = kSlewLimitPpm;
  clock.error_ns = kPairDelayNs + static_cast<int64_t>(std::ceil(static_cast<double>(age_ns) * drift_ppm / kMillion));
  return clock;
}

std::vector<RunQueueClock> ClockPairRecorder::Clocks(int64_t now_mono_ns) const {
  std::vector<RunQueueClock> clocks;
  for (size_t i = 0; i < cpus_.size(); ++i) {
    const RunQueueClock clock = Latest(cpus_[i], static_cast<uint16_t>(i), now_mono_ns);
    if (clock.pair_count > 0) clocks.push_back(clock);
  }
  return clocks;
}

}  // namespace hftmon
