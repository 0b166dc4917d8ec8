#include "daemon/analysis/hardware_evidence.h"

#include <algorithm>
#include <map>
#include <utility>

namespace hftmon {
namespace {

bool Knows(const hft_hardware_reading& reading, uint32_t bit) {
  return (reading.known & bit) != 0;
}

int64_t TimeOf(const hft_hardware_reading& reading) {
  return static_cast<int64_t>(reading.mono_ns);
}

int64_t BeginOf(const hft_hardware_reading& reading) {
  return static_cast<int64_t>(reading.begin_ns);
}

}  // namespace

std::optional<uint64_t> CounterRise(const hft_hardware_reading& from, const hft_hardware_reading& to, hft_hardware_counter counter) {
  const uint32_t bit = 1u << counter;
  if (!Knows(from, bit) || !Knows(to, bit) || to.values[counter] < from.values[counter]) return std::nullopt;
  constexpr uint32_t kTsc = 1u << HFT_COUNTER_TSC;
  const bool both_tsc = Knows(from, kTsc) && Knows(to, kTsc);
  if (both_tsc && to.values[HFT_COUNTER_TSC] < from.values[HFT_COUNTER_TSC]) return std::nullopt;
  return to.values[counter] - from.values[counter];
}

std::optional<int64_t> StealRise(const hft_hardware_reading& from, const hft_hardware_reading& to) {
  if (!Knows(from, HFT_STEAL_KNOWN) || !Knows(to, HFT_STEAL_KNOWN) || to.steal_ns < from.steal_ns) return std::nullopt;
  return static_cast<int64_t>(to.steal_ns - from.steal_ns);
}

std::optional<double> FrequencyRatio(const hft_hardware_reading& from, const hft_hardware_reading& to) {
  const std::optional<uint64_t> had = CounterRise(from, to, HFT_COUNTER_APERF);
  const std::optional<uint64_t> base = CounterRise(from, to, HFT_COUNTER_MPERF);
  if (!had || !base || *base == 0) return std::nullopt;
  return static_cast<double>(*had) / static_cast<double>(*base);
}

std::optional<double> LowestFrequencyRatio(std::span<const hft_hardware_reading> oldest_first) {
  std::optional<double> lowest;
  for (size_t i = 1; i < oldest_first.size(); ++i) {
    const std::optional<double> ratio = FrequencyRatio(oldest_first[i - 1], oldest_first[i]);
    if (ratio && (!lowest || *ratio < *lowest)) lowest = ratio;
  }
  return lowest;
}

HardwareEvidence EvidenceOf(std::span<const hft_hardware_reading> oldest_first, int64_t start_mono_ns, int64_t end_mono_ns) {
  HardwareEvidence evidence;
  // The last one before it, and the first one after it.
  const auto after_start = std::upper_bound(oldest_first.begin(), oldest_first.end(), start_mono_ns,
                                            [](int64_t time_ns, const hft_hardware_reading& reading) { return time_ns < TimeOf(reading); });
  const auto after = std::lower_bound(after_start, oldest_first.end(), end_mono_ns,
                                      [](const hft_hardware_reading& reading, int64_t time_ns) { return BeginOf(reading) < time_ns; });
  if (after_start == oldest_first.begin() || after == oldest_first.end()) return evidence;
  const auto before = std::prev(after_start);
  evidence.reading_span_ns = TimeOf(*after) - TimeOf(*before);
  evidence.smi_count_max = CounterRise(*before, *after, HFT_COUNTER_SMI);
  evidence.steal_ns_max = StealRise(*before, *after);
  evidence.frequency_ratio_lowest = LowestFrequencyRatio({before, std::next(after)});
  return evidence;
}

SiblingBusy BusyWithin(std::span<const hft_runner> oldest_first, int64_t begin_clock_ns, int64_t end_clock_ns) {
  SiblingBusy busy;
  busy.truncated = oldest_first.empty() || static_cast<int64_t>(oldest_first.front().clock_ns) > begin_clock_ns;
  if (oldest_first.empty() || static_cast<int64_t>(oldest_first.front().clock_ns) >= end_clock_ns) return busy;
  busy.busy_ns = 0;
  std::map<std::pair<uint32_t, uint32_t>, int64_t> by_thread;  // tid, tgid
  for (size_t i = 0; i < oldest_first.size(); ++i) {
    const hft_runner& runner = oldest_first[i];
    if (runner.tid == 0) continue;  // idle
    const int64_t begin_ns = std::max(begin_clock_ns, static_cast<int64_t>(runner.clock_ns));
    const int64_t end_ns =
        i + 1 < oldest_first.size() ? std::min(end_clock_ns, static_cast<int64_t>(oldest_first[i + 1].clock_ns)) : end_clock_ns;
    if (end_ns <= begin_ns) continue;
    *busy.busy_ns += end_ns - begin_ns;
    by_thread[{runner.tid, runner.tgid}] += end_ns - begin_ns;
  }
  for (const auto& [thread, duration_ns] : by_thread) {
    if (duration_ns <= busy.actor_ns) continue;
    busy.tid = thread.first;
    busy.tgid = thread.second;
    busy.actor_ns = duration_ns;
  }
  return busy;
}

}  // namespace hftmon
