// ingest_bench: records a second through ring, merger, interval builder and the real sinks (windows, history, spike detector) on one core.
//
// Prints one JSON line per mode. "drain": the rings are filled beforehand, the consumer alone is timed. "stream": a producer thread writes
// as the kernel does while the loop runs, held back only when a ring is nearly full. Every record is a wait above the threshold with two
// runners, so each one is an interval, an entry of the history and a spike. Usage: ingest_bench [records per mode, default 20000000]
// [drain|stream]. Exit code: 1 when a record was lost or something was allocated, 2 when the drain into the real sinks is slower than its
// gate, else 0.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/analysis/spike_detector.h"
#include "daemon/ingest/housekeeping_loop.h"
#include "daemon/os/file_root.h"
#include "daemon/os/raw_clocks.h"
#include "daemon/os/tsc.h"
#include "daemon/os/tsc_clock.h"
#include "daemon/store/event_recorder.h"
#include "daemon/store/loss_history.h"
#include "daemon/store/window_store.h"
#include "tests/fakes/allocation_counter.h"
#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr uint32_t kRings = 4;
constexpr uint32_t kRingCells = 4096;
constexpr uint16_t kThreads = 64;
constexpr double kGateRecordsPerSecond = 10e6;
constexpr double kStreamLimitSeconds = 20;

class NullSinks : public IntervalSink, public LifeSink, public WindowSink {
 public:
  void OnInterval(const OffCpuInterval&) override {}
  void OnLoss(const LossEvent&) override {}
  void OnLife(const LifeEvent&) override {}
  void OnThreadDelta(const ThreadDelta&) override {}
  void OnBucketClosed(int64_t, int64_t, int64_t) override {}
};

// Writes waits of kThreads threads into the rings in turn, stamped with a count that stands for time.
class Producer {
 public:
  Producer(FakeKernelView* kernel, int64_t begin_mono_ns) : kernel_(kernel), mono_ns_(begin_mono_ns) {
    for (uint16_t slot = 1; slot <= kThreads; ++slot) kernel_->Follow({.slot = slot, .tid = slot + 1000u, .tgid = 1000, .start_ns = slot});
    in_.tgid = 1000;
    in_.out.kind = HFT_SWITCH_USER_PREEMPTION;
    in_.out.syscall = -1;
    in_.depth = 2;
    in_.runner_count = 2;
    in_.wait_ns = 80'000;
  }

