#include "daemon/store/segment_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "daemon/store/bucket_log.h"
#include "daemon/store/window_store.h"
#include "tests/daemon/store/random_delta.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

using Bytes = std::vector<std::byte>;

Bytes CopyOf(const BucketLog& log, uint64_t sequence) {
  std::vector<uint64_t> words(kSegmentWords);
  EXPECT_TRUE(log.CopySegment(sequence, std::span<uint64_t, kSegmentWords>(words)));
  Bytes bytes(kSegmentBytes);
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

void SetWord(Bytes& bytes, size_t index, uint64_t word) {
  std::memcpy(bytes.data() + index * 8, &word, 8);
}

uint64_t WordOf(const Bytes& bytes, size_t index) {
  uint64_t word;
  std::memcpy(&word, bytes.data() + index * 8, 8);
  return word;
}

struct Read {
  Bucket bucket;
  ThreadSums sums;
};

// A log that reaches over several segments, and what was put into each bucket.
class SegmentReaderTest : public ::testing::Test {
 protected:
  SegmentReaderTest() {
    std::mt19937_64 random(1);
    EntryWords words;
    for (int64_t bucket = 0; log_.segments_begun() < 7; ++bucket) {
      ThreadSums& sums = truth_.emplace_back();
      for (uint64_t i = random() % 40; i > 0; --i) {
        const ThreadDelta delta = RandomDelta(random, static_cast<uint16_t>(i));
        AddTo(sums, delta);
        log_.Append(std::span(words.data(), EncodeEntry(delta, delta.slot, &words)));
      }
      log_.CloseBucket(bucket * 100, bucket * 100 + 100, 3, 4);
    }
  }

  // Reads the segments in order from `first` on; the last one is open.
  absl::Status ReadFrom(uint64_t first, std::vector<Read>* buckets, uint64_t* skipped = nullptr) const {
    SegmentReader reader([buckets](const Bucket& bucket, std::span<const uint64_t> entries) {
      Read read{.bucket = bucket};
      for (size_t at = 0; at < entries.size(); at += ReadEntryHead(&entries[at]).word_count) {
        ThreadWindow& sum = read.sums[Ordered(ReadEntryHead(&entries[at]).thread)];
        sum.thread = ReadEntryHead(&entries[at]).thread;
        EXPECT_TRUE(AddEntry(&entries[at], &sum));
      }
      buckets->push_back(std::move(read));
    });
    absl::Status status;
    for (uint64_t n = first; n < log_.segments_begun() && status.ok(); ++n) status = reader.Add(CopyOf(log_, n));
    if (skipped != nullptr) *skipped = reader.skipped_bucket_count();
    return status;
  }

  void ExpectTrue(const std::vector<Read>& buckets, size_t first_bucket) const {
    for (size_t i = 0; i < buckets.size(); ++i) {
      EXPECT_EQ(buckets[i].bucket.begin_mono_ns, static_cast<int64_t>(first_bucket + i) * 100);
      std::vector<ThreadWindow> threads;
      for (const auto& [key, sum] : buckets[i].sums) threads.push_back(sum);
      EXPECT_TRUE(Same(truth_[first_bucket + i], threads)) << "bucket " << first_bucket + i;
    }
  }

  BucketLog log_{8 * kSegmentBytes, 0xabc};
  std::vector<ThreadSums> truth_;
};

TEST_F(SegmentReaderTest, WhatIsReadIsWhatWasWritten) {
  std::vector<Read> buckets;
  ASSERT_TRUE(ReadFrom(0, &buckets).ok());
  EXPECT_EQ(buckets.size(), truth_.size());  // the open segment too: up to its last close
  ExpectTrue(buckets, 0);
  EXPECT_EQ(buckets[5].bucket.begin_read_ns, 3);
  EXPECT_EQ(buckets[5].bucket.end_read_ns, 4);
}

TEST_F(SegmentReaderTest, ReadingMayBeginAtAnySegment) {
  for (uint64_t first = 1; first < 6; ++first) {
    std::vector<Read> buckets;
    uint64_t skipped = 0;
    ASSERT_TRUE(ReadFrom(first, &buckets, &skipped).ok());
    ASSERT_FALSE(buckets.empty());
    EXPECT_LE(skipped, 1u);
    ExpectTrue(buckets, truth_.size() - buckets.size());
  }
}

TEST_F(SegmentReaderTest, AHeadSaysWhichSegmentItIsAndItsTimeSpan) {
  int64_t end_ns = 0;
  for (uint64_t n = 0; n < 6; ++n) {
    const absl::StatusOr<SegmentHead> head = VerifySegment(CopyOf(log_, n));
    ASSERT_TRUE(head.ok()) << head.status();
    EXPECT_EQ(head->log_id, 0xabcu);
    EXPECT_EQ(head->sequence, n);
    EXPECT_TRUE(head->sealed);
    EXPECT_EQ(head->word_count, kSegmentPayloadWords);
    EXPECT_EQ(head->begin_mono_ns, end_ns);
    EXPECT_GT(head->end_mono_ns, head->begin_mono_ns);
    end_ns = head->end_mono_ns;
  }
  EXPECT_FALSE(VerifySegment(CopyOf(log_, 6))->sealed);
}

TEST_F(SegmentReaderTest, AnyChangedBitOfASealedSegmentIsFound) {
  const Bytes sound = CopyOf(log_, 2);
  std::mt19937_64 random(2);
  for (int round = 0; round < 2'000; ++round) {
    Bytes damaged = sound;
    const size_t at = round < 64 ? static_cast<size_t>(round) : random() % kSegmentBytes;
    damaged[at] ^= static_cast<std::byte>(1u << random() % 8);
    EXPECT_FALSE(VerifySegment(damaged).ok()) << "byte " << at;
  }
}

TEST_F(SegmentReaderTest, WordsThatChangedPlacesAreFound) {
  const Bytes sound = CopyOf(log_, 2);
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    Bytes damaged = sound;
    const size_t a = kSegmentHeadWords + random() % kSegmentPayloadWords;
    const size_t b = kSegmentHeadWords + random() % kSegmentPayloadWords;
    if (WordOf(sound, a) == WordOf(sound, b)) continue;
    SetWord(damaged, a, WordOf(sound, b));
    SetWord(damaged, b, WordOf(sound, a));
    EXPECT_EQ(VerifySegment(damaged).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(SegmentReaderTest, ATruncatedSegmentIsRefused) {
  const Bytes sound = CopyOf(log_, 1);
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{63}, kSegmentBytes / 2, kSegmentBytes - 1}) {
    const absl::Status status = VerifySegment(std::span(sound).first(bytes)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("cut off"));
  }
}

TEST_F(SegmentReaderTest, AForeignVersionByteOrderOrFileIsRefusedWithItsReason) {
  Bytes foreign = CopyOf(log_, 1);
  SetWord(foreign, 1, (kSegmentLayout & ~uint64_t{0xffff}) | (kSegmentVersion + 1));
  absl::Status status = VerifySegment(foreign).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("format version 3, this build reads 2"));

  foreign = CopyOf(log_, 1);
  SetWord(foreign, 0, __builtin_bswap64(kSegmentMagic));
  EXPECT_THAT(std::string(VerifySegment(foreign).status().message()), HasSubstr("other byte order"));

  EXPECT_THAT(std::string(VerifySegment(Bytes(kSegmentBytes)).status().message()), HasSubstr("not HFTMNSEG"));
}

