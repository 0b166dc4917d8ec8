// GapRecorder: what a busy thread knows about itself. Reading the clock all the time, it sees every moment in which it did not run.
// One thread owns it. Bounded: kGapsMax gaps are kept one by one, all are summed.
#ifndef HFTMON_TESTS_WORKLOADS_GAP_RECORDER_H_
#define HFTMON_TESTS_WORKLOADS_GAP_RECORDER_H_

#include <cstdint>
#include <vector>

#include "tests/workloads/scheduling.h"

namespace hftmon::workload {

// Between two readings of the clock: the thread was off its CPU within, so a gap is never shorter than the switch-out to switch-in.
struct Gap {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  int64_t duration_ns() const { return end_ns - start_ns; }
};

class GapRecorder {
 public:
  static constexpr size_t kGapsMax = 100'000;

  explicit GapRecorder(int64_t threshold_ns) : threshold_ns_(threshold_ns), last_ns_(NowNs()) { gaps_.reserve(kGapsMax); }

  // Reads the clock; called as often as possible.
  int64_t Tick() {
    const int64_t now_ns = NowNs();
    if (now_ns - last_ns_ > threshold_ns_) {
      if (gaps_.size() < kGapsMax) gaps_.push_back({last_ns_, now_ns});
      sum_ns_ += now_ns - last_ns_;
      ++count_;
    }
    last_ns_ = now_ns;
    return now_ns;
  }
  // What lies between here and the last Tick was the thread's own doing.
  void Forget() { last_ns_ = NowNs(); }

  const std::vector<Gap>& gaps() const { return gaps_; }
  int64_t sum_ns() const { return sum_ns_; }
  int64_t count() const { return count_; }

 private:
  const int64_t threshold_ns_;
  int64_t last_ns_;
  std::vector<Gap> gaps_;
  int64_t sum_ns_ = 0;
  int64_t count_ = 0;
};

}  // namespace hftmon::workload

#endif  // HFTMON_TESTS_WORKLOADS_GAP_RECORDER_H_
