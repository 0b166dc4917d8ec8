#include "daemon/counter_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

struct CountingSink final : CounterSink {
  void OnCounterSet(const CounterSet&) override {}
  void OnCounterSpan(const CounterSpan&) override {
    seen.fetch_add(1, std::memory_order_relaxed);
    seen.notify_all();
  }
  void OnCounterLoss(uint16_t, uint64_t, int64_t, int64_t) override {}
  std::atomic<int> seen{0};
};

TEST(CounterThreadTest, ItReadsWhileItIsWantedAndWhatIsLeftBeforeItStops) {
  std::vector<hft_cpu_counters> cpus(1);
  std::vector<hft_counter_span> spans(8);
  CountingSink sink;
  FakeMonotonicClock clock;
  CounterRingReader::Parts parts;
  parts.view.cpu_counters = cpus;
  parts.view.counter_spans = spans;
  parts.view.counter_ring_spans = 8;
  parts.sink = &sink;
  parts.set = [] { return CounterSet{.number = 1}; };
  CounterThread thread(parts, &clock);
  const auto put = [&] {
    const uint64_t position = cpus[0].position;
    spans[position].set = 1;
    std::atomic_ref<__u32>(spans[position].sequence).store(static_cast<uint32_t>(position + 1), std::memory_order_release);
    std::atomic_ref<__u64>(cpus[0].position).store(position + 1, std::memory_order_release);
  };
  put();
  thread.Start();
  thread.SetWanted(true);
  sink.seen.wait(0, std::memory_order_relaxed);
  put();
  thread.Stop();
  EXPECT_EQ(sink.seen.load(std::memory_order_relaxed), 2);
  EXPECT_EQ(thread.lost_count(), 0u);
}

}  // namespace
}  // namespace hftmon
