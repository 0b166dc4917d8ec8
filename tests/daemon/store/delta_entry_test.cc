#include "daemon/store/delta_entry.h"

#include <gtest/gtest.h>

#include "tests/daemon/store/random_delta.h"

namespace hftmon {
namespace {

TEST(DeltaEntryTest, WhatIsDecodedIsWhatWasEncoded) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    const ThreadDelta delta = RandomDelta(random, static_cast<uint16_t>(random()));
    EntryWords words;
    const size_t word_count = EncodeEntry(delta, delta.slot, &words);
    SetEntryBackWords(0xdeadbeef, words.data());
    const EntryHead head = ReadEntryHead(words.data());
    EXPECT_EQ(head.slot, delta.slot);
    EXPECT_EQ(head.word_count, word_count);
    EXPECT_EQ(head.back_words, 0xdeadbeef);
    EXPECT_EQ(head.thread, delta.thread);
    ThreadSums model;
    AddTo(model, delta);
    ThreadWindow sum;
    sum.thread = head.thread;
    ASSERT_TRUE(AddEntry(words.data(), &sum));
    ASSERT_TRUE(Same(model.begin()->second, sum)) << "round " << round;
  }
}

TEST(DeltaEntryTest, TheLargestEntryFitsTheStatedBound) {
  ThreadWindow largest;
  largest.voluntary_count = largest.involuntary_count = largest.run_delay_ns = largest.off_cpu_ns = UINT64_MAX;
  largest.interrupted_ns.fill(UINT64_MAX);
  largest.off_cpu_count = largest.migration_count = largest.discarded_count = UINT64_MAX;
  largest.run_queue_max_ns = largest.off_cpu_max_ns = INT64_MAX;
  largest.kind_count.fill(UINT64_MAX);
  largest.depth.fill(UINT64_MAX);
  largest.run_queue_unbinned_count = largest.off_cpu_unbinned_count = UINT64_MAX;
  for (size_t bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    largest.run_queue.Add(bucket, UINT64_MAX);
    largest.off_cpu.Add(bucket, UINT64_MAX);
  }
  EntryWords words;
  EXPECT_LE(EncodeEntry(largest, 7, &words), kEntryWordsMax);
  ThreadWindow decoded;
  AddEntry(words.data(), &decoded);
  EXPECT_TRUE(Same(largest, decoded));
}

TEST(DeltaEntryTest, AnEmptyDeltaTakesFiveWords) {
  EntryWords words;
  EXPECT_EQ(EncodeEntry(ThreadDelta{}, 0, &words), 5u);
}

TEST(DeltaEntryTest, ANegativeMaximumCountsAsNone) {
  ThreadDelta delta;
  delta.run_queue_max_ns = -5;
  EntryWords words;
  EncodeEntry(delta, 0, &words);
  ThreadWindow sum;
  AddEntry(words.data(), &sum);
  EXPECT_EQ(sum.run_queue_max_ns, 0);
}

}  // namespace
}  // namespace hftmon
