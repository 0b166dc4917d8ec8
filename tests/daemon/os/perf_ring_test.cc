#include "daemon/os/perf_ring.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/fakes/allocation_counter.h"
#include "tests/fakes/perf_ring_writer.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr size_t kPage = PerfRingWriter::kPageBytes;
constexpr uint64_t kFar = uint64_t{1} << 40;  // a multiple of every ring

// Of `words` besides the header, each of which is told from the others.
Bytes Record(uint64_t first, size_t words) {
  ByteWriter body;
  for (size_t i = 0; i < words; ++i) body.Put(first + i);
  return RecordBytes(PerfRecordType::kSample, 2, body.bytes);
}

class PerfRingTest : public ::testing::Test {
 protected:
  explicit PerfRingTest(size_t data_bytes = kPage) : memory_(1 + (kPage + data_bytes) / sizeof(uint64_t)) {
    bytes_ = std::as_writable_bytes(std::span(memory_)).first(kPage + data_bytes);
    Begin(0);
  }
  void Begin(uint64_t position) {
    writer_.emplace(bytes_, position);
    auto ring = PerfRing::Over(bytes_, kPage);
    ASSERT_TRUE(ring.ok()) << ring.status();
    ring_.emplace(*std::move(ring));
  }
  std::vector<Bytes> Read(size_t records_max = 1'000'000) {
    std::vector<Bytes> records;
    const size_t count = ring_->Drain(records_max, [&](const PerfRecord& record) {
      records.push_back(RecordBytes(static_cast<PerfRecordType>(record.header.type), record.header.misc, record.body));
    });
    EXPECT_EQ(count, records.size());
    return records;
  }
  // Whatever stood there before, the next record is read whole.
  void ExpectGoesOn() {
    const Bytes next = Record(900, 5);
    ASSERT_TRUE(writer_->Write(next));
    EXPECT_THAT(Read(), ElementsAre(next));
    EXPECT_EQ(writer_->tail(), writer_->head());
  }

  std::vector<uint64_t> memory_;
  std::span<std::byte> bytes_;
  std::optional<PerfRingWriter> writer_;
  std::optional<PerfRing> ring_;
};

TEST_F(PerfRingTest, WhatWasWrittenIsReadInOrderAndOnce) {
  const std::vector<Bytes> records = {Record(1, 1), Record(2, 0), Record(3, 7)};
  for (const Bytes& record : records) ASSERT_TRUE(writer_->Write(record));
  EXPECT_EQ(Read(), records);
  EXPECT_EQ(writer_->tail(), writer_->head()) << "the kernel has its room again";
  EXPECT_THAT(Read(), SizeIs(0));
  EXPECT_EQ(ring_->counts().record_count, 3u);
  EXPECT_EQ(ring_->counts().damage_count, 0u);
}

TEST_F(PerfRingTest, ARecordIsReadWholeAtEveryOffsetWhereItMayWrap) {
  for (size_t at = 0; at < kPage; at += 8) {
    SCOPED_TRACE(at);
    Begin(kFar + at);
    const std::vector<Bytes> records = {Record(10, 13), Record(100, 1), Record(200, 60)};
    for (const Bytes& record : records) ASSERT_TRUE(writer_->Write(record));
    ASSERT_EQ(Read(), records);
    ASSERT_EQ(writer_->tail(), writer_->head());
    ASSERT_EQ(ring_->counts().damage_count, 0u);
  }
}

TEST_F(PerfRingTest, ARecordMayFillTheRingFromAnyOffset) {
  for (const size_t at : {size_t{0}, size_t{8}, kPage / 2, kPage - 8}) {
    SCOPED_TRACE(at);
    Begin(kFar + at);
    const Bytes all = Record(1, kPage / 8 - 1);
    ASSERT_TRUE(writer_->Write(all));
    EXPECT_THAT(Read(), ElementsAre(all));
    ExpectGoesOn();
  }
}

TEST_F(PerfRingTest, PositionsGoRoundAtTheEndOfTheirNumbers) {
  Begin(0 - uint64_t{16});
  const std::vector<Bytes> records = {Record(1, 5), Record(2, 2)};
  for (const Bytes& record : records) ASSERT_TRUE(writer_->Write(record));
  EXPECT_EQ(Read(), records);
  EXPECT_EQ(ring_->counts().damage_count, 0u);
}

