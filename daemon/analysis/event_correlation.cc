#include "daemon/analysis/event_correlation.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <string_view>

#include "daemon/analysis/spike_names.h"

namespace hftmon {
namespace {

constexpr size_t kRangesBeforeMerge = 16'384;
constexpr char kUnexplained[] = "unexplained";

template <typename Range>
void Merge(std::vector<Range>* ranges) {
  std::sort(ranges->begin(), ranges->end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  size_t kept = 0;
  for (const Range& range : *ranges) {
    if (kept > 0 && range.first <= (*ranges)[kept - 1].end) {
      (*ranges)[kept - 1].end = std::max((*ranges)[kept - 1].end, range.end);
    } else {
      (*ranges)[kept++] = range;
    }
  }
  ranges->resize(kept);
}

bool IsSleep(const Spike& spike) {
  return spike.kind == SpikeKind::kBlocked && !IsHeldUp(spike);
}

}  // namespace

bool IsHeldUp(const Spike& blocked) {
  return blocked.out_kind == HFT_SWITCH_BLOCKED_FAULT || blocked.call.owner_tid != 0;
}

EventCorrelation::EventCorrelation(std::span<const int64_t> times_mono_ns, int64_t before_ns, int64_t after_ns)
    : before_ns_(before_ns), after_ns_(after_ns), order_(times_mono_ns.size()) {
  std::iota(order_.begin(), order_.end(), 0u);
  std::stable_sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) { return times_mono_ns[a] < times_mono_ns[b]; });
  times_ns_.reserve(order_.size());
  for (const uint32_t event : order_) times_ns_.push_back(times_mono_ns[event]);
}

EventCorrelation::Range EventCorrelation::RangeOf(const Spike& spike, int64_t end_mono_ns) const {
  int64_t first_ns = spike.start_mono_ns - after_ns_;
  int64_t last_ns = end_mono_ns + before_ns_;
  if (IsSleep(spike)) {
    first_ns = spike.start_mono_ns;
    last_ns = std::min(spike.start_mono_ns + before_ns_, end_mono_ns);
  }
  const auto first = std::lower_bound(times_ns_.begin(), times_ns_.end(), first_ns);
  const auto end = std::upper_bound(first, times_ns_.end(), last_ns);
  return {static_cast<uint32_t>(first - times_ns_.begin()), static_cast<uint32_t>(end - times_ns_.begin())};
}

bool EventCorrelation::Add(const Spike& spike, int64_t end_mono_ns, const SpikePosition& position) {
  const Range range = RangeOf(spike, end_mono_ns);
  if (range.first >= range.end) return false;
  stalls_.push_back({.id = spike.id, .start_mono_ns = spike.start_mono_ns, .end_mono_ns = end_mono_ns, .position = position});
  ranges_.push_back(range);
  const auto next = static_cast<uint32_t>(thread_numbers_.size());
  threads_.push_back(thread_numbers_.try_emplace({spike.thread.tid, spike.thread.start_ns}, next).first->second);
  sleeps_.push_back(IsSleep(spike) || IsMarked(spike.kind));
  // A mark's causes are those of the stalls within it, and most of its time its thread ran.
  if (IsMarked(spike.kind)) return true;
  const size_t cause_count = std::min<size_t>(spike.cause_count, spike.causes.size());
  for (size_t i = 0; i < cause_count; ++i) {
    // The wait that ends a sleep is a stall of its own, above the threshold.
    if (spike.kind == SpikeKind::kBlocked && spike.causes[i].kind != CauseKind::kBlocked) continue;
    AddCause(spike.causes[i], false, spike.causes[i].duration_ns, range);
  }
  if (spike.unexplained_ns > 0 && spike.kind != SpikeKind::kBlocked) AddCause({}, true, spike.unexplained_ns, range);
  return true;
}

