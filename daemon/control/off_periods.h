// OffPeriods: when the programs were off, so that every answer can say how much of its window they did not see.
//
// Threads: any; one mutex. Bounded: the last kKeptMax periods one by one; older ones are forgotten, and their sum stands in total_ns().
#ifndef HFTMON_DAEMON_CONTROL_OFF_PERIODS_H_
#define HFTMON_DAEMON_CONTROL_OFF_PERIODS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "common/time_span.h"

namespace hftmon {

class OffPeriods {
 public:
  static constexpr size_t kKeptMax = 1024;

  // CLOCK_MONOTONIC; in turns.
  void Begin(int64_t mono_ns) {
    std::lock_guard lock(mutex_);
    begun_ns_ = mono_ns;
    ++count_;
  }
  void End(int64_t mono_ns) {
    std::lock_guard lock(mutex_);
    if (!begun_ns_) return;
    ended_.push_back({*begun_ns_, mono_ns});
    ended_total_ns_ += mono_ns - *begun_ns_;
    begun_ns_.reset();
    if (ended_.size() > kKeptMax) ended_.pop_front();
  }

  // Time of [begin, end) in which the programs were off.
  int64_t Within(int64_t begin_mono_ns, int64_t end_mono_ns) const {
    std::lock_guard lock(mutex_);
    const auto overlap = [&](int64_t from_ns, int64_t to_ns) {
      return std::max<int64_t>(0, std::min(to_ns, end_mono_ns) - std::max(from_ns, begin_mono_ns));
    };
    int64_t off_ns = begun_ns_ ? overlap(*begun_ns_, end_mono_ns) : 0;
    for (const Period& period : ended_) off_ns += overlap(period.begin_ns, period.end_ns);
    return off_ns;
  }

  // The periods that touch [begin, end], oldest first; the one that goes on ends with `end`.
  std::vector<TimeSpan> SpansWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const {
    std::lock_guard lock(mutex_);
    std::vector<TimeSpan> spans;
    for (const Period& period : ended_) {
      if (period.end_ns >= begin_mono_ns && period.begin_ns <= end_mono_ns) spans.push_back({period.begin_ns, period.end_ns});
    }
    if (begun_ns_ && *begun_ns_ <= end_mono_ns) spans.push_back({*begun_ns_, end_mono_ns});
    return spans;
  }

  // Since when they are off; nothing while they are on.
  std::optional<int64_t> since_mono_ns() const {
    std::lock_guard lock(mutex_);
    return begun_ns_;
  }
  uint64_t count() const {
    std::lock_guard lock(mutex_);
    return count_;
  }
  int64_t total_ns(int64_t now_mono_ns) const {
    std::lock_guard lock(mutex_);
    return ended_total_ns_ + (begun_ns_ ? std::max<int64_t>(0, now_mono_ns - *begun_ns_) : 0);
  }

 private:
  struct Period {
    int64_t begin_ns;
    int64_t end_ns;
  };

  mutable std::mutex mutex_;
  std::deque<Period> ended_;  // oldest first
  std::optional<int64_t> begun_ns_;
  uint64_t count_ = 0;
  int64_t ended_total_ns_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_OFF_PERIODS_H_
