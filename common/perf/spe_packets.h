// Packets of Arm's statistical profiling (SPE), one by one. Pure, bounded, no allocation; any thread.
//
// Source: Arm Architecture Reference Manual for A-profile (DDI 0487), "Statistical Profiling Extension Sample Record Specification".
// Payloads are little-endian, of 1, 2, 4 or 8 bytes by bits 5:4 of the header, which is one byte or, behind an extension byte, two:
//
//   00000000 padding             0100 10cc operation of class cc        1001 1iii counter i, in cycles
//   00000001 end                 01ss 0010 events, a bit each           1011 0iii address i
//   01110001 time stamp          01ss 0011 data source                  0010 00jj, then one of the two above: its index is jjiii
//                                0110 01cc context of EL cc + 1         0010 00jj, then 00000000: fills up to a multiple of 2 << jj bytes
#ifndef HFTMON_COMMON_PERF_SPE_PACKETS_H_
#define HFTMON_COMMON_PERF_SPE_PACKETS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace hftmon {

enum class SpePacketKind : uint8_t { kPadding, kEnd, kTimestamp, kEvents, kDataSource, kContext, kOperation, kAddress, kCounter };

struct SpePacket {
  SpePacketKind kind = SpePacketKind::kPadding;
  uint8_t index = 0;  // of context, operation, address, counter; else 0
  uint64_t payload = 0;
};

enum class SpePacketOutcome : uint8_t {
  kPacket,
  kCut,      // the bytes end within it
  kUnknown,  // its header is none of those above: how long it is cannot be told
};

struct SpePacketResult {
  SpePacketOutcome outcome = SpePacketOutcome::kCut;
  SpePacket packet;
  size_t bytes = 0;  // that it takes; 0 unless kPacket
};

inline constexpr size_t kSpePacketBytesMax = 16;  // that anything but a run of padding takes

// The first packet of `bytes`, the first of which is byte `at` of the AUX buffer (a multiple of the page's size is where that begins in
// memory: what alignment counts from). Padding bytes that follow each other are one packet.
SpePacketResult FirstSpePacket(std::span<const std::byte> bytes, uint64_t at);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_SPE_PACKETS_H_
