// JudgeWindow: the time that facts are of, and what could not be looked for in it. Passive data.
#ifndef HFTMON_DAEMON_ADVICE_JUDGE_WINDOW_H_
#define HFTMON_DAEMON_ADVICE_JUDGE_WINDOW_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "daemon/advice/fact.h"

namespace hftmon {

struct JudgeWindow {
  int64_t begin_mono_ns = 0;  // the true edges: what was used, not what was asked for
  int64_t end_mono_ns = 0;
  uint64_t lost_records = 0;
  int64_t spike_sum_ns = 0;  // of all spikes that ended in it
  std::vector<MissingEvidence> missing;

  int64_t duration_ns() const { return end_mono_ns - begin_mono_ns; }
};

// Of the span of sums at least so much: of one event in some milliseconds nobody knows the rate.
inline constexpr int64_t kRateSpanMinNs = 1'000'000'000;

// By what a fact's count and sum are divided for figures per second: the window, or what its sums span of it. 0: the window is empty.
inline int64_t RateSpanNs(const Fact& fact, const JudgeWindow& window) {
  const int64_t window_ns = std::max<int64_t>(0, window.duration_ns());
  if (fact.evidence.span_ns <= 0) return window_ns;
  return std::clamp(fact.evidence.span_ns, std::min(window_ns, kRateSpanMinNs), window_ns);
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_JUDGE_WINDOW_H_
