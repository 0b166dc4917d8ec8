// Where the housekeeping loop delivers. Called by the housekeeping thread only, in the order of time; an implementation must not
// allocate, lock or make a system call, and returns in a bounded time.
#ifndef HFTMON_DAEMON_INGEST_SINKS_H_
#define HFTMON_DAEMON_INGEST_SINKS_H_

#include "daemon/ingest/boost_step.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

class IntervalSink {
 public:
  virtual ~IntervalSink() = default;
  virtual void OnInterval(const OffCpuInterval& interval) = 0;
  virtual void OnLoss(const LossEvent& loss) = 0;
};

class InterruptionSink {
 public:
  virtual ~InterruptionSink() = default;
  // At the end of a stretch. A stretch that went on after all is told again, with the same start and a later end.
  virtual void OnInterruption(const Interruption& interruption) = 0;
};

class KernelStallSink {
 public:
  virtual ~KernelStallSink() = default;
  virtual void OnKernelStall(const EndedKernelStall& stall) = 0;
};

// Stalls that still go on. Each is told when it crosses the kernel's threshold and again, with the same slot and out_clock_ns (a stretch:
// CPU and start), at each higher one that somebody has (StallLevels); its end comes to the sinks above.
class StallSink {
 public:
  virtual ~StallSink() = default;
  // A wait: what is known of it so far, up to end_mono_ns, which is now.
  virtual void OnStalled(const OffCpuInterval& so_far, int64_t crossing_mono_ns) = 0;
  // A stretch of interrupts, likewise.
  virtual void OnInterrupted(const Interruption& so_far, int64_t crossing_mono_ns) = 0;
  // A wait that was told is over, and if OnInterval has not come by now, its record never will: it was lost, the thread is watched no more,
  // or the scheduler's clock found the wait just below the threshold. It is known to have lasted until `waiting_until_mono_ns`.
  virtual void OnStallOver(uint16_t slot, int64_t out_clock_ns, int64_t waiting_until_mono_ns) = 0;
  // The same of a stretch of interrupts.
  virtual void OnStretchOver(uint16_t cpu, int64_t start_mono_ns, int64_t lasting_until_mono_ns) = 0;
};

// Threads that are held up now by what no record tells the beginning of, found by looking (SleepWatch, KernelStallWatch): they sleep or are
// blocked, or the kernel does something in their time. Each is told when it has crossed the threshold and again, with the same slot and
// beginning, at each higher one that somebody has, and each second, so that the last telling is never old: crossing_mono_ns is 0 then. The
// end comes to the sinks above.
class HeldUpSink {
 public:
  virtual ~HeldUpSink() = default;
  // Its off-CPU interval so far, up to end_mono_ns, which is now. Of one that began before watching did an OnInterval without its
  // switch-out (out_clock_ns 0) tells the end, where its wait for a CPU makes one.
  virtual void OnAsleep(const OffCpuInterval& so_far, int64_t crossing_mono_ns) = 0;
  // It is over, and if OnInterval has not come by now its record never will: as StallSink::OnStallOver. No other sleep of the slot is told
  // before that.
  virtual void OnSleepOver(uint16_t slot, int64_t out_clock_ns, int64_t asleep_until_mono_ns) = 0;
  // The same of what the kernel does: end_mono_ns is now.
  virtual void OnKernelStallGoesOn(const EndedKernelStall& so_far, int64_t crossing_mono_ns) = 0;
  // Sleeps that could be told now and are not, because so many are told already.
  virtual void OnUnfollowed(uint64_t sleep_count) = 0;
  virtual void OnKernelStallOver(uint16_t slot, hft_kernel_what what, int64_t start_mono_ns, int64_t lasting_until_mono_ns) = 0;
};

class BoostSink {
 public:
  virtual ~BoostSink() = default;
  virtual void OnBoost(const BoostStep& step) = 0;
};

class LifeSink {
 public:
  virtual ~LifeSink() = default;
  virtual void OnLife(const LifeEvent& event) = 0;
};

class WindowSink {
 public:
  virtual ~WindowSink() = default;
  // All deltas of one bucket, then its close. A thread without activity in the bucket is not delivered. Slots are read one after the other,
  // from the bucket's end until `read_until_mono_ns`: what a thread did in between stands in this bucket or in the next.
  virtual void OnThreadDelta(const ThreadDelta& delta) = 0;
  virtual void OnBucketClosed(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t read_until_mono_ns) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_SINKS_H_
