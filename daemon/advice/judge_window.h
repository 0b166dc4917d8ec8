// JudgeWindow: the time that facts are of, and what could not be looked for in it. Passive data.
#ifndef HFTMON_DAEMON_ADVICE_JUDGE_WINDOW_H_
#define HFTMON_DAEMON_ADVICE_JUDGE_WINDOW_H_

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

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_JUDGE_WINDOW_H_
