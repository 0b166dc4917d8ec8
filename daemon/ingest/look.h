// Look: when a slot is looked at for a thread that is held up, and what the loop knows then. Passive data.
#ifndef HFTMON_DAEMON_INGEST_LOOK_H_
#define HFTMON_DAEMON_INGEST_LOOK_H_

#include <cstdint>

namespace hftmon {

// What is told goes on being told at least so often: its last telling is never old.
inline constexpr int64_t kRetellNs = 1'000'000'000;
// After what was told is found to be over: the record of its end is there long before that.
inline constexpr int64_t kEndPatienceNs = 5'000'000;

struct Look {
  int64_t now_ns = 0;
  int64_t loop_gap_ns = 0;  // as in OffCpuInterval
  bool caught_up = true;    // the rings had nothing left; nothing is told to be over without it
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_LOOK_H_
