// LoopStats: what the housekeeping loop counts about itself. Written by its thread alone, read by anyone, never locked.
#ifndef HFTMON_DAEMON_INGEST_LOOP_STATS_H_
#define HFTMON_DAEMON_INGEST_LOOP_STATS_H_

#include <atomic>
#include <cstdint>

namespace hftmon {

// One writer: a load and a store instead of a locked addition. Relaxed: the number stands for itself.
template <typename T>
class LoopCounter {
 public:
  void Add(T amount) { Set(Get() + amount); }
  void Set(T value) { value_.store(value, std::memory_order_relaxed); }
  void Raise(T value) {
    if (value > Get()) Set(value);
  }
  T Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<T> value_{0};
};

struct LoopStats {
  LoopCounter<uint64_t> iteration_count;
  LoopCounter<int64_t> heartbeat_mono_ns;  // when the last iteration began: a watchdog compares two looks
  LoopCounter<int64_t> caught_up_mono_ns;  // all records of before that moment were delivered, but stretches that are held (StretchHold)
  LoopCounter<uint64_t> record_count;      // records taken out of the rings, continuations not counted
  LoopCounter<uint64_t> interval_count;    // off-CPU intervals delivered
  LoopCounter<uint64_t> life_count;        // life events delivered
  // Data loss, in ring cells.
  LoopCounter<uint64_t> lost_count;   // overwritten before they were read
  LoopCounter<uint64_t> stuck_count;  // reserved, never published
  // No data loss of a watched thread, but a figure is less complete than it might be.
  LoopCounter<uint64_t> stale_count;      // records of threads that are no longer watched
  LoopCounter<uint64_t> discarded_count;  // times that contradicted each other and were cut
  LoopCounter<uint64_t> migration_segments_dropped_count;
  LoopCounter<uint64_t> waker_unknown_count;  // sleeps that ended without the record of who woke the thread, although it was asked for
  LoopCounter<uint64_t> nested_count;         // records delivered out of order because programs nested on their CPU
  // Times in which the loop did not run although it meant to: it was preempted, interrupted or its virtual CPU was stolen.
  LoopCounter<uint64_t> gap_count;
  LoopCounter<int64_t> gap_max_ns;
  LoopCounter<int64_t> gap_sum_ns;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_LOOP_STATS_H_
