// Records of Arm SPE: those that hardware wrote, of which the published bytes are under tests/fixtures/spe, and those of a writer.
#include "common/perf/spe_records.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/common/perf/spe_recorded.h"
#include "tests/common/perf/spe_writer.h"

namespace hftmon {
namespace {

struct Reading {
  std::vector<SpeRecord> records;
  SpeReadCounts counts;
};

// Given in pieces of that many bytes.
Reading ReadAll(std::span<const std::byte> all, size_t piece_bytes = SIZE_MAX, uint64_t at = 0) {
  SpeRecordReader reader;
  reader.Begin(at);
  Reading reading;
  Bytes held;
  std::span<const std::byte> rest;
  for (size_t given = 0; given < all.size();) {
    held.assign(rest.begin(), rest.end());
    EXPECT_LE(held.size(), kSpePacketBytesMax);
    const size_t more = std::min(piece_bytes, all.size() - given);
    held.insert(held.end(), all.begin() + static_cast<ptrdiff_t>(given), all.begin() + static_cast<ptrdiff_t>(given + more));
    given += more;
    rest = held;
    while (const std::optional<SpeRecord> record = reader.Next(&rest)) reading.records.push_back(*record);
  }
  reader.End(rest.size());
  reading.counts = reader.counts();
  return reading;
}

TEST(SpeRecordsTest, RecordedLoadAndBranchOfAKernelAreAsPublished) {
  const Reading reading = ReadAll(RecordedSpe("el2-load-and-branch"));
  ASSERT_EQ(reading.records.size(), 2u);
  const SpeRecord& load = reading.records[0];
  EXPECT_EQ(load.operation, SpeOperation::kLoad);
  EXPECT_EQ(load.atomic, std::optional(false));
  EXPECT_EQ(load.events, SpeEventBit::kRetired | SpeEventBit::kL1Access | SpeEventBit::kTlbAccess);
  EXPECT_EQ(load.code_address, std::optional(uint64_t{0xffffba66eda1c2d0}));
  EXPECT_EQ(load.exception_level, 2);
  EXPECT_FALSE(load.secure);
  EXPECT_EQ(load.data_address, std::optional(uint64_t{0xffff0e3703096b28}));
  EXPECT_FALSE(load.physical_address.has_value());
  EXPECT_EQ(load.total_latency_cycles, std::optional(12u));
  EXPECT_EQ(load.issue_latency_cycles, std::optional(4u));
  EXPECT_EQ(load.translation_latency_cycles, std::optional(1u));
  EXPECT_EQ(load.context_el2, std::optional(0x5f80u));
  EXPECT_FALSE(load.context_el1.has_value());
  EXPECT_EQ(load.data_source, std::optional(uint64_t{0}));
  EXPECT_EQ(load.timestamp, std::optional(uint64_t{44731163950}));
  const SpeRecord& branch = reading.records[1];
  EXPECT_EQ(branch.operation, SpeOperation::kBranch);
  EXPECT_EQ(branch.begin_at, 64u);
  EXPECT_EQ(branch.events, SpeEventBit::kRetired | SpeEventBit::kNotTaken);
  EXPECT_EQ(branch.branch_target, std::optional(uint64_t{0xffffba66edefb0e4}));
  EXPECT_EQ(branch.total_latency_cycles, std::optional(17u));
  EXPECT_FALSE(branch.data_source.has_value());
  EXPECT_EQ(branch.timestamp, std::optional(uint64_t{44731164045}));
  EXPECT_EQ(reading.counts.malformed + reading.counts.cut_records + reading.counts.skipped_bytes, 0u);
}

TEST(SpeRecordsTest, RecordedRecordsEndWithATimeStampOrWithoutOne) {
  const Reading user = ReadAll(RecordedSpe("user-load-physical"));
  ASSERT_EQ(user.records.size(), 1u) << "the load has no end of its own any more";
  EXPECT_EQ(user.records[0].timestamp, std::optional(uint64_t{13196304120239}));
  EXPECT_EQ(user.counts.cut_records, 1u);
  Bytes whole = RecordedSpe("user-load-physical");
  whole.push_back(std::byte{1});
  const Reading ended = ReadAll(whole);
  ASSERT_EQ(ended.records.size(), 2u);
  EXPECT_EQ(ended.records[1].code_address, std::optional(uint64_t{0xaaaae4a9b600}));
  EXPECT_EQ(ended.records[1].exception_level, 0);
  EXPECT_EQ(ended.records[1].data_address, std::optional(uint64_t{0xaaaae65dda43}));
  EXPECT_EQ(ended.records[1].physical_address, std::optional(uint64_t{0x8032c955a43}));
  EXPECT_FALSE(ended.records[1].physical_secure);
  EXPECT_FALSE(ended.records[1].timestamp.has_value());
  for (const bool stamped : {false, true}) {
    const Reading branch = ReadAll(RecordedSpe(stamped ? "windows-branch-timestamp" : "windows-branch-end"));
    ASSERT_EQ(branch.records.size(), 1u);
    EXPECT_EQ(branch.records[0].code_address, std::optional(uint64_t{0x7ffdbf2143e0}));
    EXPECT_EQ(branch.records[0].branch_target, std::optional(uint64_t{0x7ffdbf214408}));
    EXPECT_EQ(branch.records[0].issue_latency_cycles, std::optional(stamped ? 41u : 39u));
    EXPECT_EQ(branch.records[0].timestamp.value_or(0), stamped ? 3913207673451u : 0u);
    EXPECT_EQ(branch.counts.cut_records, 0u);
  }
}

TEST(SpeRecordsTest, OperationsTellWhatTheyDo) {
  const auto of = [](uint8_t header, uint8_t kind) {
    const Reading reading = ReadAll(SpeWriter().Byte(header).Byte(kind).End().bytes());
    EXPECT_EQ(reading.records.size(), 1u);
    return reading.records.empty() ? SpeRecord() : reading.records[0];
  };
  EXPECT_EQ(of(0x48, 1).operation, SpeOperation::kOther);
  EXPECT_EQ(of(0x4a, 2).operation, SpeOperation::kBranch);
  EXPECT_EQ(of(0x49, 0x01).operation, SpeOperation::kStore);
  EXPECT_EQ(of(0x49, 0x05).atomic, std::optional(false)) << "of a vector register";
  EXPECT_EQ(of(0x49, 0x16).operation, SpeOperation::kLoad) << "atomic, acquire";
  EXPECT_EQ(of(0x49, 0x16).atomic, std::optional(true));
  EXPECT_EQ(of(0x49, 0x0a).atomic, std::optional(false));
  EXPECT_TRUE(of(0x49, 0x0a).exclusive);
  EXPECT_EQ(of(0x49, 0x48).atomic, std::optional(false)) << "of scalable vectors";
  EXPECT_FALSE(of(0x49, 0x10).atomic.has_value()) << "of a register that is not told";
  EXPECT_FALSE(of(0x49, 0x26).atomic.has_value()) << "of a subclass that has no meaning yet";
  EXPECT_EQ(of(0x4b, 0).operation, SpeOperation::kUnknown);
  EXPECT_EQ(of(0x4b, 0).unknown_packets, 1);
}

TEST(SpeRecordsTest, AddressesLoseTheirTagAndKeepTheirHalf) {
  const Bytes bytes = SpeWriter().Load().Data(0xab00ffff00001040).End().Load().Data(0x12ffffff00001040).End().bytes();
  const Reading reading = ReadAll(bytes);
  ASSERT_EQ(reading.records.size(), 2u);
  EXPECT_EQ(reading.records[0].data_address, std::optional(uint64_t{0xffff00001040}));
  EXPECT_EQ(reading.records[0].data_tag, 0xab);
  EXPECT_EQ(reading.records[1].data_address, std::optional(uint64_t{0xffffffff00001040}));
  EXPECT_EQ(reading.records[1].data_tag, 0x12);
}

Bytes Accesses(uint64_t count) {
  SpeWriter to;
  for (uint64_t i = 0; i < count; ++i) Write({.tid = 7, .code = 0x4000 + i, .data = 0x7f00 + i, .cycles = 1'000 + i, .source = 8}, &to);
  return to.bytes();
}

TEST(SpeRecordsTest, PiecesOfAnySizeGiveTheSameRecords) {
  const Bytes all = Accesses(40);
  const Reading whole = ReadAll(all);
  ASSERT_EQ(whole.records.size(), 40u);
  for (const size_t piece_bytes : {1, 2, 3, 7, 64, 100}) {
    const Reading pieces = ReadAll(all, piece_bytes);
    ASSERT_EQ(pieces.records.size(), 40u) << piece_bytes;
    for (size_t i = 0; i < 40; ++i) {
      EXPECT_EQ(pieces.records[i].begin_at, whole.records[i].begin_at);
      EXPECT_EQ(pieces.records[i].data_address, whole.records[i].data_address);
      EXPECT_EQ(pieces.records[i].timestamp, whole.records[i].timestamp);
    }
  }
}

TEST(SpeRecordsTest, AfterDamageRecordsGoOnWhereOneBeginsForCertain) {
  Bytes all = Accesses(20);
  const size_t record_bytes = all.size() / 20;
  ASSERT_EQ(record_bytes, 64u);
  all[5 * record_bytes + 9] = std::byte{0xff};  // where a header was
  const Reading reading = ReadAll(all);
  EXPECT_EQ(reading.counts.malformed, 1u);
  // The damaged one, and the next, whose beginning nothing vouches for.
  ASSERT_EQ(reading.records.size(), 18u);
  EXPECT_EQ(reading.counts.skipped_bytes, 2 * record_bytes);
  EXPECT_EQ(reading.records[4].data_address, std::optional(uint64_t{0x7f04}));
  EXPECT_EQ(reading.records[5].data_address, std::optional(uint64_t{0x7f07}));
  EXPECT_EQ(reading.counts.records, 18u);
  EXPECT_EQ(reading.counts.cut_records, 0u);
}

TEST(SpeRecordsTest, OneRecordShowsWhereOthersBegin) {
  for (const uint64_t at : {0, 4'096}) {
    Bytes all = Accesses(8);
    all[64] = std::byte{0xff};
    const Reading reading = ReadAll(all, SIZE_MAX, at);
    ASSERT_EQ(reading.records.size(), 6u) << at;
    EXPECT_EQ(reading.records[1].begin_at, at + 3 * 64);
    // Before the first there is none.
    all = Accesses(8);
    all[0] = std::byte{0xff};
    EXPECT_EQ(ReadAll(all, SIZE_MAX, at).records.size(), 0u);
    EXPECT_EQ(ReadAll(all, SIZE_MAX, at).counts.skipped_bytes, 8u * 64);
  }
}

TEST(SpeRecordsTest, DamageWithoutAKnownAlignmentEndsTheStretch) {
  SpeWriter to;
  for (int i = 0; i < 3; ++i) to.Load().Data(0x1000).End();  // 12 bytes each
  Bytes all = to.bytes();
  all[12] = std::byte{0xff};
  const Reading reading = ReadAll(all);
  EXPECT_EQ(reading.records.size(), 1u);
  EXPECT_EQ(reading.counts.malformed, 1u);
  EXPECT_EQ(reading.counts.skipped_bytes, 24u);
  EXPECT_EQ(reading.counts.cut_records, 0u);
}

TEST(SpeRecordsTest, DamageAtTheEndOfAllNumbersEndsTheStretch) {
  const auto last = [](uint64_t before_end, const Bytes& bytes) {
    const Reading reading = ReadAll(bytes, SIZE_MAX, 0 - before_end);
    EXPECT_EQ(ReadAll(bytes, 1, 0 - before_end).counts.skipped_bytes, reading.counts.skipped_bytes);
    return reading;
  };
  const Reading none_before = last(1, {std::byte{0xff}});
  EXPECT_EQ(none_before.records.size(), 0u);
  EXPECT_EQ(none_before.counts.malformed, 1u);
  EXPECT_EQ(none_before.counts.skipped_bytes, 1u);
  const Reading end_behind = last(2, {std::byte{0xff}, std::byte{0x01}});
  EXPECT_EQ(end_behind.records.size(), 0u);
  EXPECT_EQ(end_behind.counts.malformed, 1u);
  EXPECT_EQ(end_behind.counts.skipped_bytes, 2u);
  // Of a known alignment whose next multiple is no number any more.
  Bytes aligned = Accesses(4);
  aligned[64] = std::byte{0xff};
  const Reading wrapped = last(2 * 64, aligned);
  EXPECT_EQ(wrapped.records.size(), 1u);
  EXPECT_EQ(wrapped.counts.malformed, 1u);
  EXPECT_EQ(wrapped.counts.skipped_bytes, 3u * 64);
}

TEST(SpeRecordsTest, ARecordLongerThanAnyIsDamage) {
  SpeWriter to;
  to.Load().End();
  for (int i = 0; i < 2'000; ++i) to.Total(1);
  const Reading reading = ReadAll(to.bytes());
  EXPECT_EQ(reading.records.size(), 1u);
  EXPECT_EQ(reading.counts.malformed, 1u);
  EXPECT_EQ(reading.counts.skipped_bytes, 6'000u);
}

TEST(SpeRecordsTest, WhatTheEndCutsIsCountedAndPaddingIsNot) {
  EXPECT_EQ(ReadAll(SpeWriter().Load().Data(1).bytes()).counts.cut_records, 1u);
  EXPECT_EQ(ReadAll(SpeWriter().Load().End().Byte(0xb2).Byte(1).bytes()).counts.cut_records, 1u);
  const Reading padded = ReadAll(SpeWriter().Load().End().PadBefore(0, 4'096).bytes());
  EXPECT_EQ(padded.records.size(), 1u);
  EXPECT_EQ(padded.counts.cut_records, 0u);
}

}  // namespace
}  // namespace hftmon
