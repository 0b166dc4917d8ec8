// PerfRecord: one record of the kernel's ring or of a perf.data file: header and body, not yet taken apart. A view; any thread.
#ifndef HFTMON_COMMON_PERF_PERF_RECORD_H_
#define HFTMON_COMMON_PERF_PERF_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hftmon {

enum class PerfRecordType : uint32_t {
  kMmap = 1,
  kLost = 2,
  kComm = 3,
  kExit = 4,
  kThrottle = 5,
  kUnthrottle = 6,
  kFork = 7,
  kRead = 8,
  kSample = 9,
  kMmap2 = 10,
  kAux = 11,
  kItraceStart = 12,
  kLostSamples = 13,
  kSwitch = 14,
  kSwitchCpuWide = 15,
  kNamespaces = 16,
  kKsymbol = 17,
  kBpfEvent = 18,
  kCgroup = 19,
  kTextPoke = 20,
  kAuxOutputHardwareId = 21,
  // From here on perf's own, in files alone, without a trailer.
  kHeaderAttr = 64,
  kEventType = 65,
  kTracingData = 66,
  kBuildId = 67,
  kFinishedRound = 68,
  kIdIndex = 69,
  kAuxtraceInfo = 70,
  kAuxtrace = 71,
  kAuxtraceError = 72,
  kThreadMap = 73,
  kCpuMap = 74,
  kStatConfig = 75,
  kStat = 76,
  kStatRound = 77,
  kEventUpdate = 78,
  kTimeConversion = 79,
  kFeature = 80,
  kCompressed = 81,
  kFinishedInit = 82,
  kCompressed2 = 83,
};

// "SAMPLE", "MMAP2", …; empty: not known here.
std::string_view PerfRecordTypeName(uint32_t type);

struct PerfRecordHeader {
  static constexpr size_t kBytes = 8;
  static constexpr uint16_t kModeMask = 7;  // of misc: what follows, and 3 the hypervisor's
  static constexpr uint16_t kModeKernel = 1;
  static constexpr uint16_t kModeUser = 2;
  static constexpr uint16_t kModeGuestKernel = 4;
  static constexpr uint16_t kModeGuestUser = 5;
  static constexpr uint16_t kMappingIsData = 1u << 13;  // of misc, MMAP and MMAP2
  static constexpr uint16_t kExec = 1u << 13;           // COMM
  static constexpr uint16_t kSwitchOut = 1u << 13;      // SWITCH
  static constexpr uint16_t kBuildId = 1u << 14;        // MMAP2
  static constexpr uint16_t kPreempted = 1u << 14;      // SWITCH

  uint32_t type = 0;
  uint16_t misc = 0;
  uint16_t size = 0;  // with the header; sound: >= kBytes, and need not be a multiple of 8

  // Requires: bytes.size() >= kBytes.
  static PerfRecordHeader Parse(std::span<const std::byte> bytes);
  static bool IsOfGuest(uint16_t misc) { return (misc & kModeMask) == kModeGuestKernel || (misc & kModeMask) == kModeGuestUser; }
  bool Is(PerfRecordType t) const { return type == static_cast<uint32_t>(t); }
  bool IsKernels() const { return type < static_cast<uint32_t>(PerfRecordType::kHeaderAttr); }
};

struct PerfRecord {
  PerfRecordHeader header;
  std::span<const std::byte> body;
};

// The record that `bytes` begins with. No value: they end before it does, or its size is none (below kBytes): the header tells which.
std::optional<PerfRecord> FirstPerfRecord(std::span<const std::byte> bytes);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_RECORD_H_
