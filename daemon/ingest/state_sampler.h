// StateSampler: looks at what CPUs do, at the ticks of a grid, up to a million times a second, for as long as somebody asked.
//
// Reads: CpuState of each CPU asked for; every kLookNs one watched thread's slot (out_clock_ns; of one that left its CPU also `out` and,
// where it asks for it, its entry in the table of wakers): its lines are those that its own switches write. Produces: StateSamples.
//
// Threads: Look and the ticks by the housekeeping thread, without allocation, lock or system call; Begin, result and End by whoever asks,
// any thread. Memory is reserved at construction and touched by Begin. Bounds: one sampling at a time; duration / interval ticks.
// While nobody asks Look is one test of a word of its own: no CPU's line is read.
//
// Ticks: due at begin + n * interval. One is on time when it is taken within kOnTimeNs, else late; when the one after it is due already it
// is missed. The loop gives a chance for a tick between two pieces of its work (TickIfDue).
//
// Invariants of `phase_`, by whom it is changed:
//   1. kFree -> kFilling -> kAsked by who asks. kFilling: the memory is its own. kAsked (release) publishes it to the loop.
//   2. kAsked -> kRunning by the loop (acquire): the memory is the loop's.
//   3. kRunning -> kDone (release) by the loop: the memory is that of who asked, who reads it after an acquire of kDone.
//   4. End: kAsked -> kFree and kDone -> kFree by who asked; kRunning -> kAbandoned, which the loop makes kFree (release) at its next look.
#ifndef HFTMON_DAEMON_INGEST_STATE_SAMPLER_H_
#define HFTMON_DAEMON_INGEST_STATE_SAMPLER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "common/monotonic_clock.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/state_samples.h"
#include "daemon/ingest/waker_table.h"

namespace hftmon {

class StateSampler {
 public:
  static constexpr int64_t kOnTimeNs = 1'000;
  static constexpr int64_t kLookNs = 16'000;  // or at each tick, where those are fewer

  struct Request {
    std::span<const int> cpus;  // of the view, each once
    int64_t duration_ns = 0;    // at least one interval
    int64_t interval_ns = 0;
    bool may_spin = false;  // the loop need not sleep until it is over
  };

  // What is pointed to outlives the sampler; `wakers` may be nullptr.
  StateSampler(const KernelView& view, const MonotonicClock* clock, const WakerTable* wakers);
  StateSampler(const StateSampler&) = delete;
  StateSampler& operator=(const StateSampler&) = delete;

  // False: somebody samples already. Else the caller's until End.
  bool Begin(const Request& request);
  // nullptr until it is over; valid until End.
  const StateSamples* result() const;
  // Whether it is over or not. Another may begin when the loop has noticed.
  void End();

  // The loop's. Whether somebody asks, once an iteration.
  void Look(int64_t now_ns) {
    // Relaxed: Start acquires, and who has abandoned it publishes nothing.
    const uint32_t phase = phase_.load(std::memory_order_relaxed);
    if (phase == kAsked) Start(now_ns);
    if (phase == kAbandoned) Finish(SamplingEnd::kWhole);
  }
  void TickIfDue() {
    if (active_) TickAt(clock_->NowNs());
  }
  void TickAt(int64_t now_ns) {
    if (active_ && now_ns >= due_ns_) Tick(now_ns);
  }
  bool active() const { return active_; }
  bool spins() const { return active_ && may_spin_; }
  int64_t due_ns() const { return due_ns_; }

 private:
  enum Phase : uint32_t { kFree, kFilling, kAsked, kRunning, kAbandoned, kDone };
  static constexpr uint16_t kNotAsked = 0xffff;

  void ListWatched();
  void Start(int64_t now_ns);
  void Tick(int64_t now_ns);
  void SkipMissed(int64_t now_ns);
  void NoteLateness(int64_t late_ns);
  void SampleCpu(CpuSamples* samples, int64_t now_ns);
  void NoteRunner(CpuSamples* samples, int64_t now_ns);
  void NoteInterrupts(CpuSamples* samples, int64_t now_ns);
  void LookAtWatched();
  int WaitsFor(uint16_t slot) const;
  void Finish(SamplingEnd end);

  KernelView view_;
  const MonotonicClock* clock_;
  const WakerTable* wakers_;
  std::unique_ptr<CpuSamples, void (*)(void*)> cpus_;    // one per possible CPU; the first cpu_count_ are in use
  std::unique_ptr<uint16_t, void (*)(void*)> index_of_;  // of each CPU in cpus_
  std::unique_ptr<uint16_t, void (*)(void*)> watched_;   // slots; the first watched_count of samples_
  StateSamples samples_{};
  std::atomic<uint32_t> phase_{kFree};
  // Handed over with the phase.
  uint32_t cpu_count_ = 0;
  uint64_t tick_count_ = 0;
  uint32_t ticks_a_look_ = 1;
  bool may_spin_ = false;
  // The loop's.
  bool active_ = false;
  uint64_t next_tick_ = 0;
  int64_t due_ns_ = 0;
  uint32_t next_watched_ = 0;
  uint32_t ticks_to_look_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_STATE_SAMPLER_H_
