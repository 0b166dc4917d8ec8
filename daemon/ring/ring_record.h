// RingRecord: one record as taken out of a ring, with the continuation cells that belong to it. Passive data; the reader reuses one object.
#ifndef HFTMON_DAEMON_RING_RING_RECORD_H_
#define HFTMON_DAEMON_RING_RING_RECORD_H_

#include <linux/types.h>

#include <cstdint>

#include "daemon/bpf/call_events.h"
#include "daemon/bpf/interrupt_events.h"
#include "daemon/bpf/kernel_time_events.h"
#include "daemon/bpf/switch_events.h"

namespace hftmon {

// Cells that hold the runners beyond the inline ones when the whole log of a CPU is told, and as many interruptions as a record may have.
inline constexpr int kRunnerCellsMax = (HFT_CPU_LOG_ENTRIES - HFT_INLINE_RUNNERS + HFT_RUNNERS_PER_CELL - 1) / HFT_RUNNERS_PER_CELL;
inline constexpr int kInterruptionCellsMax = (HFT_INTERRUPTIONS_PER_RECORD + HFT_INTERRUPTIONS_PER_CELL - 1) / HFT_INTERRUPTIONS_PER_CELL;
inline constexpr int kContinuationCellsMax = kRunnerCellsMax + kInterruptionCellsMax;

// One cell behind a record's head; header.type says which.
union ContinuationCell {
  hft_record_header header;
  hft_runners runners;
  hft_interruptions interruptions;
};

struct RingRecord {
  union {
    hft_record_header header;  // header.type says which of the others it is
    hft_switch_in switch_in;
    hft_migration migration;
    hft_life life;
    hft_interrupted interrupted;
    hft_preempted preempted;
    hft_waker waker;
    hft_boost boost;
    hft_call call;
    hft_kernel_time kernel_time;
  };
  // The first `continuation_count` continuation cells, without a hole: runners, then interruptions. What stands beyond is left over from
  // earlier records.
  ContinuationCell continuation[kContinuationCellsMax];
  uint8_t continuation_count;
  bool continuation_incomplete;  // cells that the header announces are missing here
};

// Records that a ring could not deliver, and the time in which they would have stood.
struct RingLoss {
  uint16_t cpu = 0;
  uint64_t lost_count = 0;    // cells overwritten before they were read, or without the record they continue
  uint64_t stuck_count = 0;   // cells reserved but never published
  int64_t begin_mono_ns = 0;  // time of the last record delivered before
  int64_t end_mono_ns = 0;    // time of the first good one after it, or when the loss was noticed in a ring without further records
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_RING_RING_RECORD_H_
