// ThreadOverflows: the counters of one thread, read at each overflow of one of them, and what they counted between neighbouring readings.
//
// One thread at a time; `calls` and `memory` outlive it. Costs as CounterGroup, and while it is on an interrupt for each overflow, on the
// CPU and at the expense of the thread that is counted. Drain makes no system call; Finish one, which interrupts nobody. A descriptor for
// each event, and the ring's locked memory.
//
// The group is pinned, as it was tried: it has counters whenever the thread is on a CPU, or never again. So unpinned groups that share
// its counters, hftmon's own of each CPU among them, take turns or stand still meanwhile, and tell it by running for less than they were
// enabled.
//
// The spans follow one another without a gap (but for discarded samples), from Enable to Finish, so their values sum to all that was
// counted meanwhile; a span after a discarded one has its mark of throttling. A sample that finds no room in the ring makes the span around
// it longer and is in no way missing in the sum. While the kernel holds the event back since it overflows too often (throttling), kernels
// from 6.16 on count nothing of the group, older ones go on: such a span is marked, and its values are at least so much.
#ifndef HFTMON_DAEMON_PMU_THREAD_OVERFLOWS_H_
#define HFTMON_DAEMON_PMU_THREAD_OVERFLOWS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/perf/perf_attr.h"
#include "common/perf/perf_sample.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_ring_memory.h"
#include "daemon/pmu/counter_group.h"
#include "daemon/pmu/mapped_perf_ring.h"
#include "daemon/pmu/overflow_event.h"

namespace hftmon {

struct OverflowSpan {
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  uint16_t cpu = 0;                  // where it ended; of the rest: where the one before did
  bool rest = false;                 // it ended with the counting, not with an overflow
  bool throttled = false;            // the event was held back in a part of it
  uint64_t enabled_ns = 0;           // that the thread was on a CPU
  uint64_t running_ns = 0;           // of that, with counters
  std::span<const uint64_t> values;  // of the members, in their order; as counted, not scaled
};

struct OverflowCounts {
  uint64_t sample_count = 0;     // that ended a span
  uint64_t undecoded_count = 0;  // that are not as they were asked for
  uint64_t discarded_count = 0;  // whose time or a value went backwards: counting goes on from them
  uint64_t lost_count = 0;       // that found no room; the last of them are known once it is finished
  uint64_t damage_count = 0;     // as PerfRing
  uint64_t throttle_count = 0;
  int64_t throttled_ns = 0;  // until it was let go on
  // Others held the counters when the thread came onto a CPU: from then on nothing was counted, and there is no rest.
  bool starved = false;

  // Each overflow was an interrupt.
  uint64_t interrupt_count() const { return sample_count + undecoded_count + discarded_count + lost_count; }
  bool complete() const {
    return undecoded_count == 0 && discarded_count == 0 && lost_count == 0 && damage_count == 0 && throttle_count == 0 && !starved;
  }
};

class ThreadOverflows {
 public:
  using Visit = absl::FunctionRef<void(const OverflowSpan&)>;
  struct Options {
    size_t ring_pages = 16;  // a power of two
    PerfEventRefusalFacts facts;
  };

  // Switched off. `members` are read with each overflow. Errors as CounterGroup::Open and MappedPerfRing::Map.
  static absl::StatusOr<ThreadOverflows> Open(PerfEventCalls& calls, PerfRingMemory& memory, pid_t tid, const OverflowEvent& overflow,
                                              std::span<const CountedEvent> members, const Options& options);

  // Where its first span begins.
  absl::Status Enable(int64_t now_mono_ns);
  absl::Status Disable() { return group_.Disable(); }
  // At most so many records, in the order in which they were written; how many.
  size_t Drain(size_t records_max, Visit visit);
  // After Disable, once the ring is drained: the rest of what was counted, by reading it. That there is none, since it had no counters, is
  // no error but counted.
  absl::Status Finish(int64_t end_mono_ns, Visit visit);

  pid_t tid() const { return group_.place().tid; }
  size_t event_count() const { return group_.size(); }
  size_t ring_bytes() const { return ring_.bytes(); }
  OverflowCounts counts() const;

 private:
  ThreadOverflows(CounterGroup group, MappedPerfRing ring, const PerfAttr& layout);

  void Take(const PerfRecord& record, Visit visit);
  void TakeSample(const PerfRecord& record, Visit visit);
  void TakeThrottle(const PerfRecord& record);
  void LetGo(int64_t until_mono_ns);
  // False: it is not as the group is.
  bool ReadingsOf(const PerfReadValues& read);
  // From the last reading to this one, `readings_`.
  void Advance(OverflowSpan span, Visit visit);

  CounterGroup group_;
  MappedPerfRing ring_;  // unmapped before the group is closed
  PerfAttr layout_;
  std::vector<CounterReading> last_;      // of each event, the overflowing one first
  std::vector<CounterReading> readings_;  // the same, of a sample
  std::vector<uint64_t> values_;
  int64_t last_mono_ns_ = 0;
  uint16_t last_cpu_ = 0;
  int64_t held_since_mono_ns_ = 0;  // 0: it is not held back
  bool held_told_ = false;          // the sample of the overflow that was one too many has come
  bool throttled_ = false;          // the span that goes on, or one discarded before it
  uint64_t lost_by_reading_ = 0;
  OverflowCounts counts_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_THREAD_OVERFLOWS_H_
