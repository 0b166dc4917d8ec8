// PerfAttr: what one perf event was asked to count and to write into its samples (the kernel's struct perf_event_attr). A value, any
// thread.
#ifndef HFTMON_COMMON_PERF_PERF_ATTR_H_
#define HFTMON_COMMON_PERF_PERF_ATTR_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"

namespace hftmon {

// Bits of PerfAttr::sample_type, in the kernel's numbers.
struct PerfSampleBit {
  static constexpr uint64_t kIp = 1u << 0;
  static constexpr uint64_t kTid = 1u << 1;
  static constexpr uint64_t kTime = 1u << 2;
  static constexpr uint64_t kAddress = 1u << 3;
  static constexpr uint64_t kRead = 1u << 4;
  static constexpr uint64_t kCallchain = 1u << 5;
  static constexpr uint64_t kId = 1u << 6;
  static constexpr uint64_t kCpu = 1u << 7;
  static constexpr uint64_t kPeriod = 1u << 8;
  static constexpr uint64_t kStreamId = 1u << 9;
  static constexpr uint64_t kRaw = 1u << 10;
  static constexpr uint64_t kBranchStack = 1u << 11;
  static constexpr uint64_t kUserRegisters = 1u << 12;
  static constexpr uint64_t kUserStack = 1u << 13;
  static constexpr uint64_t kWeight = 1u << 14;
  static constexpr uint64_t kDataSource = 1u << 15;
  static constexpr uint64_t kIdentifier = 1u << 16;
  static constexpr uint64_t kTransaction = 1u << 17;
  static constexpr uint64_t kInterruptRegisters = 1u << 18;
  static constexpr uint64_t kPhysicalAddress = 1u << 19;
  static constexpr uint64_t kAux = 1u << 20;
  static constexpr uint64_t kCgroup = 1u << 21;
  static constexpr uint64_t kDataPageSize = 1u << 22;
  static constexpr uint64_t kCodePageSize = 1u << 23;
  static constexpr uint64_t kWeightStruct = 1u << 24;
  static constexpr uint64_t kKnown = (1u << 25) - 1;
};

// Bits of PerfAttr::read_format.
struct PerfReadBit {
  static constexpr uint64_t kEnabled = 1u << 0;
  static constexpr uint64_t kRunning = 1u << 1;
  static constexpr uint64_t kId = 1u << 2;
  static constexpr uint64_t kGroup = 1u << 3;
  static constexpr uint64_t kLost = 1u << 4;
  static constexpr uint64_t kKnown = (1u << 5) - 1;
};

struct PerfAttr {
  static constexpr size_t kSizeMin = 64;  // the first kernels' with perf events

  uint32_t type =
      0;  // 0 hardware, 1 software, 2 tracepoint, 3 hardware cache, 4 raw, 5 breakpoint; above: the PMU's number on that machine
  uint32_t size = 0;  // of the writer's struct
  uint64_t config = 0;
  uint64_t period_or_frequency = 0;  // frequency() tells which; a frequency in Hz
  uint64_t sample_type = 0;
  uint64_t read_format = 0;
  uint64_t flags = 0;  // the kernel's bit field, from `disabled` in bit 0
  uint32_t breakpoint_type = 0;
  uint64_t config1 = 0;  // a breakpoint's address
  uint64_t config2 = 0;
  uint64_t config3 = 0;
  uint64_t branch_sample_type = 0;
  uint64_t user_registers = 0;  // one bit for each register of a sample
  uint32_t user_stack_bytes = 0;
  int32_t clock_id = 0;  // where uses_clock_id()
  uint64_t interrupt_registers = 0;

  bool operator==(const PerfAttr&) const = default;
  bool Samples(uint64_t bit) const { return (sample_type & bit) != 0; }
  bool Reads(uint64_t bit) const { return (read_format & bit) != 0; }
  bool inherit() const { return Flag(1); }
  bool exclude_user() const { return Flag(4); }
  bool exclude_kernel() const { return Flag(5); }
  bool exclude_hypervisor() const { return Flag(6); }
  bool frequency() const { return Flag(10); }
  int precise_ip() const {
    return static_cast<int>(flags >> 15 & 3);
  }                                                // 0: the address may be any near one, to 3: none but the event's own
  bool sample_id_all() const { return Flag(18); }  // records other than samples end with a PerfSampleId
  bool uses_clock_id() const { return Flag(25); }

 private:
  bool Flag(int bit) const { return (flags >> bit & 1) != 0; }
};

// `bytes` begins with the struct; its own size says how much of them it is. Fields that an older writer did not know are 0, what a newer
// one appended is not read. INVALID_ARGUMENT: its size is below 64 or beyond `bytes`.
absl::StatusOr<PerfAttr> ParsePerfAttr(std::span<const std::byte> bytes);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_ATTR_H_
