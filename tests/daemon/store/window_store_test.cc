#include "daemon/store/window_store.h"

#include <gtest/gtest.h>

#include <cinttypes>

#include "tests/daemon/store/random_delta.h"

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;

struct Bucket {
  int64_t begin_mono_ns;
  int64_t end_mono_ns;
  std::vector<ThreadDelta> deltas;
};

// A store and the buckets it was given, kept whole.
class Model {
 public:
  explicit Model(const WindowStore::Options& options, int64_t start_mono_ns = 0) : store(options), now(start_mono_ns) {}

  void Close(int64_t width_ns, std::vector<ThreadDelta> deltas) {
    for (ThreadDelta& delta : deltas) {
      delta.begin_mono_ns = now;
      delta.end_mono_ns = now + width_ns;
      store.OnThreadDelta(delta);
    }
    store.OnBucketClosed(now, now + width_ns, now + width_ns);
    buckets.push_back({now, now + width_ns, std::move(deltas)});
    now += width_ns;
  }

  ThreadSums Sum(int64_t begin, int64_t end) const {
    ThreadSums sums;
    for (const Bucket& bucket : buckets) {
      if (bucket.begin_mono_ns < begin || bucket.end_mono_ns > end) continue;
      for (const ThreadDelta& delta : bucket.deltas) AddTo(sums, delta);
    }
    return sums;
  }

  WindowStore store;
  std::vector<Bucket> buckets;
  int64_t now;
};

bool Everyone(const ThreadKey&) {
  return true;
}

// Whatever the answer's edges are, its sums must be exactly those of the buckets between them.
void ExpectExact(const Model& model, const WindowAnswer& answer) {
  EXPECT_TRUE(Same(model.Sum(answer.begin_mono_ns, answer.end_mono_ns), answer.threads))
      << "of [" << answer.begin_mono_ns << ", " << answer.end_mono_ns << "), " << answer.threads.size() << " threads";
}

TEST(WindowStoreTest, AnEmptyStoreAnswersWithNothingAndSaysTruncated) {
  WindowStore store({});
  EXPECT_EQ(store.closed_until_mono_ns(), 0);
  const WindowAnswer answer = store.Query(10, 20, Everyone);
  EXPECT_TRUE(answer.truncated);
  EXPECT_TRUE(answer.threads.empty());
  EXPECT_EQ(answer.begin_mono_ns, 10);
  EXPECT_EQ(answer.end_mono_ns, 10);
}

TEST(WindowStoreTest, AnOpenBucketIsNotInAnyAnswer) {
  std::mt19937_64 random(3);
  Model model({}, 100);
  model.Close(50, {RandomDelta(random, 1)});
  model.store.OnThreadDelta(RandomDelta(random, 2));
  const WindowAnswer answer = model.store.Query(100, 150, Everyone);
  EXPECT_FALSE(answer.truncated);
  ExpectExact(model, answer);
  EXPECT_EQ(model.store.closed_until_mono_ns(), 150);
}

TEST(WindowStoreTest, EdgesMoveOutwardsToThoseOfTheBuckets) {
  std::mt19937_64 random(4);
  Model model({}, 1000);
  for (int i = 0; i < 10; ++i) model.Close(100, {RandomDelta(random, 1), RandomDelta(random, 2)});
  const WindowAnswer answer = model.store.Query(1250, 1601, Everyone);
  EXPECT_EQ(answer.begin_mono_ns, 1200);
  EXPECT_EQ(answer.end_mono_ns, 1700);
  EXPECT_EQ(answer.resolution_ns, 100);
  EXPECT_FALSE(answer.truncated);
  ExpectExact(model, answer);
}

TEST(WindowStoreTest, AWindowThatReachesIntoTheFutureOrBeforeTheFirstBucketIsTruncated) {
  std::mt19937_64 random(5);
  Model model({}, 1000);
  for (int i = 0; i < 4; ++i) model.Close(100, {RandomDelta(random, 1)});
  EXPECT_FALSE(model.store.Query(1000, 1400, Everyone).truncated);
  EXPECT_TRUE(model.store.Query(999, 1400, Everyone).truncated);
  EXPECT_TRUE(model.store.Query(1000, 1401, Everyone).truncated);
  const WindowAnswer future = model.store.Query(5000, 6000, Everyone);
  EXPECT_TRUE(future.truncated);
  EXPECT_TRUE(future.threads.empty());
  ExpectExact(model, model.store.Query(INT64_MIN, INT64_MAX, Everyone));
}

