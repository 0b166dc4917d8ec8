// CounterRingReader: takes the spans of what threads counted out of each CPU's ring (daemon/bpf/counter_events.h), for each CPU in
// the order in which they were written, and gives them to a sink.
//
// What was written over before it was read is told as a loss with its count, exactly, and with the times between which it was. All spans of
// one set come before the first one of the next; those of a set that came and went between two looks are losses. One thread; allocates
// where a set is announced only. Bound of a look: what the rings held when it began.
#ifndef HFTMON_DAEMON_INGEST_COUNTER_RING_READER_H_
#define HFTMON_DAEMON_INGEST_COUNTER_RING_READER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/counter_span.h"

namespace hftmon {

class CounterRingReader {
 public:
  // The view's memory and the sink outlive the reader; `set` tells the set in force.
  struct Parts {
    KernelView view;
    CounterSink* sink = nullptr;
    std::function<CounterSet()> set;
  };
  // Begins with what is written from now on.
  explicit CounterRingReader(Parts parts);

  struct Look {
    uint64_t span_count = 0;
    uint64_t lost_count = 0;
    bool crowded = false;  // a ring was half full: look again soon
  };
  Look Drain(int64_t now_mono_ns);

 private:
  struct Ring {
    uint64_t read_position = 0;
    uint64_t lost_count = 0;    // not told yet
    int64_t told_until_ns = 0;  // the end of the last span, or of the last loss
  };

  // False: the next span is of a later set than the one that was announced.
  bool DrainRing(uint16_t cpu, int64_t now_mono_ns, Look* look);
  bool DrainAll(int64_t now_mono_ns, Look* look);
  bool Copy(uint16_t cpu, uint64_t position, hft_counter_span* span) const;
  uint32_t SetOf(const hft_counter_span& span) const;
  void TellLoss(uint16_t cpu, int64_t end_mono_ns, Look* look);
  void TellSpan(uint16_t cpu, const hft_counter_span& span, Look* look);

  const Parts parts_;
  std::vector<Ring> rings_;  // by CPU
  uint32_t announced_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_COUNTER_RING_READER_H_
