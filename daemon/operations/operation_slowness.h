// OperationSlowness: what is known of one operation's slow spans, and of what held its thread up meanwhile. Passive data.
#ifndef HFTMON_DAEMON_OPERATIONS_OPERATION_SLOWNESS_H_
#define HFTMON_DAEMON_OPERATIONS_OPERATION_SLOWNESS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "daemon/analysis/spike.h"

namespace hftmon {

// Spans that stalls of one kind hit.
struct OperationHits {
  uint64_t span_count = 0;
  uint64_t stall_count = 0;
  int64_t duration_ns = 0;
  int64_t longest_ns = 0;
};

inline constexpr size_t kStallKinds = static_cast<size_t>(SpikeKind::kMigration) + 1;  // the kinds before it are all that stalls have

struct OperationSlowness {
  int64_t threshold_ns = -1;                    // of spans; -1: none yet
  int64_t gap_threshold_ns = -1;                // of the time between heartbeats
  uint64_t spike_count = 0;                     // told
  uint64_t untold_count = 0;                    // above the threshold, and beyond what is told
  uint64_t uncompared_count = 0;                // a stall may have hit them, and nobody looked
  std::array<OperationHits, kStallKinds> hits;  // by SpikeKind
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OPERATIONS_OPERATION_SLOWNESS_H_
