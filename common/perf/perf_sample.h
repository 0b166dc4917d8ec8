// PerfSample: one sample of a perf event, from the live ring or from a file. A value whose spans are views into the record; any thread.
#ifndef HFTMON_COMMON_PERF_PERF_SAMPLE_H_
#define HFTMON_COMMON_PERF_PERF_SAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "common/perf/perf_attr.h"
#include "common/perf/perf_read_values.h"

namespace hftmon {

// What the event was not asked for has no value, and its span is empty. So has what the kernel could not tell: a physical address or a
// page size of 0.
struct PerfSample {
  std::optional<uint64_t> id;  // of the event's descriptor
  std::optional<uint64_t> stream_id;
  std::optional<uint64_t> ip;
  std::optional<uint32_t> pid, tid;
  std::optional<int64_t> time_ns;  // in the clock of the recording
  std::optional<uint64_t> address;
  std::optional<uint32_t> cpu;
  std::optional<uint64_t> period;  // events that this sample stands for
  std::optional<PerfReadValues> read;
  std::optional<uint64_t> branch_hardware_index;
  std::optional<uint64_t> user_registers_abi, interrupt_registers_abi;  // 0: none of that kind, 1: of a 32-bit, 2: of a 64-bit program
  std::optional<uint64_t> weight;                                       // of memory accesses: latency in cycles
  std::optional<uint16_t> weight2, weight3;                             // with PERF_SAMPLE_WEIGHT_STRUCT; their meaning is the CPU's
  std::optional<uint64_t> data_source;                                  // for DecodeDataSource
  std::optional<uint64_t> transaction;
  std::optional<uint64_t> physical_address;
  std::optional<uint64_t> cgroup;
  std::optional<uint64_t> data_page_bytes, code_page_bytes;
  std::span<const std::byte> callchain;        // of 8 bytes an address, innermost first; addresses of -4095 and up are the kernel's marks
  std::span<const std::byte> raw;              // a tracepoint's fields
  std::span<const std::byte> branches;         // of 24 bytes: from, to, flags; newest first
  std::span<const std::byte> branch_counters;  // of 8 bytes a branch
  std::span<const std::byte> user_registers, interrupt_registers;
  std::span<const std::byte> user_stack;  // as much as was copied
  std::span<const std::byte> aux;
};

// The trailer that records other than samples have where their event has sample_id_all.
struct PerfSampleId {
  std::optional<uint32_t> pid, tid;
  std::optional<int64_t> time_ns;
  std::optional<uint64_t> id;  // 0: a record of perf's own
  std::optional<uint64_t> stream_id;
  std::optional<uint32_t> cpu;
  size_t byte_count = 0;  // of the trailer
};

// `body` is the record without its header of 8 bytes. No allocation when OK. DATA_LOSS: it has too few bytes or too many, naming the field
// and the byte within the body. FAILED_PRECONDITION: the event's sample_type or read_format has bits that this reader does not know.
absl::StatusOr<PerfSample> DecodeSample(const PerfAttr& attr, std::span<const std::byte> body);

// Of a record other than a sample. Empty without sample_id_all. DATA_LOSS: the body is shorter than the trailer.
absl::StatusOr<PerfSampleId> DecodeSampleId(const PerfAttr& attr, std::span<const std::byte> body);

// The byte of a sample's body where its id begins. No value: its samples tell no id.
std::optional<size_t> SampleIdPlace(const PerfAttr& attr);

// Which of several events a sample is of, before its attr is known: all events of a recording keep the id in the same place, and `any` is
// one of them. No value: their samples tell no id, or the body ends before it.
std::optional<uint64_t> SampleEventId(const PerfAttr& any, std::span<const std::byte> body);

// The same of a record other than a sample.
std::optional<uint64_t> TrailerEventId(const PerfAttr& any, std::span<const std::byte> body);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_SAMPLE_H_