TEST(WindowStoreTest, AnEmptyOrBackwardWindowHasNoThreads) {
  std::mt19937_64 random(6);
  Model model({}, 1000);
  model.Close(100, {RandomDelta(random, 1)});
  EXPECT_TRUE(model.store.Query(1050, 1050, Everyone).threads.empty());
  EXPECT_TRUE(model.store.Query(1050, 1000, Everyone).threads.empty());
}

TEST(WindowStoreTest, TheFilterChoosesThreadsAndIsAskedOnceForEach) {
  std::mt19937_64 random(7);
  Model model({}, 0);
  for (int i = 0; i < 5; ++i) model.Close(100, {RandomDelta(random, 1), RandomDelta(random, 2), RandomDelta(random, 3)});
  std::map<uint32_t, int> asked;
  const WindowAnswer answer = model.store.Query(0, 500, [&asked](const ThreadKey& thread) {
    ++asked[thread.tid];
    return thread.tid == ThreadOfSlot(2).tid;
  });
  ASSERT_EQ(answer.threads.size(), 1u);
  EXPECT_EQ(answer.threads[0].thread, ThreadOfSlot(2));
  EXPECT_EQ(asked, (std::map<uint32_t, int>{{1001, 1}, {1002, 1}, {1003, 1}}));
}

TEST(WindowStoreTest, ABucketThatDoesNotAdvanceGivesItsDeltasToTheNext) {
  std::mt19937_64 random(8);
  WindowStore store({});
  ThreadSums sums;
  const auto add = [&](uint16_t slot) {
    const ThreadDelta delta = RandomDelta(random, slot);
    AddTo(sums, delta);
    store.OnThreadDelta(delta);
  };
  add(1);
  store.OnBucketClosed(100, 200, 200);
  add(1);
  store.OnBucketClosed(200, 200, 200);
  EXPECT_EQ(store.closed_until_mono_ns(), 200);
  add(2);
  store.OnBucketClosed(250, 300, 300);  // begins late: the gap belongs to it
  const WindowAnswer answer = store.Query(100, 300, Everyone);
  EXPECT_FALSE(answer.truncated);
  EXPECT_EQ(answer.begin_mono_ns, 100);
  EXPECT_EQ(answer.end_mono_ns, 300);
  EXPECT_TRUE(Same(sums, answer.threads));
}

TEST(WindowStoreTest, ASlotGivenToAnotherThreadKeepsBothApart) {
  std::mt19937_64 random(9);
  Model model({}, 0);
  for (int i = 0; i < 400; ++i) model.Close(10 * kMs, {RandomDelta(random, 5, i / 7)});
  ExpectExact(model, model.store.Query(0, model.now, Everyone));
  const WindowAnswer answer = model.store.Query(1 * kSecond, 3 * kSecond, Everyone);
  EXPECT_EQ(answer.resolution_ns, kSecond);
  ExpectExact(model, answer);
}

TEST(WindowStoreTest, MinutesAreAnsweredFromCoarseBucketsWithFineEdges) {
  std::mt19937_64 random(10);
  Model model({}, 7 * kSecond);
  for (int i = 0; i < 6 * 60 * 10; ++i) model.Close(100 * kMs, {RandomDelta(random, 1), RandomDelta(random, 2)});
  const int64_t begin = 7 * kSecond + 30 * kSecond + 40 * kMs;
  const WindowAnswer answer = model.store.Query(begin, model.now - 250 * kMs, Everyone);
  EXPECT_FALSE(answer.truncated);
  EXPECT_EQ(answer.resolution_ns, 60 * kSecond);
  EXPECT_EQ(answer.begin_mono_ns, begin - 40 * kMs);
  EXPECT_EQ(answer.end_mono_ns, model.now - 200 * kMs);
  ExpectExact(model, answer);
}

TEST(WindowStoreTest, WhatTheFineLogNoLongerHoldsComesFromTheCoarserOnes) {
  std::mt19937_64 random(11);
  const WindowStore::Options small = {.fine_bytes = 64 << 10, .second_bytes = 1 << 20, .minute_bytes = 1 << 20, .slot_count = 64};
  Model model(small, 0);
  for (int i = 0; i < 60 * 100; ++i) model.Close(10 * kMs, {RandomDelta(random, 1)});
  const WindowAnswer answer = model.store.Query(0, model.now, Everyone);
  EXPECT_EQ(answer.begin_mono_ns, 0);
  EXPECT_EQ(answer.end_mono_ns, model.now);
  EXPECT_FALSE(answer.truncated);
  EXPECT_EQ(model.store.dropped_count(), 0u);
  ExpectExact(model, answer);
}

