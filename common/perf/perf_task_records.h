// The kernel's records about tasks and losses, taken apart: mappings, names, births, ends, switches, lost and throttled. Views into the
// record; any thread. All fail with DATA_LOSS, naming record and byte, where the body is too short for them.
#ifndef HFTMON_COMMON_PERF_PERF_TASK_RECORDS_H_
#define HFTMON_COMMON_PERF_PERF_TASK_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/perf/perf_record.h"
#include "common/perf/perf_sample.h"

namespace hftmon {

// Names are as the file has them: bytes that may be anything but NUL, at most kNameBytesMax of them.
inline constexpr size_t kPerfNameBytesMax = 4096;

struct PerfMapping {
  PerfSampleId sample_id;
  uint32_t pid = 0;  // ~0: the kernel's
  uint32_t tid = 0;
  uint64_t start = 0;
  uint64_t bytes = 0;  // start + bytes does not overflow
  uint64_t file_offset = 0;
  uint32_t device_major = 0, device_minor = 0;  // with inode: MMAP2 without a build id alone
  std::optional<uint64_t> inode;
  std::span<const std::byte> build_id;  // of at most 20 bytes
  std::optional<uint32_t> protection;   // PROT_*
  bool shared = false;                  // MAP_SHARED: other processes see the same memory
  bool kernel = false;
  bool data = false;  // mapped for data, not for code
  std::string_view name;
};

struct PerfComm {
  PerfSampleId sample_id;
  uint32_t pid = 0, tid = 0;
  bool exec = false;  // its mappings are gone
  std::string_view name;
};

// FORK and EXIT.
struct PerfTask {
  PerfSampleId sample_id;
  uint32_t pid = 0, parent_pid = 0, tid = 0, parent_tid = 0;
  int64_t time_ns = 0;
};

struct PerfSwitch {
  PerfSampleId sample_id;
  bool out = false;                              // the sample id's thread left the CPU; else it came
  bool preempted = false;                        // of out
  std::optional<uint32_t> other_pid, other_tid;  // SWITCH_CPU_WIDE: who comes, or who left
};

struct PerfLost {
  PerfSampleId sample_id;
  std::optional<uint64_t> id;  // of the event; LOST_SAMPLES tells it in the trailer alone
  uint64_t count = 0;
  bool samples = false;  // LOST_SAMPLES: samples that hardware or kernel dropped; else records that found no room
};

struct PerfThrottle {
  PerfSampleId sample_id;
  bool throttled = false;  // else: let go again
  int64_t time_ns = 0;
  uint64_t id = 0;
};

// Require: the record is of a type that they name.
absl::StatusOr<PerfMapping> ParseMapping(const PerfAttr& attr, const PerfRecord& record);
absl::StatusOr<PerfComm> ParseComm(const PerfAttr& attr, const PerfRecord& record);
absl::StatusOr<PerfTask> ParseTask(const PerfAttr& attr, const PerfRecord& record);
absl::StatusOr<PerfSwitch> ParseSwitch(const PerfAttr& attr, const PerfRecord& record);
absl::StatusOr<PerfLost> ParseLost(const PerfAttr& attr, const PerfRecord& record);
absl::StatusOr<PerfThrottle> ParseThrottle(const PerfAttr& attr, const PerfRecord& record);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_TASK_RECORDS_H_
