// One writer that laps its readers all the time; the thread sanitizer looks on in its own build.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "daemon/store/loss_history.h"
#include "daemon/store/seq_ring.h"
#include "daemon/store/window_store.h"
#include "tests/daemon/store/random_delta.h"

namespace hftmon {
namespace {

// Joins its threads when it goes out of scope.
class Readers {
 public:
  Readers() = default;
  template <typename Body>
  void Start(int count, Body body) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, body] {
        while (!stop_.load(std::memory_order_relaxed)) body();
        body();
      });
    }
  }
  ~Readers() {
    stop_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

TEST(StoreConcurrencyTest, AnEntryReadWhileTheWriterLapsTheRingIsWhole) {
  struct Entry {
    std::array<uint64_t, 512> words;  // long, so that a copy is often lapped while it is made
  };
  SeqRing<Entry> ring(2);
  std::atomic<uint64_t> read_count{0};
  std::atomic<uint64_t> torn_count{0};
  {
    Readers readers;
    readers.Start(2, [&] {
      for (uint64_t n = ring.begin(); n < ring.end(); ++n) {
        Entry entry;
        if (ring.Read(n, &entry) != SeqRead::kOk) continue;
        read_count.fetch_add(1, std::memory_order_relaxed);
        for (size_t i = 0; i < entry.words.size(); ++i) {
          if (entry.words[i] != n * 31 + i) torn_count.fetch_add(1, std::memory_order_relaxed);
        }
      }
    });
    Entry entry;
    for (uint64_t n = 0; n < 40'000; ++n) {
      for (size_t i = 0; i < entry.words.size(); ++i) entry.words[i] = n * 31 + i;
      ring.Append(entry);
    }
  }
  EXPECT_GT(read_count.load(std::memory_order_relaxed), 0u);
  EXPECT_EQ(torn_count.load(std::memory_order_relaxed), 0u);
}

// Every bucket holds, for each of a few threads, counts that follow from the bucket's number; so the sum between any two edges is known.
TEST(StoreConcurrencyTest, AnswersAreExactWhileTheWriterLapsTheReaders) {
  constexpr int64_t kWidthNs = 10'000'000;
  constexpr uint16_t kThreads = 5;
  WindowStore store({.fine_bytes = 64 << 10, .second_bytes = 64 << 10, .minute_bytes = 64 << 10, .slot_count = 16});
  std::atomic<uint64_t> wrong_count{0};
  std::atomic<uint64_t> answer_count{0};
  const auto check = [&](const WindowAnswer& answer) {
    const auto first = static_cast<uint64_t>(answer.begin_mono_ns / kWidthNs);
    const auto end = static_cast<uint64_t>(answer.end_mono_ns / kWidthNs);
    if (first == end) return;
    answer_count.fetch_add(1, std::memory_order_relaxed);
    const uint64_t numbers = (first + end - 1) * (end - first) / 2;
    bool right = answer.threads.size() == kThreads;
    for (const ThreadWindow& thread : answer.threads) {
      const uint64_t slot = thread.thread.tid - ThreadOfSlot(0).tid;
      right = right && thread.voluntary_count == numbers && thread.off_cpu_count == (end - first) * (slot + 1) &&
              thread.run_queue[slot] == numbers && thread.off_cpu[200 + slot] == end - first &&
              thread.off_cpu_max_ns == static_cast<int64_t>(end - 1);
    }
    if (!right) wrong_count.fetch_add(1, std::memory_order_relaxed);
  };
  {
    Readers readers;
    readers.Start(2, [&] {
      const int64_t now = store.closed_until_mono_ns();
      // A second, the oldest that the fine log may still hold, and everything.
      check(store.Query(std::max<int64_t>(0, now - 1'000'000'000), now, {}));
      check(store.Query(std::max<int64_t>(0, now - 120 * kWidthNs), now, {}));
      check(store.Query(0, now, {}));
    });
    ThreadDelta delta;
    for (uint64_t bucket = 0; bucket < 30'000; ++bucket) {
      for (uint16_t slot = 0; slot < kThreads; ++slot) {
        delta = ThreadDelta{};
        delta.slot = slot;
        delta.thread = ThreadOfSlot(slot);
        delta.voluntary_count = bucket;
        delta.off_cpu_count = slot + 1u;
        delta.run_queue.Add(slot, bucket);
        delta.off_cpu.Add(200u + slot, 1);
        delta.off_cpu_max_ns = static_cast<int64_t>(bucket);
        store.OnThreadDelta(delta);
      }
      const auto begin = static_cast<int64_t>(bucket) * kWidthNs;
      store.OnBucketClosed(begin, begin + kWidthNs, begin + kWidthNs);
    }
  }
  EXPECT_GT(answer_count.load(std::memory_order_relaxed), 0u);
  EXPECT_EQ(wrong_count.load(std::memory_order_relaxed), 0u);
  EXPECT_EQ(store.dropped_count(), 0u);
}

TEST(StoreConcurrencyTest, NoLossGoesUnseenWhileLossesAgeOut) {
  LossHistory history(4);
  std::atomic<uint64_t> reported{0};
  std::atomic<uint64_t> missed_count{0};
  {
    Readers readers;
    readers.Start(2, [&] {
      const uint64_t before = reported.load(std::memory_order_acquire);
      if (history.LostBetween(0, INT64_MAX) < before) missed_count.fetch_add(1, std::memory_order_relaxed);
    });
    for (int64_t i = 0; i < 200'000; ++i) {
      history.OnLoss({.lost_count = 1, .begin_mono_ns = i, .end_mono_ns = i});
      reported.store(static_cast<uint64_t>(i) + 1, std::memory_order_release);
    }
  }
  EXPECT_EQ(missed_count.load(std::memory_order_relaxed), 0u);
  EXPECT_EQ(history.total(), 200'000u);
}

}  // namespace
}  // namespace hftmon
