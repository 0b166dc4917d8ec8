// What a recording says of hardware traces, taken apart: the kernel's records AUX and ITRACE_START, and perf's AUXTRACE_INFO, AUXTRACE and
// TIME_CONV. Values and views into the record; any thread. All parsers fail with DATA_LOSS, naming record and byte, where the body is too
// short; with a number that cannot be, naming record and number.
#ifndef HFTMON_COMMON_PERF_PERF_AUX_RECORDS_H_
#define HFTMON_COMMON_PERF_PERF_AUX_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/perf/perf_record.h"
#include "common/perf/perf_sample.h"

namespace hftmon {

// Of the trace's kind: PerfAuxtraceInfo::type.
struct PerfAuxtraceType {
  static constexpr uint32_t kIntelPt = 1;
  static constexpr uint32_t kArmSpe = 4;
};

struct PerfAuxtraceInfo {
  uint32_t type = 0;
  std::span<const std::byte> words;  // of 8 bytes each: the type's own
};

// Bytes of the trace that follow the record in the file. offset + bytes is below 2^63.
struct PerfAuxtrace {
  uint64_t bytes = 0;
  uint64_t offset = 0;          // of the first of them in its AUX buffer, counted on for ever
  uint32_t index = 0;           // of the buffer: traces of one index follow each other
  std::optional<uint32_t> tid;  // of a buffer of one thread; else a thread of the process, or none
  std::optional<uint32_t> cpu;  // of a buffer of one CPU; none: of one thread
};

// Bytes that the kernel added to an AUX buffer.
struct PerfAux {
  static constexpr uint64_t kTruncated = 1;  // the buffer was full: what came then is missing
  static constexpr uint64_t kOverwrite = 2;  // a snapshot's: older bytes were written over
  static constexpr uint64_t kPartial = 4;    // gaps of the hardware's own
  static constexpr uint64_t kCollision = 8;  // an operation was sampled before the last was done, and is missing

  PerfSampleId sample_id;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t flags = 0;
};

struct PerfItraceStart {
  PerfSampleId sample_id;
  uint32_t pid = 0, tid = 0;
};

// From the time stamps of a trace, which are of the CPU's counter, to the recording's clock.
struct PerfTimeConversion {
  uint64_t shift = 0;  // below 64
  uint64_t multiplier = 0;
  uint64_t zero_ns = 0;
  // Of a counter that is narrower than 64 bits.
  uint64_t base_cycles = 0;
  uint64_t mask = ~uint64_t{0};

  int64_t ToNs(uint64_t cycles) const;
};

// The type's words of a PerfAuxtraceInfo of kArmSpe.
struct SpeTraceInfo {
  struct Cpu {
    uint32_t cpu = 0;
    uint64_t midr = 0;
  };
  uint64_t pmu_type = 0;  // PerfAttr::type of the events that sampled
  std::vector<Cpu> cpus;  // empty: of a perf before 6.13, which does not tell
};

// Require: the record is of the type that they name.
absl::StatusOr<PerfAuxtraceInfo> ParseAuxtraceInfo(const PerfRecord& record);
absl::StatusOr<PerfAuxtrace> ParseAuxtrace(const PerfRecord& record);
absl::StatusOr<PerfAux> ParseAux(const PerfAttr& attr, const PerfRecord& record);
absl::StatusOr<PerfItraceStart> ParseItraceStart(const PerfAttr& attr, const PerfRecord& record);
// No value: it gives no conversion (a multiplier of 0, or no zero).
absl::StatusOr<std::optional<PerfTimeConversion>> ParseTimeConversion(const PerfRecord& record);

// FAILED_PRECONDITION: of a newer version than this reads.
absl::StatusOr<SpeTraceInfo> ParseSpeTraceInfo(std::span<const std::byte> words);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_AUX_RECORDS_H_
