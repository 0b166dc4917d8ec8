// PerfTimehist: what `perf sched record` and `perf sched timehist` say of a thread, for comparison. perf's tracepoints need tracefs, which
// is mounted in a mount namespace of perf's own: the host's mounts stay as they are.
#ifndef HFTMON_TESTS_PRIVILEGED_PERF_TIMEHIST_H_
#define HFTMON_TESTS_PRIVILEGED_PERF_TIMEHIST_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/privileged/harness/subprocess.h"

namespace hftmon::testing {

// One line of timehist: a stretch on the CPU that ended at `out_us`, and the wait before it. perf prints whole microseconds.
struct TimehistLine {
  pid_t tid = 0;
  int64_t out_us = 0;    // CLOCK_MONOTONIC
  int64_t wait_us = 0;   // off the CPU before, the delay included
  int64_t delay_us = 0;  // of that: from wake-up to switch-in
  int64_t run_us = 0;
};

// Pure: lines of `perf sched timehist`, the heading skipped.
std::vector<TimehistLine> ParseTimehist(const std::string& text);

class PerfSched {
 public:
  // Empty when perf can record scheduler tracepoints here; else the reason, for GTEST_SKIP.
  static std::string WhyNot();
  // Records all CPUs into `file` until Stop; returns when recording has begun. perf itself runs on `cpu`.
  PerfSched(std::string file, int cpu);
  void Stop();
  // Of the recorded file, restricted to those threads.
  std::vector<TimehistLine> Timehist(const std::vector<pid_t>& tids) const;
  // Events that perf itself says it lost.
  bool lost_events() const { return lost_events_; }

 private:
  const std::string file_;
  std::unique_ptr<Subprocess> perf_;
  bool lost_events_ = false;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_PERF_TIMEHIST_H_
