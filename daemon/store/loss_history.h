// LossHistory: when ring records were lost, and how many.
//
// Threads: OnLoss by the housekeeping thread (no allocation, lock or system call); the rest by any thread. Bounded: the newest losses are
// kept one by one, older ones as one sum.
#ifndef HFTMON_DAEMON_STORE_LOSS_HISTORY_H_
#define HFTMON_DAEMON_STORE_LOSS_HISTORY_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "common/time_span.h"
#include "daemon/ingest/sinks.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

class LossHistory : public IntervalSink {
 public:
  static constexpr uint64_t kCapacityDefault = 1024;
  explicit LossHistory(uint64_t capacity = kCapacityDefault) : losses_(capacity) {}

  void OnInterval(const OffCpuInterval&) override {}
  void OnLoss(const LossEvent& loss) override;

  // Records lost since start, all rings: exact.
  uint64_t total() const { return total_.load(std::memory_order_relaxed); }
  // Records lost whose time may lie in [begin, end]: an upper bound. Exact to the loss events' own times, except for a window that reaches
  // back before the losses still kept one by one: there all older ones count.
  uint64_t LostBetween(int64_t begin_mono_ns, int64_t end_mono_ns) const;
  // When on which CPU records were lost, of losses that touch [begin, end]; the older ones together are one, of any CPU, from the
  // beginning.
  std::vector<CpuTimeSpan> SpansWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const;
  uint64_t bytes() const { return losses_.bytes() + sizeof(*this); }

 private:
  uint64_t KeptBetween(int64_t begin_mono_ns, int64_t end_mono_ns) const;

  SeqRing<LossEvent> losses_;
  // Single writer. A loss is added to the older ones before its cell is overwritten: readers may see it twice, never not at all.
  std::atomic<uint64_t> total_{0};
  std::atomic<uint64_t> older_count_{0};
  std::atomic<int64_t> older_until_mono_ns_{INT64_MIN};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_LOSS_HISTORY_H_