TEST_F(SegmentReaderTest, ASegmentThatIsNotTheNextOneIsRefused) {
  SegmentReader reader([](const Bucket&, std::span<const uint64_t>) {});
  ASSERT_TRUE(reader.Add(CopyOf(log_, 1)).ok());
  const absl::Status status = reader.Add(CopyOf(log_, 3));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("segment 3 of log abc: it does not follow segment 1"));
}

TEST_F(SegmentReaderTest, AnOpenSegmentIsReadUpToItsLastConfirmedClose) {
  std::vector<Read> whole;
  ASSERT_TRUE(ReadFrom(0, &whole).ok());
  Bytes open = CopyOf(log_, 6);
  const size_t confirmed = VerifySegment(open)->word_count;
  ASSERT_GT(confirmed, 0u);
  // As a crash leaves it: half an entry behind the last close, and something older behind that.
  std::mt19937_64 random(4);
  for (size_t i = confirmed; i < kSegmentPayloadWords; ++i) SetWord(open, kSegmentHeadWords + i, random());
  EXPECT_EQ(VerifySegment(open)->word_count, confirmed);
  // A close that was damaged confirms nothing.
  SetWord(open, kSegmentHeadWords + confirmed - 3, WordOf(open, kSegmentHeadWords + confirmed - 3) + 1);
  EXPECT_LT(VerifySegment(open)->word_count, confirmed);
}

