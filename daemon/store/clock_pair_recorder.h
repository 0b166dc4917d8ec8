// ClockPairRecorder: of every CPU's run queue clock against CLOCK_MONOTONIC, the best pair of each piece of time, from the records' own
// pairs.
//
// Reads: end_clock_ns and end_mono_ns of each interval. Produces: clock anchors (common/clock_anchor.h), and what they say of an interval.
// Threads: OnInterval by the housekeeping thread (no allocation, lock or system call; some 2 ns); the rest by any thread.
// Bounds: kAnchorsTotal anchors over all CPUs, at least kAnchorsPerCpuMin each: with 2 CPUs the newest 6.8 minutes, with 128 the newest 51
// s.
#ifndef HFTMON_DAEMON_STORE_CLOCK_PAIR_RECORDER_H_
#define HFTMON_DAEMON_STORE_CLOCK_PAIR_RECORDER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "common/clock_anchor.h"
#include "daemon/ingest/sinks.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

// One CPU's run queue clock, as of its latest anchor.
struct RunQueueClock {
  uint16_t cpu = 0;
  int64_t offset_ns = 0;  // CLOCK_MONOTONIC minus this clock
  int64_t error_ns = 0;   // bound of the offset now: the pair's delay and the drift since, at the measured rate or the kernel's limit
  std::optional<double> rate_ppm;
  uint64_t pair_count = 0;
};

class ClockPairRecorder : public IntervalSink {
 public:
  static constexpr uint64_t kAnchorsTotal = 65'536;
  static constexpr uint64_t kAnchorsPerCpuMin = 64;
  static constexpr uint64_t kAnchorsPerCpuMax = 4'096;

  explicit ClockPairRecorder(uint32_t cpu_count);

  void OnInterval(const OffCpuInterval& interval) override;
  void OnLoss(const LossEvent&) override {}

  // The bound of what an interval's beginning, its record's CLOCK_MONOTONIC minus its duration, may be off.
  BeginError ErrorOfBegin(uint16_t cpu, int64_t record_clock_ns, int64_t record_mono_ns, int64_t duration_ns) const;
  // Of the CPUs that have an anchor.
  std::vector<RunQueueClock> Clocks(int64_t now_mono_ns) const;

 private:
  struct Cpu {
    explicit Cpu(uint64_t capacity) : anchors(capacity) {}
    SeqRing<ClockAnchor> anchors;
    std::atomic<uint64_t> pair_count{0};  // single writer, relaxed: a count
    // The housekeeping thread's.
    ClockAnchor best;  // of the piece in progress; mono_ns 0: none yet
    int64_t piece_begin_mono_ns = 0;
    int64_t last_anchor_mono_ns = 0;
  };

  static RunQueueClock Latest(const Cpu& cpu, uint16_t number, int64_t now_mono_ns);

  std::deque<Cpu> cpus_;  // by number; a deque because a ring cannot be moved
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_CLOCK_PAIR_RECORDER_H_
