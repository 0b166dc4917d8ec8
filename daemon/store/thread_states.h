// ThreadStates: whether each watched thread was on a CPU at the ends of the buckets in which it did something, and when threads ended.
//
// A bucket has what a thread finished in it; an off-CPU interval that goes on is in none. Whoever splits a thread's time needs it: here is
// what its slot said when the bucket's delta was read from it.
//
// Threads: the sinks' half by the housekeeping thread alone (no allocation, lock or system call); the rest by any thread, never blocking
// the writer. Bounds: kKept states a slot, in memory that costs none before a slot is used; kEndsKept ends.
// Invariants:
//   1. A cell's sequence is odd while it is written, even and never the same again when it is whole.
//   2. Its words are stored with release after the odd sequence, and loaded with acquire before the second look at the sequence: whoever
//      caught a word of a later state sees that the sequence has changed, and leaves the cell out (as SeqRing).
#ifndef HFTMON_DAEMON_STORE_THREAD_STATES_H_
#define HFTMON_DAEMON_STORE_THREAD_STATES_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "absl/container/flat_hash_map.h"
#include "daemon/ingest/sinks.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

struct ThreadState {
  ThreadKey thread;
  uint64_t number = 0;          // of the note, over all threads
  int64_t bucket_begin_ns = 0;  // its last bucket with activity: it is as here since a moment between these two, and was until the end of
  int64_t bucket_end_ns = 0;    // what was asked for
  int64_t out_clock_ns = 0;     // its switch-out by the clock of out_cpu's run queue; 0: it is on a CPU
  uint16_t out_cpu = 0;         // that it left last
  hft_switch_kind out_kind = HFT_SWITCH_UNKNOWN;
};

class ThreadStates : public WindowSink, public LifeSink {
 public:
  static constexpr size_t kKept = 4;
  static constexpr uint64_t kEndsKept = 4'096;
  template <typename Value>
  using ByThread = absl::flat_hash_map<ThreadKey, Value, ThreadKeyHash>;

  // `next` gets every delta and close before it is noted here. It and the slots' memory outlive the object.
  ThreadStates(std::span<hft_thread_slot> slots, WindowSink* next);

  void OnThreadDelta(const ThreadDelta& delta) override;
  void OnBucketClosed(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t read_until_mono_ns) override;
  void OnLife(const LifeEvent& event) override;  // ends only

  // Of each thread as of `mono_ns`, the end of a bucket that closed a moment ago. Who did nothing since it is watched has none, nor has one
  // that was active in kKept buckets since.
  ByThread<ThreadState> At(int64_t mono_ns) const;
  // The newest ends: when a thread left its CPU for the last time.
  ByThread<int64_t> Ends() const;

 private:
  struct ThreadEnd {
    ThreadKey thread;
    int64_t mono_ns = 0;
  };
  static constexpr size_t kWords = 6;
  struct Cell {
    uint64_t sequence;
    uint64_t words[kWords];
  };
  using Cells = std::array<Cell, kKept>;

  std::optional<ThreadState> Read(Cell& cell) const;

  const std::span<hft_thread_slot> slots_;
  WindowSink* const next_;
  const std::unique_ptr<Cells, void (*)(void*)> cells_;  // by slot; zeroed pages
  std::atomic<uint32_t> high_water_{0};                  // single writer
  uint64_t noted_count_ = 0;                             // housekeeping thread
  SeqRing<ThreadEnd> ends_{kEndsKept};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_THREAD_STATES_H_