TEST(SegmentChecksum, ACloseDoesNotForgetWhatStoodBeforeIt) {
  const uint64_t one = ChecksumWith(kChecksumSeed, 1);
  const uint64_t other = ChecksumWith(kChecksumSeed, 2);
  EXPECT_NE(ChecksumWith(one, CloseChecksum(one)), ChecksumWith(other, CloseChecksum(other)));
}

// Whatever stands in a segment, the reader says what is wrong and stays within it. The checksum is made right, so that it looks further.
TEST_F(SegmentReaderTest, DamageThatTheChecksumHidesIsFoundOrHarmless) {
  std::mt19937_64 random(5);
  int refused = 0;
  for (int round = 0; round < 500; ++round) {
    Bytes forged = CopyOf(log_, 0);
    for (uint64_t changes = 1 + random() % 20; changes > 0; --changes) {
      SetWord(forged, kSegmentHeadWords + random() % kSegmentPayloadWords, random() >> random() % 64);
    }
    uint64_t checksum = kChecksumSeed;
    std::array<uint64_t, kSegmentHeadWords> head;
    for (size_t i = 0; i < head.size(); ++i) head[i] = WordOf(forged, i);
    for (size_t i = 0; i < kSegmentPayloadWords; ++i) checksum = ChecksumWith(checksum, WordOf(forged, kSegmentHeadWords + i));
    SetWord(forged, kSegmentHeadWords - 1, SegmentChecksum(checksum, head));
    ASSERT_TRUE(VerifySegment(forged).ok());
    SegmentReader reader([](const Bucket&, std::span<const uint64_t>) {});
    const absl::Status status = reader.Add(forged);
    if (!status.ok()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(SegmentsOfTheStore, EveryLevelsLogIsReadBackAsQueriesAnswerIt) {
  std::mt19937_64 random(6);
  WindowStore store({.fine_bytes = 1 << 20, .second_bytes = 1 << 20, .minute_bytes = 1 << 20, .run_id = 1000, .slot_count = 64});
  constexpr int64_t kWidthNs = 100'000'000;
  for (int64_t i = 0; i < 3'000; ++i) {
    for (uint16_t slot = 1; slot < 4; ++slot) store.OnThreadDelta(RandomDelta(random, slot));
    store.OnBucketClosed(i * kWidthNs, (i + 1) * kWidthNs, (i + 1) * kWidthNs);
  }
  std::vector<uint64_t> log_ids;
  for (const BucketLog* log : store.logs()) {
    uint64_t bucket_count = 0;
    SegmentReader reader([&](const Bucket& bucket, std::span<const uint64_t> entries) {
      ++bucket_count;
      const WindowAnswer answer = store.Query(bucket.begin_mono_ns, bucket.end_mono_ns, {});
      if (answer.begin_mono_ns != bucket.begin_mono_ns || answer.end_mono_ns != bucket.end_mono_ns) return;
      ThreadSums sums;
      for (size_t at = 0; at < entries.size(); at += ReadEntryHead(&entries[at]).word_count) {
        ThreadWindow& sum = sums[Ordered(ReadEntryHead(&entries[at]).thread)];
        sum.thread = ReadEntryHead(&entries[at]).thread;
        AddEntry(&entries[at], &sum);
      }
      EXPECT_TRUE(Same(sums, answer.threads));
    });
    const uint64_t begun = log->segments_begun();
    const uint64_t first = begun > log->segment_count() - 1 ? begun - (log->segment_count() - 1) : 0;
    for (uint64_t n = first; n < begun; ++n) {
      const absl::Status status = reader.Add(CopyOf(*log, n));
      ASSERT_TRUE(status.ok()) << status;
    }
    EXPECT_GT(bucket_count, 3u);
    log_ids.push_back(VerifySegment(CopyOf(*log, begun - 1))->log_id);
  }
  EXPECT_EQ(log_ids, (std::vector<uint64_t>{1001, 1002, 1003}));
}

}  // namespace
}  // namespace hftmon