TEST_F(PerfRingTest, NoMoreIsReadThanIsAsked) {
  for (uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(writer_->Write(Record(i, 1)));
  EXPECT_THAT(Read(4), SizeIs(4));
  EXPECT_EQ(writer_->tail(), 4u * 16);
  EXPECT_THAT(Read(0), SizeIs(0));
  EXPECT_THAT(Read(), SizeIs(6));
}

TEST_F(PerfRingTest, WhatIsWrittenWhileItReadsIsForTheNextTime) {
  ASSERT_TRUE(writer_->Write(Record(1, 1)));
  const size_t count = ring_->Drain(100, [&](const PerfRecord&) { ASSERT_TRUE(writer_->Write(Record(2, 1))); });
  EXPECT_EQ(count, 1u);
  EXPECT_THAT(Read(), SizeIs(1));
}

TEST_F(PerfRingTest, LossesAreCounted) {
  size_t lost = 0;
  for (uint64_t i = 0; i < 300; ++i) lost += writer_->Write(Record(i, 1)) ? 0 : 1;
  ASSERT_EQ(lost, 300 - kPage / 16);
  EXPECT_EQ(Read().size(), kPage / 16);
  EXPECT_EQ(ring_->counts().lost_count, 0u) << "the kernel tells them with the next record";
  ASSERT_TRUE(writer_->Write(Record(1, 1)));
  EXPECT_THAT(Read(), SizeIs(2));
  EXPECT_EQ(ring_->counts().lost_count, lost);
  ASSERT_TRUE(writer_->Write(RecordBytes(PerfRecordType::kLostSamples, 0, WordsBody({5}))));
  ASSERT_TRUE(writer_->Write(RecordBytes(PerfRecordType::kLostSamples, 0, WordsBody({6}))));
  Read();
  EXPECT_EQ(ring_->counts().dropped_count, 11u);
  EXPECT_EQ(ring_->counts().damage_count, 0u);
}

TEST_F(PerfRingTest, ACountOfLossesStaysAtTheMostThereIsAndACutOneIsDamage) {
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(writer_->Write(RecordBytes(PerfRecordType::kLost, 0, WordsBody({1, ~uint64_t{0} - 1}))));
  Read();
  EXPECT_EQ(ring_->counts().lost_count, ~uint64_t{0});
  ASSERT_TRUE(writer_->Write(RecordBytes(PerfRecordType::kLost, 0, WordsBody({1}))));
  ASSERT_TRUE(writer_->Write(RecordBytes(PerfRecordType::kLostSamples, 0, {})));
  EXPECT_THAT(Read(), SizeIs(2));
  EXPECT_EQ(ring_->counts().damage_count, 2u);
}

TEST_F(PerfRingTest, AHeadThatCannotBeCostsWhatIsUnreadAndIsCounted) {
  // Behind the tail, farther before it than the ring is long, between two records.
  const std::vector<int64_t> steps = {-8, -static_cast<int64_t>(kPage), static_cast<int64_t>(kPage) + 8, int64_t{1} << 50, 4, -3};
  for (const int64_t step : steps) {
    SCOPED_TRACE(step);
    Begin(kFar);
    ASSERT_TRUE(writer_->Write(Record(1, 3)));
    EXPECT_THAT(Read(), SizeIs(1));
    const uint64_t sound = writer_->head();
    writer_->SetHead(sound + static_cast<uint64_t>(step));
    EXPECT_THAT(Read(), SizeIs(0));
    EXPECT_EQ(ring_->counts().damage_count, 1u);
    EXPECT_THAT(Read(), SizeIs(0));
    EXPECT_EQ(ring_->counts().damage_count, 1u) << "once is enough";
    if (step % 8 == 0) ExpectGoesOn();
    writer_->SetHead(kFar + kPage);
    Read();
    ExpectGoesOn();
  }
}

TEST_F(PerfRingTest, ARingThatWasOverwrittenIsPassedOver) {
  // Where the reader stands a later record begins, sound as it looks.
  constexpr size_t kRecordBytes = 64;
  for (const size_t more : {1, 26, 64, 100}) {
    SCOPED_TRACE(more);
    Begin(kFar);
    for (uint64_t i = 0; i < kPage / kRecordBytes + more; ++i) writer_->Put(Record(i, kRecordBytes / 8 - 1));
    writer_->SetHead(writer_->head());
    EXPECT_THAT(Read(), SizeIs(0));
    EXPECT_EQ(ring_->counts().damage_count, 1u);
    ExpectGoesOn();
  }
}

TEST_F(PerfRingTest, ARecordWithASizeThatCannotBeEndsWhatIsUnread) {
  for (const uint16_t size : {0, 1, 7, 9, 12, 17, 48, 4096, 4104, 65535, 65528}) {
    SCOPED_TRACE(size);
    Begin(kFar + kPage - 16);
    const Bytes good = Record(1, 1);
    ASSERT_TRUE(writer_->Write(good));
    Bytes bad = Record(2, 2);
    std::memcpy(bad.data() + 6, &size, sizeof(size));
    ASSERT_TRUE(writer_->Write(bad));
    ASSERT_TRUE(writer_->Write(Record(3, 1)));
    EXPECT_THAT(Read(), ElementsAre(good));
    EXPECT_EQ(ring_->counts().damage_count, 1u);
    EXPECT_EQ(ring_->counts().damaged_bytes, 24u + 16u);
    ExpectGoesOn();
  }
}

TEST_F(PerfRingTest, WhateverStandsInTheMemoryReadingStaysWithinItAndEnds) {
  std::mt19937_64 random(20'261'127);
  for (int round = 0; round < 20'000; ++round) {
    for (std::byte& byte : bytes_.subspan(kPage).first(256))
      byte = static_cast<std::byte>(random() % 4 == 0 ? random() % 256 : 8 * (random() % 5));
    writer_->SetHead(random() % 3 == 0 ? random() : writer_->tail() + 8 * (random() % 40));
    size_t read_bytes = 0;
    const size_t count = ring_->Drain(64, [&](const PerfRecord& record) {
      read_bytes += Bytes(record.body.begin(), record.body.end()).size();  // each byte is looked at
    });
    ASSERT_LE(count, 64u);
    ASSERT_LE(read_bytes, kPage);
  }
  EXPECT_GT(ring_->counts().damage_count, 0u);
  EXPECT_GT(ring_->counts().record_count, 0u);
}

TEST_F(PerfRingTest, ItAllocatesNothingOnceItIsMade) {
  const uint64_t before = allocation_count;
  for (uint64_t i = 0; i < 2'000; ++i) {
    const Bytes record = Record(i, 9);
    writer_->Write(record);
  }
  EXPECT_GT(allocation_count, before) << "the counter counts";
  const uint64_t drained_from = allocation_count;
  size_t words = 0;
  ring_->Drain(1'000, [&](const PerfRecord& record) { words += record.body.size() / 8; });
  const uint64_t drained_to = allocation_count;
  EXPECT_EQ(drained_to, drained_from);
  EXPECT_GT(words, 0u);
}

TEST_F(PerfRingTest, AWriterBesideItLosesNothingUntold) {
  constexpr uint64_t kCount = 200'000;
  std::atomic<bool> done{false};
  std::thread kernel([&] {
    for (uint64_t i = 0; i < kCount; ++i) writer_->Write(Record(i, 1 + i % 20));
    done.store(true, std::memory_order_release);
  });
  uint64_t samples = 0;
  uint64_t wrong = 0;
  uint64_t next = 0;
  const auto take = [&](const PerfRecord& record) {
    if (!record.header.Is(PerfRecordType::kSample)) return;
    uint64_t first = 0;
    std::memcpy(&first, record.body.data(), sizeof(first));
    if (first < next || record.body.size() != 8 * (1 + first % 20)) ++wrong;
    for (size_t word = 1; word < record.body.size() / 8; ++word) {
      uint64_t value = 0;
      std::memcpy(&value, record.body.data() + 8 * word, sizeof(value));
      if (value != first + word) ++wrong;
    }
    next = first + 1;
    ++samples;
  };
  while (!done.load(std::memory_order_acquire)) ring_->Drain(16, take);
  kernel.join();
  while (ring_->Drain(16, take) != 0) {
  }
  const bool last = writer_->Write(Record(kCount, 1 + kCount % 20));  // tells what was lost before it
  ASSERT_TRUE(last);
  ring_->Drain(16, take);
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(samples + ring_->counts().lost_count, kCount + 1);
  EXPECT_EQ(ring_->counts().damage_count, 0u);
}

TEST_F(PerfRingTest, MemoryThatIsNoRingIsRefused) {
  for (const size_t bytes : {size_t{0}, kPage, kPage + 4, kPage + 24}) {
    const auto ring = PerfRing::Over(bytes_.first(bytes), kPage);
    EXPECT_TRUE(absl::IsInvalidArgument(ring.status())) << bytes << ": " << ring.status();
  }
  EXPECT_TRUE(absl::IsInvalidArgument(PerfRing::Over(bytes_, 512).status()));
  auto* page = reinterpret_cast<perf_event_mmap_page*>(bytes_.data());
  page->data_offset = 2 * kPage;
  const auto elsewhere = PerfRing::Over(bytes_, kPage);
  EXPECT_TRUE(absl::IsFailedPrecondition(elsewhere.status()));
  EXPECT_THAT(std::string(elsewhere.status().message()), HasSubstr("4096 bytes from 8192 on"));
  page->data_offset = page->data_size = 0;
  EXPECT_TRUE(PerfRing::Over(bytes_, kPage).ok()) << "kernels before 4.1";
}

}  // namespace
}  // namespace hftmon