void EventCorrelation::AddCause(const Cause& cause, bool unexplained, int64_t duration_ns, const Range& range) {
  CauseKey key;
  if (unexplained) {
    key = {UINT8_MAX, 0, 0, 0, kUnexplained};
  } else if (cause.others) {
    key = {static_cast<uint8_t>(cause.kind), UINT32_MAX, 0, 0, ""};
  } else {
    const std::string name(cause.comm, std::find(cause.comm, cause.comm + sizeof(cause.comm), '\0'));
    const bool is_sent = cause.kind != CauseKind::kThread && cause.source == HFT_SOURCE_CALL_FUNCTION;
    const uint32_t tid = cause.kind == CauseKind::kThread && name.empty() ? cause.tid : 0;
    const uint32_t handler = static_cast<uint32_t>(cause.source) << 16 | cause.number;
    key = {static_cast<uint8_t>(cause.kind), tid, handler, cause.kind == CauseKind::kBlocked ? cause.syscall : -1, is_sent ? "" : name};
  }
  CauseTally& tally = causes_[key];
  if (tally.ranges.empty()) {
    tally.cause = cause;
    tally.unexplained = unexplained;
  }
  tally.duration_ns += duration_ns;
  tally.ranges.push_back(range);
  if (tally.ranges.size() >= kRangesBeforeMerge) Merge(&tally.ranges);
}

std::vector<EventCorrelation::Covered> EventCorrelation::CoveredByThread() const {
  std::vector<uint32_t> by_start(stalls_.size());
  std::iota(by_start.begin(), by_start.end(), 0u);
  std::sort(by_start.begin(), by_start.end(),
            [this](uint32_t a, uint32_t b) { return stalls_[a].start_mono_ns < stalls_[b].start_mono_ns; });
  std::vector<Covered> threads(thread_numbers_.size());
  for (const uint32_t stall : by_start) {
    if (sleeps_[stall]) continue;
    Covered& covered = threads[threads_[stall]];
    const auto [id, start_ns, end_ns, position] = stalls_[stall];
    if (!covered.ends_ns.empty() && start_ns <= covered.ends_ns.back()) {
      covered.ends_ns.back() = std::max(covered.ends_ns.back(), end_ns);
    } else {
      covered.begins_ns.push_back(start_ns);
      covered.ends_ns.push_back(end_ns);
    }
  }
  for (Covered& covered : threads) {
    int64_t sum_ns = 0;
    for (size_t i = 0; i < covered.begins_ns.size(); ++i) {
      covered.sums_ns.push_back(sum_ns);
      sum_ns += covered.ends_ns[i] - covered.begins_ns[i];
    }
    covered.sums_ns.push_back(sum_ns);
  }
  return threads;
}

// Spans come in the order of time: what lies before the one in hand is not looked at again.
int64_t EventCorrelation::CoveredOfSpanNs(Covered* covered, int64_t begin_ns, int64_t end_ns) {
  const size_t count = covered->begins_ns.size();
  while (covered->next < count && covered->ends_ns[covered->next] <= begin_ns) ++covered->next;
  covered->last = std::max(covered->last, covered->next);
  while (covered->last < count && covered->begins_ns[covered->last] < end_ns) ++covered->last;
  if (covered->next == covered->last) return 0;
  int64_t sum_ns = covered->sums_ns[covered->last] - covered->sums_ns[covered->next];
  sum_ns -= std::max<int64_t>(0, begin_ns - covered->begins_ns[covered->next]);
  return sum_ns - std::max<int64_t>(0, covered->ends_ns[covered->last - 1] - end_ns);
}

int64_t EventCorrelation::CoveredNs(const Covered& covered, int64_t begin_ns, int64_t end_ns) {
  int64_t sum_ns = 0;
  auto at = static_cast<size_t>(std::upper_bound(covered.ends_ns.begin(), covered.ends_ns.end(), begin_ns) - covered.ends_ns.begin());
  for (; at < covered.begins_ns.size() && covered.begins_ns[at] < end_ns; ++at) {
    sum_ns += std::min(covered.ends_ns[at], end_ns) - std::max(covered.begins_ns[at], begin_ns);
  }
  return sum_ns;
}

