#include "daemon/analysis/counter_history.h"

#include <algorithm>

namespace hftmon {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMinuteNs = 60 * kSecondNs;

// The part of `range` that whole stretches of the level cover and that it still has; empty (first >= second) when there is none.
std::pair<int64_t, int64_t> WholeOf(const CounterLevel& level, const std::pair<int64_t, int64_t>& range) {
  return {std::max(level.CeilingOf(range.first), level.whole_from_mono_ns()), level.FloorOf(range.second)};
}

}  // namespace

CounterHistory::CounterHistory(const Bounds& bounds)
    : spans_max_(std::max<size_t>(1, bounds.spans_max)),
      seconds_(kSecondNs, bounds.second_bytes_max),
      minutes_(kMinuteNs, bounds.minute_bytes_max) {}

void CounterHistory::OnCounterSet(const CounterSet& set) {
  std::lock_guard lock(mutex_);
  if (set.number == set_.number || set.events.empty()) return;
  set_ = set;
  rates_ = RatesOf(set);
  set_begin_mono_ns_ = newest_mono_ns_;
  spans_.clear();
  spans_.reserve(spans_max_);
  next_ = 0;
  spans_from_mono_ns_ = 0;
  seconds_.Clear();
  minutes_.Clear();
}

void CounterHistory::OnCounterSpan(const CounterSpan& span) {
  std::lock_guard lock(mutex_);
  newest_mono_ns_ = std::max(newest_mono_ns_, span.end_mono_ns);
  if (span.set != set_.number || set_.number == 0) {
    // Of a set that went before its last spans came: no window has its time.
    set_begin_mono_ns_ = std::max(set_begin_mono_ns_, span.end_mono_ns);
    return;
  }
  ++arrived_count_;
  if (spans_.size() < spans_max_) {
    spans_.push_back(span);
  } else {
    spans_from_mono_ns_ = std::max(spans_from_mono_ns_, spans_[next_].end_mono_ns);
    spans_[next_] = span;
    next_ = (next_ + 1) % spans_max_;
  }
  const SpanRates rates = SpanRatesOf(rates_, span);
  seconds_.Add(rates, span);
  minutes_.Add(rates, span);
}

void CounterHistory::OnCounterLoss(uint16_t cpu, uint64_t lost_count, int64_t begin_mono_ns, int64_t end_mono_ns) {
  std::lock_guard lock(mutex_);
  lost_count_ += lost_count;
  losses_.OnLoss({.cpu = cpu, .lost_count = lost_count, .begin_mono_ns = begin_mono_ns, .end_mono_ns = end_mono_ns});
}

CounterAnswer CounterHistory::Query(int64_t begin_mono_ns, int64_t end_mono_ns, const ThreadFilterFunction& keeps) const {
  std::lock_guard lock(mutex_);
  CounterAnswer answer{.set = set_, .rates = rates_, .begin_mono_ns = begin_mono_ns, .end_mono_ns = end_mono_ns};
  if (begin_mono_ns >= end_mono_ns) return answer;
  FitEdges(&answer);
  AddMinutes({answer.begin_mono_ns, answer.end_mono_ns}, keeps, &answer);
  if (answer.set_changed) answer.begin_mono_ns = std::max(answer.begin_mono_ns, set_begin_mono_ns_);
  answer.end_mono_ns = end_mono_ns;
  for (const auto& [thread, window] : answer.threads) answer.end_mono_ns = std::max(answer.end_mono_ns, window.last_end_mono_ns);
  answer.lost_count = losses_.LostBetween(answer.begin_mono_ns, answer.end_mono_ns);
  return answer;
}