TEST(WindowStoreTest, RandomWindowsOverRandomHistoriesSumExactly) {
  for (const uint64_t seed : {21, 22, 23, 24, 25, 26}) {
    std::mt19937_64 random(seed);
    const uint64_t smallest = 64u << 10;
    const WindowStore::Options options = {.fine_bytes = smallest << random() % 3,
                                          .second_bytes = smallest << random() % 3,
                                          .minute_bytes = smallest << random() % 3,
                                          .slot_count = 256};
    Model model(options, static_cast<int64_t>(random() % (100 * kSecond)));
    const uint64_t burst = 1 + random() % 12;
    for (int i = 0; i < 3000; ++i) {
      std::vector<ThreadDelta> deltas;
      for (uint64_t d = random() % burst; d > 0; --d) deltas.push_back(RandomDelta(random, static_cast<uint16_t>(random() % 200), i / 500));
      model.Close(static_cast<int64_t>(1 + random() % static_cast<uint64_t>(60 * kMs)), std::move(deltas));
      if (i % 100 != 0) continue;
      const size_t first = random() % model.buckets.size();
      const size_t last = first + random() % (model.buckets.size() - first);
      const int64_t begin = model.buckets[first].begin_mono_ns;
      const int64_t end = model.buckets[last].end_mono_ns;
      const WindowAnswer answer = model.store.Query(begin, end, Everyone);
      ExpectExact(model, answer);
      // Aligned windows keep their edges as far as fine buckets are there, and reach outwards or say truncated where not.
      EXPECT_TRUE(answer.truncated || (answer.begin_mono_ns <= begin && answer.end_mono_ns >= end)) << "seed " << seed << " bucket " << i;
      EXPECT_TRUE(answer.truncated || begin - answer.begin_mono_ns < answer.resolution_ns) << "seed " << seed << " bucket " << i;
      EXPECT_LT(answer.end_mono_ns - end, answer.resolution_ns) << "seed " << seed << " bucket " << i;
      if (last + 1 == model.buckets.size()) {
        EXPECT_EQ(answer.end_mono_ns, end);
      }
    }
    EXPECT_EQ(model.store.dropped_count(), 0u) << "seed " << seed;
  }
}

TEST(WindowStoreTest, ABurstOfThreadsCutsCoarseBucketsEarlyAndDropsNothing) {
  std::mt19937_64 random(31);
  const WindowStore::Options small = {.fine_bytes = 64 << 10, .second_bytes = 64 << 10, .minute_bytes = 64 << 10, .slot_count = 256};
  Model model(small, 0);
  for (int i = 0; i < 500; ++i) {
    std::vector<ThreadDelta> deltas;
    for (uint16_t slot = 0; slot < 60; ++slot) {
      ThreadDelta delta;
      delta.slot = static_cast<uint16_t>((i * 60 + slot) % 256);
      delta.thread = ThreadOfSlot(delta.slot);
      delta.voluntary_count = random() % 1000;
      delta.run_queue.Add(random() % HFT_HISTOGRAM_BUCKETS, 1 + random() % UINT32_MAX);
      deltas.push_back(delta);
    }
    model.Close(kMs, std::move(deltas));
    if (i % 20 != 0) continue;
    const WindowAnswer answer = model.store.Query(0, model.now, Everyone);
    ExpectExact(model, answer);
    EXPECT_EQ(answer.end_mono_ns, model.now);
  }
  EXPECT_EQ(model.store.dropped_count(), 0u);
}

TEST(WindowStoreTest, DeltasThatDoNotFitAreCountedAndTheirWindowSaysTruncated) {
  const WindowStore::Options small = {.fine_bytes = 64 << 10, .second_bytes = 64 << 10, .minute_bytes = 64 << 10, .slot_count = 1000};
  WindowStore store(small);
  store.OnBucketClosed(0, 100, 100);
  for (uint16_t slot = 0; slot < 600; ++slot) {  // 5 words each, a quarter of the log in a bucket
    ThreadDelta delta;
    delta.slot = slot;
    delta.thread = ThreadOfSlot(slot);
    store.OnThreadDelta(delta);
  }
  store.OnBucketClosed(100, 200, 200);
  store.OnBucketClosed(200, 300, 300);
  EXPECT_EQ(store.dropped_count(), 600u - kSegmentPayloadWords / 4 / 5);
  EXPECT_FALSE(store.Query(0, 100, Everyone).truncated);
  EXPECT_TRUE(store.Query(100, 200, Everyone).truncated);
  EXPECT_FALSE(store.Query(200, 300, Everyone).truncated);
  EXPECT_EQ(store.Query(100, 200, Everyone).threads.size(), kSegmentPayloadWords / 4 / 5);
  // The coarser buckets made of it say so too.
  for (int i = 0; i < 200; ++i) store.OnBucketClosed(300 + i * 10 * kMs, 300 + (i + 1) * 10 * kMs, 300 + (i + 1) * 10 * kMs);
  const WindowAnswer answer = store.Query(0, 1 * kSecond, Everyone);
  EXPECT_GT(answer.resolution_ns, 500 * kMs);
  EXPECT_TRUE(answer.truncated);
}

