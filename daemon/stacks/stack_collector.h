// StackCollector: stacks out of the programs' ring, unwound, kept for those who ask for the spike that they belong to.
//
// Owner: the daemon. Threads: one of its own, which sleeps while no target asks for stacks; Find, Enable and counters by any thread. Never
// the housekeeping thread. Bounds: kQueueMax records wait (then the newest are dropped), kCacheMax unwound stacks are remembered by what
// they were made of for kCacheAgeNs, kKeptMax are kept by (tid, time), oldest forgotten first.
#ifndef HFTMON_DAEMON_STACKS_STACK_COLLECTOR_H_
#define HFTMON_DAEMON_STACKS_STACK_COLLECTOR_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "common/monotonic_clock.h"
#include "daemon/stacks/stack_ring_reader.h"
#include "daemon/stacks/stack_source.h"
#include "daemon/stacks/stack_unwinder.h"

namespace hftmon {

class StackCollector : public StackSource {
 public:
  static constexpr size_t kQueueMax = 256;
  static constexpr size_t kCacheMax = 256;
  static constexpr int64_t kCacheAgeNs = 5'000'000'000;
  static constexpr size_t kKeptMax = 1024;
  static constexpr int64_t kPollNs = 1'000'000;

  struct Counters {
    uint64_t stack_count = 0;
    uint64_t lost_count = 0;         // overwritten in the ring, or no room in the queue
    uint64_t unavailable_count = 0;  // a part that was asked for could not be had
    uint64_t cache_hit_count = 0;
    uint64_t evicted_count = 0;  // from the cache before their time
    int64_t cache_size = 0;
    int64_t kept_size = 0;
    int64_t unwind_sum_ns = 0;
  };

  // What is pointed to outlives the collector.
  StackCollector(const hft_stack_ring* ring, StackUnwinder* unwinder, const MonotonicClock* clock);
  ~StackCollector() override { Stop(); }

  void Start();
  // Returns when the record in hand is done: cancel the unwinder first.
  void Stop();
  // Whether any target asks for stacks.
  void Enable(bool wanted);

  // Takes what the ring holds and unwinds all of it: what the thread does, for tests without it.
  void Drain();

  std::shared_ptr<const Stack> Find(uint32_t tid, int64_t end_mono_ns) const override;
  Counters counters() const;

 private:
  struct Remembered {
    hft_stack record;
    std::shared_ptr<const Stack> stack;
    int64_t made_mono_ns = 0;
  };

  void Run();
  void FillQueue();
  std::shared_ptr<const Stack> MakeStack(const hft_stack& record);
  std::shared_ptr<const Stack> Remember(const hft_stack& record, uint64_t hash);
  void Keep(const hft_stack& record, std::shared_ptr<const Stack> stack);

  const MonotonicClock* const clock_;
  StackUnwinder* const unwinder_;
  StackRingReader reader_;

  // The collector's thread.
  std::deque<hft_stack> queue_;
  std::map<uint64_t, Remembered> cache_;  // by hash; what it was made of is compared whole
  std::deque<uint64_t> cache_order_;      // oldest first

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool wanted_ = false;
  std::map<std::pair<uint32_t, int64_t>, std::shared_ptr<const Stack>> kept_;
  std::deque<std::pair<uint32_t, int64_t>> kept_order_;  // oldest first
  Counters counters_;
  std::thread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_STACK_COLLECTOR_H_
