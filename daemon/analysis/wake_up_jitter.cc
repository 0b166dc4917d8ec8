#include "daemon/analysis/wake_up_jitter.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "common/histogram.h"

namespace hftmon {
namespace {

// A sleep's ends are known from two clocks that differ by less, as a rule.
constexpr int64_t kBeginSlackNs = 20'000;
constexpr int64_t kEndSlackNs = 1'000;

// A time that lies outside the sleep did not end it: a signal came first, or it is of another clock (a time namespace's).
bool EndedByTimer(const WakeUp& wake_up) {
  const int64_t asked_ns = wake_up.asked_for_mono_ns;
  return asked_ns > 0 && asked_ns >= wake_up.out_mono_ns - kBeginSlackNs && asked_ns <= wake_up.on_cpu_mono_ns + kEndSlackNs;
}

// Takes `lateness_ns` where there is a period.
JitterFinding FindingOf(const WakeUpGrid& grid, JitterSource source, std::vector<int64_t> lateness_ns,
                        std::span<const double> percentiles) {
  JitterFinding finding{.why_not = grid.why_not};
  if (grid.why_not != NoPeriod::kNone) return finding;
  finding.jitter = WakeUpJitter{.period_ns = grid.period_ns,
                                .source = source,
                                .lateness = SummarizeLateness(std::move(lateness_ns), percentiles),
                                .missed_period_count = grid.missed_count};
  return finding;
}

JitterFinding JitterOfTimer(std::span<const WakeUp> wake_ups, int64_t period_ns, std::span<const double> percentiles) {
  std::vector<int64_t> asked_ns;
  std::vector<int64_t> lateness_ns;
  for (const WakeUp& wake_up : wake_ups) {
    if (!EndedByTimer(wake_up)) continue;
    asked_ns.push_back(wake_up.asked_for_mono_ns);
    lateness_ns.push_back(std::max<int64_t>(wake_up.on_cpu_mono_ns - wake_up.asked_for_mono_ns, 0));
  }
  WakeUpGrid grid{.why_not = NoPeriod::kTooFewWakeUps};
  if (asked_ns.size() >= kTimerWakeUpsMin) grid = FindRegular(asked_ns, period_ns);
  JitterFinding finding = FindingOf(grid, JitterSource::kTimer, std::move(lateness_ns), percentiles);
  finding.wake_up_count = asked_ns.size();
  finding.needed_count = kTimerWakeUpsMin;
  return finding;
}

JitterFinding JitterOfEnvelope(std::span<const WakeUp> wake_ups, int32_t syscall, int64_t period_ns, std::span<const double> percentiles) {
  std::vector<int64_t> on_cpu_ns;
  for (const WakeUp& wake_up : wake_ups) {
    if (wake_up.syscall == syscall) on_cpu_ns.push_back(wake_up.on_cpu_mono_ns);
  }
  const WakeUpGrid grid = FindGrid(on_cpu_ns, period_ns);
  std::vector<int64_t> lateness_ns;
  for (const GridWakeUp& wake_up : grid.wake_ups) lateness_ns.push_back(wake_up.lateness_ns);
  JitterFinding finding = FindingOf(grid, JitterSource::kEnvelope, std::move(lateness_ns), percentiles);
  finding.wake_up_count = on_cpu_ns.size();
  finding.needed_count = kGridWakeUpsMin;
  return finding;
}

}  // namespace

DurationSummary SummarizeLateness(std::vector<int64_t> lateness_ns, std::span<const double> percentiles) {
  std::sort(lateness_ns.begin(), lateness_ns.end());
  DurationSummary summary;
  summary.count = lateness_ns.size();
  summary.sum_ns = std::accumulate(lateness_ns.begin(), lateness_ns.end(), int64_t{0});
  if (!lateness_ns.empty()) summary.max_ns = lateness_ns.back();
  for (const double percent : percentiles) {
    const std::optional<uint64_t> rank = PercentileRank(lateness_ns.size(), percent);
    if (rank) summary.percentiles.push_back({.percent = percent, .value_ns = lateness_ns[*rank - 1], .exact = true});
  }
  return summary;
}

JitterFinding FindJitter(std::span<const WakeUp> wake_ups, int64_t period_ns, std::span<const double> percentiles) {
  std::map<int32_t, size_t> count_of_call;
  size_t timer_count = 0;
  for (const WakeUp& wake_up : wake_ups) {
    ++count_of_call[wake_up.syscall];
    timer_count += EndedByTimer(wake_up) ? 1 : 0;
  }
  if (count_of_call.empty()) return {.why_not = NoPeriod::kTooFewWakeUps, .needed_count = kTimerWakeUpsMin};
  const auto most =
      std::max_element(count_of_call.begin(), count_of_call.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const bool by_timer = 2 * timer_count >= most->second;
  return by_timer ? JitterOfTimer(wake_ups, period_ns, percentiles) : JitterOfEnvelope(wake_ups, most->first, period_ns, percentiles);
}

}  // namespace hftmon