TEST(WindowStoreTest, TheAchievedIntervalIsThatOfTheClosedBuckets) {
  Model model({}, 5 * kSecond);
  EXPECT_EQ(model.store.achieved_interval_ns(), 0);
  model.Close(3 * kMs, {});
  EXPECT_EQ(model.store.achieved_interval_ns(), 3 * kMs);
  for (int i = 0; i < 40; ++i) model.Close(i % 2 == 0 ? kMs : 2 * kMs, {});
  EXPECT_EQ(model.store.achieved_interval_ns(), 1'500'000);
}

TEST(WindowStoreTest, BucketsOfAHundredMicrosecondsAddUpToSecondsAndMinutes) {
  std::mt19937_64 random(12);
  Model model({}, 0);
  for (int i = 0; i < 15 * 10'000; ++i) {
    model.Close(kMs / 10, i % 50 == 0 ? std::vector<ThreadDelta>{RandomDelta(random, 1)} : std::vector<ThreadDelta>{});
  }
  const WindowAnswer recent = model.store.Query(model.now - 5 * kMs, model.now, Everyone);
  EXPECT_EQ(recent.resolution_ns, kMs / 10);
  ExpectExact(model, recent);
  const WindowAnswer whole = model.store.Query(0, model.now, Everyone);
  EXPECT_FALSE(whole.truncated);
  EXPECT_EQ(whole.begin_mono_ns, 0);
  EXPECT_EQ(whole.end_mono_ns, model.now);
  EXPECT_GT(whole.resolution_ns, 100 * kMs);
  ExpectExact(model, whole);
}

TEST(WindowStoreTest, AnswersSayForHowLongSlotsWereReadAtTheirEdges) {
  WindowStore store({});
  store.OnBucketClosed(0, 100, 130);
  store.OnBucketClosed(100, 200, 250);
  store.OnBucketClosed(200, 300, 301);
  const WindowAnswer answer = store.Query(100, 300, Everyone);
  EXPECT_EQ(answer.begin_read_ns, 30);
  EXPECT_EQ(answer.end_read_ns, 1);
}

TEST(WindowStoreTest, TenThousandThreadsInAnAnswerTakeNoMoreThanTheirValuesDo) {
  std::mt19937_64 random(13);
  WindowStore store({.fine_bytes = 16 << 20, .second_bytes = 16 << 20, .minute_bytes = 16 << 20});
  for (int bucket = 0; bucket < 3; ++bucket) {
    for (uint16_t slot = 1; slot <= 10'000; ++slot) {
      ThreadDelta delta;
      delta.slot = slot;
      delta.thread = ThreadOfSlot(slot);
      for (int i = 0; i < 5; ++i) delta.run_queue.Add(BucketOf(1'000 + static_cast<int64_t>(random() % 20'000)), 1);
      delta.off_cpu.Add(BucketOf(1'000'000 + static_cast<int64_t>(random() % 1'000'000)), 1);
      store.OnThreadDelta(delta);
    }
    store.OnBucketClosed(bucket * 100, bucket * 100 + 100, bucket * 100 + 100);
  }
  const WindowAnswer answer = store.Query(0, 300, Everyone);
  ASSERT_EQ(answer.threads.size(), 10'000u);
  uint64_t bytes = answer.threads.capacity() * sizeof(ThreadWindow);
  for (const ThreadWindow& thread : answer.threads) bytes += thread.run_queue.bytes() + thread.off_cpu.bytes();
  EXPECT_LE(bytes, 64u << 20);
}

TEST(WindowStoreTest, ASlotOutOfRangeIsCountedAsDropped) {
  WindowStore store({.slot_count = 8});
  ThreadDelta delta;
  delta.slot = 8;
  store.OnThreadDelta(delta);
  EXPECT_EQ(store.dropped_count(), 1u);
}

TEST(WindowStoreTest, TheDefaultStoreStaysWithinItsMemory) {
  EXPECT_LE(WindowStore({}).bytes(), 16u << 20);
}

}  // namespace
}  // namespace hftmon