std::vector<EventCorrelation::Hit> EventCorrelation::Hits() const {
  std::vector<Hit> hits(times_ns_.size());
  std::vector<Covered> covered = CoveredByThread();
  std::vector<std::vector<uint32_t>> begin_at(times_ns_.size() + 1);
  std::vector<std::vector<uint32_t>> end_at(times_ns_.size() + 1);
  for (uint32_t stall = 0; stall < stalls_.size(); ++stall) {
    begin_at[ranges_[stall].first].push_back(stall);
    end_at[ranges_[stall].end].push_back(stall);
  }
  const auto longer = [this](uint32_t a, uint32_t b) {
    const int64_t a_ns = stalls_[a].end_mono_ns - stalls_[a].start_mono_ns;
    const int64_t b_ns = stalls_[b].end_mono_ns - stalls_[b].start_mono_ns;
    return a_ns != b_ns ? a_ns > b_ns : stalls_[a].id < stalls_[b].id;
  };
  std::set<uint32_t, decltype(longer)> active(longer);
  std::set<uint32_t> sleeping;                // of the active ones the sleeps
  std::map<uint32_t, uint32_t> active_count;  // by thread
  for (size_t event = 0; event < times_ns_.size(); ++event) {
    for (const uint32_t stall : end_at[event]) {
      active.erase(stall);
      if (sleeps_[stall]) sleeping.erase(stall);
      if (--active_count[threads_[stall]] == 0) active_count.erase(threads_[stall]);
    }
    for (const uint32_t stall : begin_at[event]) {
      active.insert(stall);
      if (sleeps_[stall]) sleeping.insert(stall);
      ++active_count[threads_[stall]];
    }
    if (active.empty()) continue;
    Hit& hit = hits[order_[event]];
    for (auto stall = active.begin(); stall != active.end() && hit.stalls.size() < kStallsPerEventMax; ++stall)
      hit.stalls.push_back(*stall);
    const int64_t begin_ns = times_ns_[event] - before_ns_;
    const int64_t end_ns = times_ns_[event] + after_ns_;
    for (const auto& [thread, count] : active_count) {
      hit.stalled_ns = std::max(hit.stalled_ns, CoveredOfSpanNs(&covered[thread], begin_ns, end_ns));
    }
    for (const uint32_t stall : sleeping) {
      // A wait at its end may be a stall of its own: that time counts once.
      Covered& own = covered[threads_[stall]];
      const int64_t asleep_begin_ns = std::max(begin_ns, stalls_[stall].start_mono_ns);
      const int64_t asleep_end_ns = std::max(asleep_begin_ns, std::min(end_ns, stalls_[stall].end_mono_ns));
      const int64_t asleep_ns = asleep_end_ns - asleep_begin_ns - CoveredNs(own, asleep_begin_ns, asleep_end_ns);
      hit.stalled_ns = std::max(hit.stalled_ns, asleep_ns + CoveredOfSpanNs(&own, begin_ns, end_ns));
    }
  }
  return hits;
}

std::vector<EventCorrelation::CauseSum> EventCorrelation::Causes(const std::function<std::string(const Cause&)>& name_of) const {
  std::map<std::pair<std::string, std::string>, CauseTally> named;
  for (const auto& [key, tally] : causes_) {
    const std::string kind = tally.unexplained ? kUnexplained : std::string(CauseKindName(tally.cause.kind));
    CauseTally& sum = named[{kind, tally.unexplained ? "" : name_of(tally.cause)}];
    sum.duration_ns += tally.duration_ns;
    sum.ranges.insert(sum.ranges.end(), tally.ranges.begin(), tally.ranges.end());
  }
  std::vector<CauseSum> sums;
  for (auto& [name, tally] : named) {
    Merge(&tally.ranges);
    CauseSum sum{.kind = name.first, .actor = name.second, .duration_ns = tally.duration_ns};
    for (const Range& range : tally.ranges) sum.event_count += range.end - range.first;
    sums.push_back(std::move(sum));
  }
  std::stable_sort(sums.begin(), sums.end(), [](const CauseSum& a, const CauseSum& b) {
    return a.event_count != b.event_count ? a.event_count > b.event_count : a.duration_ns > b.duration_ns;
  });
  return sums;
}

}  // namespace hftmon
