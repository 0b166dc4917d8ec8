// StackRingReader: takes stack records out of the programs' ring (daemon/bpf/stack_events.h), and counts those that were overwritten first.
// Threads: one at a time, which is the ring's only reader; lost_count() by any.
#ifndef HFTMON_DAEMON_STACKS_STACK_RING_READER_H_
#define HFTMON_DAEMON_STACKS_STACK_RING_READER_H_

#include <linux/types.h>

#include <atomic>
#include <cstdint>

#include "daemon/bpf/stack_events.h"

namespace hftmon {

class StackRingReader {
 public:
  // A record that stays unwritten for so many reads is given up.
  static constexpr int kReadsUntilGivenUp = 10;

  explicit StackRingReader(const hft_stack_ring* ring) : ring_(ring) {}

  // The next record; false when there is none yet.
  bool Read(hft_stack* record);
  uint64_t lost_count() const { return lost_count_.load(std::memory_order_relaxed); }

 private:
  void Skip(uint64_t count);

  const hft_stack_ring* const ring_;
  uint64_t next_ = 0;
  int reads_in_vain_ = 0;
  std::atomic<uint64_t> lost_count_{0};  // relaxed: a figure that stands for itself
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_STACK_RING_READER_H_