  void PutOne() {
    const uint32_t cpu = count_ % kRings;
    const uint16_t slot = static_cast<uint16_t>(1 + count_ % kThreads);
    const uint64_t clock_ns = 1'000'000 + 100 * count_;
    in_.tid = slot + 1000u;
    in_.slot = slot;
    in_.in_clock_ns = clock_ns;
    in_.out_clock_ns = clock_ns - 90'000;
    in_.queued_clock_ns = clock_ns - 80'000;
    in_.runners[0] = {clock_ns - 85'000, 500 + cpu, 500};
    in_.runners[1] = {clock_ns - 30'000, 600 + cpu, 600};
    kernel_->Put(cpu, HFT_RECORD_SWITCH_IN, in_, ++mono_ns_);
    if (++count_ % 16 == 0) {  // the kernel's own counts, sampled into the windows
      kernel_->SwitchOut(slot, false, HFT_SWITCH_USER_PREEMPTION);
      kernel_->SwitchIn(slot, 80'000, 90'000, 2);
    }
  }
  uint64_t count() const { return count_; }

 private:
  FakeKernelView* kernel_;
  int64_t mono_ns_;
  uint64_t count_ = 0;
  hft_switch_in in_{};
};

// The daemon's chain of sinks, or one that does nothing, around the real loop.
class Chain {
 public:
  Chain(const MonotonicClock* clock, bool real)
      : spikes_(1 << 12), events_(1 << 16), detector_(clock, &spikes_, 64), recorder_(&events_), windows_({}) {
    detector_.SetThresholds(50'000, 0);
    HousekeepingLoop::Wiring wiring;
    wiring.view = kernel_.view();
    wiring.clock = clock;
    wiring.sleep_ns = [](int64_t) { std::abort(); };
    if (real) {
      wiring.interval_sinks = {&detector_, &recorder_, &losses_};
      wiring.life_sinks = {&recorder_};
      wiring.window_sink = &windows_;
    } else {
      wiring.interval_sinks = {&null_};
      wiring.life_sinks = {&null_};
      wiring.window_sink = &null_;
    }
    loop_ = std::make_unique<HousekeepingLoop>(std::move(wiring), HousekeepingLoop::Options{.policy = &kLatencyPolicy});
  }
  FakeKernelView& kernel() { return kernel_; }
  HousekeepingLoop& loop() { return *loop_; }
  uint64_t spike_count() const { return spikes_.end(); }
  uint64_t event_count() const { return events_.end(); }
  int64_t windows_until_ns() const { return windows_.closed_until_mono_ns(); }

 private:
  FakeKernelView kernel_{{.cpus = kRings, .ring_cells = kRingCells, .slots = 1024}};
  SpikeHistory spikes_;
  SeqRing<SwitchEvent> events_;
  SpikeDetector detector_;
  EventRecorder recorder_;
  LossHistory losses_;
  WindowStore windows_;
  NullSinks null_;
  std::unique_ptr<HousekeepingLoop> loop_;
};

// Records that the loop has done with: taken, overwritten, or given up because the producer stood still for too long inside one.
uint64_t SettledCount(const LoopStats& stats) {
  return stats.record_count.Get() + stats.lost_count.Get() + stats.stuck_count.Get();
}

struct Result {
  double median_per_s = 0;
  double best_per_s = 0;
  uint64_t allocations = 0;
};

double WallSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double ThreadCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void Summarize(std::vector<double>* rates, Result* result) {
  std::sort(rates->begin(), rates->end());
  result->median_per_s = (*rates)[rates->size() / 2];
  result->best_per_s = rates->back();
}

Result Drain(Chain* chain, Producer* producer, uint64_t records) {
  Result result;
  std::vector<double> rates;
  while (producer->count() < records) {
    for (uint32_t i = 0; i < kRings * kRingCells; ++i) producer->PutOne();
    const uint64_t before = allocation_count;
    const double begin = ThreadCpuSeconds();
    while (SettledCount(chain->loop().stats()) < producer->count()) chain->loop().RunOnce();
    const double end = ThreadCpuSeconds();
    result.allocations += allocation_count - before;
    rates.push_back(kRings * kRingCells / (end - begin));
  }
  Summarize(&rates, &result);
  return result;
}

Result Stream(Chain* chain, Producer* producer, uint64_t records) {
  Result result;
  std::atomic<bool> stop{false};
  const LoopStats& stats = chain->loop().stats();
  std::thread consumer([&] {
    const uint64_t before = allocation_count;
    chain->loop().Run(stop);
    result.allocations = allocation_count - before;
  });
  std::vector<double> rates;
  const uint64_t step = std::max<uint64_t>(records / 100, 1);
  uint64_t taken = 0;
  const double limit = WallSeconds() + kStreamLimitSeconds;
  while (taken < records && WallSeconds() < limit) {
    const double begin = WallSeconds();
    for (const uint64_t goal = taken + step; taken < goal; taken = stats.record_count.Get()) {
      // Half of each ring is room for what the producer writes before it looks again.
      if (producer->count() - taken > kRings * kRingCells / 2) {
        std::this_thread::yield();
        continue;
      }
      for (int i = 0; i < 256; ++i) producer->PutOne();
    }
    rates.push_back(static_cast<double>(step) / (WallSeconds() - begin));
  }
  while (SettledCount(stats) < producer->count()) std::this_thread::yield();
  stop.store(true, std::memory_order_relaxed);
  consumer.join();
  Summarize(&rates, &result);
  return result;
}

// Whether nothing was lost, given up or allocated, and whether the
// gate is met; the producer holds a stream back, so its rate has none.
std::pair<bool, bool> RunMode(const char* mode, bool real, const MonotonicClock& clock, uint64_t records) {
  Chain chain(&clock, real);
  Producer producer(&chain.kernel(), clock.NowNs());
  const bool stream = mode[0] == 's';
  const Result result = stream ? Stream(&chain, &producer, records) : Drain(&chain, &producer, records);
  const LoopStats& stats = chain.loop().stats();
  const uint64_t lost = stats.lost_count.Get();
  const uint64_t stuck = stats.stuck_count.Get();
  std::printf(
      "{\"bench\": \"ingest\", \"mode\": \"%s\", \"timed_in\": \"%s\", \"sinks\": \"%s\", \"rings\": %u, \"records\": %llu, "
      "\"records_per_s\": %.0f, "
      "\"ns_per_record\": %.1f, \"best_records_per_s\": %.0f, \"lost\": %llu, \"stuck\": %llu, \"allocations\": %llu, \"spikes\": %llu, "
      "\"events\": %llu, "
      "\"gaps\": %llu, \"gap_max_ns\": %lld, \"gate_records_per_s\": %.0f, \"gate_met\": %s}\n",
      mode, stream ? "wall time" : "cpu time", real ? "real" : "null", kRings, static_cast<unsigned long long>(stats.record_count.Get()),
      result.median_per_s, 1e9 / result.median_per_s, result.best_per_s, static_cast<unsigned long long>(lost),
      static_cast<unsigned long long>(stuck), static_cast<unsigned long long>(result.allocations),
      static_cast<unsigned long long>(chain.spike_count()), static_cast<unsigned long long>(chain.event_count()),
      static_cast<unsigned long long>(stats.gap_count.Get()), static_cast<long long>(stats.gap_max_ns.Get()), kGateRecordsPerSecond,
      result.median_per_s >= kGateRecordsPerSecond ? "true" : "false");
  std::fflush(stdout);
  const bool all_there = !real || (chain.spike_count() == stats.record_count.Get() && chain.event_count() == stats.record_count.Get());
  const bool gate_met = !real || stream || result.median_per_s >= kGateRecordsPerSecond;
  return {lost + stuck == 0 && result.allocations == 0 && all_there, gate_met};
}

int Main(int argc, char** argv) {
  const uint64_t records = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000'000;
  if (records == 0) {
    std::fprintf(stderr, "ingest_bench: '%s' is not a number of records: give one above 0\n", argv[1]);
    return 2;
  }
  const SystemRawClocks clocks;
  const TscClock clock(&clocks, FileRoot("/"), TscIsInvariant());
  bool whole = true;
  bool fast = true;
  for (const char* mode : {"drain", "stream"}) {
    if (argc > 2 && std::strcmp(argv[2], mode) != 0) continue;
    for (const bool real : {false, true}) {
      const auto [is_whole, is_fast] = RunMode(mode, real, clock, records);
      whole = whole && is_whole;
      fast = fast && is_fast;
    }
  }
  if (!whole) return 1;
  return fast ? 0 : 2;
}

}  // namespace
}  // namespace hftmon

int main(int argc, char** argv) {
  return hftmon::Main(argc, argv);
}