// Moves the edges to where something is still kept on both sides of which nothing is missing.
void CounterHistory::FitEdges(CounterAnswer* answer) const {
  if (answer->begin_mono_ns < set_begin_mono_ns_) {
    answer->begin_mono_ns = std::min(set_begin_mono_ns_, answer->end_mono_ns);
    answer->set_changed = true;
  }
  const int64_t asked_ns = answer->begin_mono_ns;
  if (asked_ns < spans_from_mono_ns_) {
    const int64_t second_ns = seconds_.FloorOf(asked_ns);
    const int64_t minute_ns = minutes_.FloorOf(asked_ns);
    if (second_ns >= seconds_.whole_from_mono_ns()) {
      answer->begin_mono_ns = second_ns;
    } else if (minute_ns >= minutes_.whole_from_mono_ns()) {
      answer->begin_mono_ns = minute_ns;
    } else {
      const int64_t oldest_ns = std::min({spans_from_mono_ns_, seconds_.whole_from_mono_ns(), minutes_.whole_from_mono_ns()});
      answer->begin_mono_ns = std::min(std::max(asked_ns, oldest_ns), answer->end_mono_ns);
      answer->truncated = true;
    }
  }
  // Where the ring no longer reaches back to the last whole second or minute, that one's sum stands for it, with what ended since then.
  const int64_t end_ns = answer->end_mono_ns;
  const int64_t covered_from_ns = std::min(spans_from_mono_ns_, seconds_.whole_from_mono_ns());
  if (spans_from_mono_ns_ > seconds_.FloorOf(end_ns) && seconds_.whole_from_mono_ns() <= seconds_.FloorOf(end_ns)) {
    answer->end_mono_ns = seconds_.CeilingOf(end_ns);
  }
  if (answer->begin_mono_ns < covered_from_ns && covered_from_ns > minutes_.FloorOf(end_ns)) {
    answer->end_mono_ns = minutes_.CeilingOf(end_ns);
  }
}

void CounterHistory::AddMinutes(Range range, const ThreadFilterFunction& keeps, CounterAnswer* answer) const {
  std::vector<Range> fine;
  const Range whole = WholeOf(minutes_, range);
  if (whole.first < whole.second) {
    minutes_.AddTo(whole.first, whole.second, keeps, &answer->threads);
    AddSeconds({range.first, whole.first}, keeps, &fine, answer);
    AddSeconds({whole.second, range.second}, keeps, &fine, answer);
  } else {
    AddSeconds(range, keeps, &fine, answer);
  }
  AddSpans(fine, keeps, answer);
}

void CounterHistory::AddSeconds(Range range, const ThreadFilterFunction& keeps, std::vector<Range>* fine, CounterAnswer* answer) const {
  const Range whole = WholeOf(seconds_, range);
  if (whole.first >= whole.second) {
    fine->push_back(range);
    return;
  }
  seconds_.AddTo(whole.first, whole.second, keeps, &answer->threads);
  fine->push_back({range.first, whole.first});
  fine->push_back({whole.second, range.second});
}

void CounterHistory::AddSpans(const std::vector<Range>& ranges, const ThreadFilterFunction& keeps, CounterAnswer* answer) const {
  for (const CounterSpan& span : spans_) {
    const bool inside = std::any_of(ranges.begin(), ranges.end(), [&span](const Range& range) {
      return range.first < span.end_mono_ns && span.end_mono_ns <= range.second;
    });
    if (inside && keeps(span.thread)) answer->threads[span.thread].Add(rates_, span);
  }
}

CounterCursor CounterHistory::Now() const {
  std::lock_guard lock(mutex_);
  return {.set = set_.number, .taken = arrived_count_, .lost_count = lost_count_};
}

CounterArrivals CounterHistory::TakeNew(CounterCursor* cursor, const Taker& take, size_t spans_max) const {
  std::lock_guard lock(mutex_);
  CounterArrivals arrivals{.set = set_, .rates = rates_, .lost_count = lost_count_ - cursor->lost_count};
  const uint64_t oldest = arrived_count_ - spans_.size();
  // Of another set nothing is kept.
  if (cursor->set == set_.number && cursor->taken < oldest) arrivals.lost_count += oldest - cursor->taken;
  // Until it is full the ring begins at 0, then with the one that is overwritten next.
  const size_t first = spans_.size() < spans_max_ ? 0 : next_;
  uint64_t number = std::max(cursor->taken, oldest);
  const uint64_t end = std::min<uint64_t>(arrived_count_, number + std::min<uint64_t>(spans_max, spans_max_));
  for (; number < end; ++number) take(rates_, spans_[(first + static_cast<size_t>(number - oldest)) % spans_max_]);
  *cursor = {.set = set_.number, .taken = end, .lost_count = lost_count_};
  arrivals.more = end < arrived_count_;
  return arrivals;
}

size_t CounterHistory::bytes() const {
  std::lock_guard lock(mutex_);
  return sizeof(*this) + spans_.capacity() * sizeof(CounterSpan) + seconds_.bytes() + minutes_.bytes() + losses_.bytes();
}

size_t CounterHistory::bytes_max() const {
  return sizeof(*this) + spans_max_ * sizeof(CounterSpan) + seconds_.bytes_max() + minutes_.bytes_max() + losses_.bytes();
}

}  // namespace hftmon
