#include "common/perf/spe_packets.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace hftmon {
namespace {

constexpr uint8_t kEndHeader = 0x01, kTimestampHeader = 0x71;
constexpr uint8_t kExtensionMask = 0xfc, kExtension = 0x20;

struct HeaderKind {
  uint8_t mask;
  uint8_t value;
  SpePacketKind kind;
  uint8_t index_mask;
};
// Of headers of one byte with a payload; the last two also behind an extension.
constexpr HeaderKind kHeaders[] = {
    {0xff, kTimestampHeader, SpePacketKind::kTimestamp, 0},
    {0xcf, 0x42, SpePacketKind::kEvents, 0},
    {0xcf, 0x43, SpePacketKind::kDataSource, 0},
    {0xfc, 0x64, SpePacketKind::kContext, 3},
    {0xfc, 0x48, SpePacketKind::kOperation, 3},
    {0xf8, 0x98, SpePacketKind::kCounter, 7},
    {0xf8, 0xb0, SpePacketKind::kAddress, 7},
};

uint64_t Payload(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

const HeaderKind* KindOf(uint8_t header) {
  const auto* const found =
      std::find_if(std::begin(kHeaders), std::end(kHeaders), [header](const HeaderKind& one) { return (header & one.mask) == one.value; });
  return found == std::end(kHeaders) ? nullptr : found;
}

SpePacketResult Plain(SpePacketKind kind, size_t bytes) {
  return {.outcome = SpePacketOutcome::kPacket, .packet = {.kind = kind}, .bytes = bytes};
}

// `high`: of the index, from an extension before; then `skip` is 1.
SpePacketResult WithPayload(std::span<const std::byte> bytes, size_t skip, uint8_t high) {
  const auto header = std::to_integer<uint8_t>(bytes[skip]);
  const HeaderKind* const kind = KindOf(header);
  if (kind == nullptr || (skip > 0 && kind->index_mask != 7)) return {.outcome = SpePacketOutcome::kUnknown};
  const size_t payload_bytes = size_t{1} << (header >> 4 & 3);
  const size_t whole = skip + 1 + payload_bytes;
  if (bytes.size() < whole) return {.outcome = SpePacketOutcome::kCut};
  return {.outcome = SpePacketOutcome::kPacket,
          .packet = {.kind = kind->kind,
                     .index = static_cast<uint8_t>(high << 3 | (header & kind->index_mask)),
                     .payload = Payload(bytes.subspan(skip + 1, payload_bytes))},
          .bytes = whole};
}

SpePacketResult Extended(std::span<const std::byte> bytes, uint64_t at) {
  if (bytes.size() < 2) return {.outcome = SpePacketOutcome::kCut};
  const auto high = static_cast<uint8_t>(std::to_integer<uint8_t>(bytes[0]) & 3);
  if (bytes[1] != std::byte{0}) return WithPayload(bytes, 1, high);
  const uint64_t alignment = uint64_t{2} << high;
  // Its own two bytes may go beyond; what fills up to the next multiple then is padding.
  const size_t whole = std::max<size_t>(static_cast<size_t>(alignment - at % alignment), 2);
  if (bytes.size() < whole) return {.outcome = SpePacketOutcome::kCut};
  return Plain(SpePacketKind::kPadding, whole);
}

}  // namespace

SpePacketResult FirstSpePacket(std::span<const std::byte> bytes, uint64_t at) {
  if (bytes.empty()) return {.outcome = SpePacketOutcome::kCut};
  const auto header = std::to_integer<uint8_t>(bytes[0]);
  if (header == 0) {
    const auto end = std::find_if(bytes.begin(), bytes.end(), [](std::byte byte) { return byte != std::byte{0}; });
    return Plain(SpePacketKind::kPadding, static_cast<size_t>(end - bytes.begin()));
  }
  if (header == kEndHeader) return Plain(SpePacketKind::kEnd, 1);
  if ((header & kExtensionMask) == kExtension) return Extended(bytes, at);
  return WithPayload(bytes, 0, 0);
}

}  // namespace hftmon
