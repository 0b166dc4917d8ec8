// SpikeMark: the operation, or the pair of heartbeats, that a spike of the kinds operation and gap is about. Passive data.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_MARK_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_MARK_H_

#include <cstddef>
#include <cstdint>

namespace hftmon {

struct SpikeMark {
  static constexpr size_t kNameBytes = 60;

  bool known = false;  // false: nothing else is meant
  bool error = false;  // the program said that it failed
  bool threshold_adaptive = false;
  uint8_t name_bytes = 0;  // 0: unnamed
  uint16_t stall_count = 0;
  uint32_t file_number = 0;
  uint64_t value = 0;  // the program's own
  int64_t threshold_ns = 0;
  int64_t usual_ns = -1;       // the operation's median; -1: not known
  int64_t floor_ns = -1;       // stalls below it are not known; -1: nor are longer ones
  int64_t looks_apart_ns = 0;  // not 0: stalls below floor_ns may have had what is unexplained, the looks at their sums were so far apart
  char name[kNameBytes] = {};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_MARK_H_
