#include "common/perf/spe_packets.h"

#include <gtest/gtest.h>

#include "tests/common/perf/spe_writer.h"

namespace hftmon {
namespace {

SpePacketResult First(std::initializer_list<uint8_t> bytes, uint64_t at = 0) {
  ByteWriter to;
  for (const uint8_t byte : bytes) to.Put(byte);
  return FirstSpePacket(to.bytes, at);
}

void ExpectPacket(const SpePacketResult& result, SpePacketKind kind, uint8_t index, uint64_t payload, size_t bytes) {
  ASSERT_EQ(result.outcome, SpePacketOutcome::kPacket);
  EXPECT_EQ(result.packet.kind, kind);
  EXPECT_EQ(result.packet.index, index);
  EXPECT_EQ(result.packet.payload, payload);
  EXPECT_EQ(result.bytes, bytes);
}

TEST(SpePacketsTest, EachKindIsToldByItsHeader) {
  using Kind = SpePacketKind;
  ExpectPacket(First({0x01, 7}), Kind::kEnd, 0, 0, 1);
  ExpectPacket(First({0x71, 1, 2, 3, 4, 5, 6, 7, 8}), Kind::kTimestamp, 0, 0x0807060504030201, 9);
  ExpectPacket(First({0x42, 0x16}), Kind::kEvents, 0, 0x16, 2);
  ExpectPacket(First({0x52, 0x1e, 3}), Kind::kEvents, 0, 0x31e, 3);
  ExpectPacket(First({0x62, 1, 0, 8, 0}), Kind::kEvents, 0, 0x80001, 5);
  ExpectPacket(First({0x72, 1, 0, 0, 0, 0, 0, 0, 0x80}), Kind::kEvents, 0, uint64_t{1} << 63 | 1, 9);
  ExpectPacket(First({0x43, 9}), Kind::kDataSource, 0, 9, 2);
  ExpectPacket(First({0x53, 9, 1}), Kind::kDataSource, 0, 0x109, 3);
  ExpectPacket(First({0x65, 0x80, 0x5f, 0, 0}), Kind::kContext, 1, 0x5f80, 5);
  ExpectPacket(First({0x4a, 1}), Kind::kOperation, 2, 1, 2);
  ExpectPacket(First({0xb2, 1, 0, 0, 0, 0, 0, 0, 0xff}), Kind::kAddress, 2, uint64_t{0xff} << 56 | 1, 9);
  ExpectPacket(First({0x99, 4, 1}), Kind::kCounter, 1, 0x104, 3);
}

TEST(SpePacketsTest, ExtendedHeadersHaveTheUpperBitsOfTheIndex) {
  ExpectPacket(First({0x21, 0x9a, 4, 1}), SpePacketKind::kCounter, 10, 0x104, 4);
  ExpectPacket(First({0x23, 0xb7, 1, 0, 0, 0, 0, 0, 0, 0}), SpePacketKind::kAddress, 31, 1, 10);
  // Nothing else may follow an extension.
  for (const uint8_t header : {0x42, 0x43, 0x48, 0x64, 0x71, 0x01, 0x20}) {
    EXPECT_EQ(First({0x20, header, 0, 0, 0, 0, 0, 0, 0, 0}).outcome, SpePacketOutcome::kUnknown) << int{header};
  }
}

TEST(SpePacketsTest, PaddingIsOneAndAlignmentFillsUp) {
  ExpectPacket(First({0, 0, 0, 1}), SpePacketKind::kPadding, 0, 0, 3);
  ExpectPacket(First({0x20, 0, 9, 9}, 6), SpePacketKind::kPadding, 0, 0, 2);
  ExpectPacket(First({0x22, 0, 9, 9, 9, 9}, 19), SpePacketKind::kPadding, 0, 0, 5);
  ExpectPacket(First({0x23, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}, 64), SpePacketKind::kPadding, 0, 0, 16);
  ExpectPacket(First({0x21, 0, 9}, 7), SpePacketKind::kPadding, 0, 0, 2);  // no room for its header before
  EXPECT_EQ(First({0x22, 0, 9}, 19).outcome, SpePacketOutcome::kCut);
}

TEST(SpePacketsTest, WhatIsNoHeaderIsUnknownAndWhatEndsEarlyIsCut) {
  // The headers of the manual's table, and the first bytes of extended ones; all others have no meaning.
  size_t known_count = 0;
  for (int header = 0; header < 256; ++header) {
    const auto first = static_cast<uint8_t>(header);
    const SpePacketResult whole = First({first, 0x98, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
    EXPECT_NE(whole.outcome, SpePacketOutcome::kCut) << header;
    EXPECT_LE(whole.bytes, kSpePacketBytesMax) << header;
    if (whole.outcome == SpePacketOutcome::kUnknown) continue;
    ++known_count;
    if (whole.bytes == 1) continue;
    EXPECT_EQ(First({first}).outcome, SpePacketOutcome::kCut) << header;
    EXPECT_EQ(First({first, 0x98}).outcome, whole.bytes == 2 ? SpePacketOutcome::kPacket : SpePacketOutcome::kCut) << header;
  }
  // 2 without payload, 1 time stamp, 4 + 4 sizes of events and sources, 4 contexts, 4 operations, 4 extensions, 8 addresses, 8 counters.
  EXPECT_EQ(known_count, 39u);
  EXPECT_EQ(FirstSpePacket({}, 0).outcome, SpePacketOutcome::kCut);
}

}  // namespace
}  // namespace hftmon
