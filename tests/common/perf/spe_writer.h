// Writer of Arm SPE's packets, byte by byte and apart from the reader's code. Nothing is checked: what a test asks for, sound or not, is
// written.
#ifndef HFTMON_TESTS_COMMON_PERF_SPE_WRITER_H_
#define HFTMON_TESTS_COMMON_PERF_SPE_WRITER_H_

#include <cstdint>
#include <optional>

#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {

class SpeWriter {
 public:
  SpeWriter& Byte(uint8_t byte) { return Put<uint8_t>(byte); }
  SpeWriter& Code(uint64_t address, uint64_t exception_level = 0) {
    return Byte(0xb0).Put((address & kLow) | exception_level << 61 | uint64_t{1} << 63);
  }
  SpeWriter& Target(uint64_t address) { return Byte(0xb1).Put((address & kLow) | uint64_t{1} << 63); }
  SpeWriter& Data(uint64_t address_and_tag) { return Byte(0xb2).Put(address_and_tag); }
  SpeWriter& Physical(uint64_t address) { return Byte(0xb3).Put((address & kLow) | uint64_t{1} << 63); }
  SpeWriter& Load(uint8_t kind = 0) { return Byte(0x49).Byte(kind); }
  SpeWriter& Store(uint8_t kind = 0) { return Byte(0x49).Byte(kind | 1); }
  SpeWriter& Branch() { return Byte(0x4a).Byte(1); }
  SpeWriter& Events(uint32_t events) { return Byte(0x62).Put(events); }
  SpeWriter& Total(uint16_t cycles) { return Byte(0x98).Put(cycles); }
  SpeWriter& Issue(uint16_t cycles) { return Byte(0x99).Put(cycles); }
  SpeWriter& Translation(uint16_t cycles) { return Byte(0x9a).Put(cycles); }
  SpeWriter& Context(uint32_t tid, int exception_level = 1) { return Byte(static_cast<uint8_t>(0x63 + exception_level)).Put(tid); }
  SpeWriter& Source(uint8_t code) { return Byte(0x43).Byte(code); }
  SpeWriter& Timestamp(uint64_t cycles) { return Byte(0x71).Put(cycles); }
  SpeWriter& End() { return Byte(0x01); }
  // So that the next `bytes` end at a multiple of that.
  SpeWriter& PadBefore(size_t bytes, size_t alignment = 64) {
    while ((to_.bytes.size() + bytes) % alignment != 0) Byte(0);
    return *this;
  }
  const Bytes& bytes() const { return to_.bytes; }

 private:
  static constexpr uint64_t kLow = (uint64_t{1} << 56) - 1;

  template <typename T>
  SpeWriter& Put(T value) {
    to_.Put(value);
    return *this;
  }

  ByteWriter to_;
};

// A load or store of a thread, of 64 or 128 bytes, as a Neoverse core writes them.
struct WrittenAccess {
  uint32_t tid = 0;
  uint64_t code = 0;
  uint64_t data = 0;
  uint64_t cycles = 0;  // the time stamp
  bool store = false;
  std::optional<uint8_t> source;
  uint32_t events = 0x16;  // retired, L1 access, TLB access
  uint16_t latency = 20;
  bool has_context = true;
};

inline void Write(const WrittenAccess& access, SpeWriter* to) {
  to->Code(access.code);
  if (access.has_context) to->Context(access.tid, 2);
  access.store ? to->Store() : to->Load();
  to->Events(access.events).Issue(4).Total(access.latency).Data(access.data).Translation(1);
  if (access.source) to->Source(*access.source);
  to->PadBefore(9).Timestamp(access.cycles);
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_COMMON_PERF_SPE_WRITER_H_
