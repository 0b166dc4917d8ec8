#include "common/perf/perf_aux_records.h"

#include <fmt/format.h>

#include "common/perf/perf_field_cursor.h"

namespace hftmon {
namespace {

constexpr uint32_t kNone = ~uint32_t{0};
// No buffer was ever written that far, and nobody who counts within it overflows.
constexpr uint64_t kTraceEndLimit = uint64_t{1} << 63;
// Of AUXTRACE_INFO's words for SPE. Two words are the first version, {type of the PMU, buffers of CPUs}; later ones begin with their
// number: {version, words of the header, type of the PMU, CPUs}, then for each CPU {magic, CPU, words to come, MIDR, …}.
constexpr size_t kFirstVersionBytes = 16;
constexpr uint64_t kVersionMax = 2;
constexpr uint64_t kCpuMagic = 0x1010101010101010;
constexpr uint64_t kCpusMax = 65'536;

std::optional<uint32_t> UnlessNone(uint32_t number) {
  return number == kNone ? std::nullopt : std::optional(number);
}

}  // namespace

int64_t PerfTimeConversion::ToNs(uint64_t cycles) const {
  const uint64_t full = base_cycles + ((cycles - base_cycles) & mask);
  const uint64_t quotient = full >> shift;
  const uint64_t rest = full & ((uint64_t{1} << shift) - 1);
  return static_cast<int64_t>(zero_ns + quotient * multiplier + ((rest * multiplier) >> shift));
}

absl::StatusOr<PerfAuxtraceInfo> ParseAuxtraceInfo(const PerfRecord& record) {
  PerfFieldCursor cursor("AUXTRACE_INFO", record.body);
  PerfAuxtraceInfo info;
  info.type = cursor.Take<uint32_t>("type");
  cursor.TakeBytes(4, "reserved");
  if (!cursor.ok()) return cursor.status();
  info.words = cursor.rest();
  return info;
}

absl::StatusOr<PerfAuxtrace> ParseAuxtrace(const PerfRecord& record) {
  PerfFieldCursor cursor("AUXTRACE", record.body);
  PerfAuxtrace trace;
  trace.bytes = cursor.Take<uint64_t>("size");
  trace.offset = cursor.Take<uint64_t>("offset");
  cursor.TakeBytes(8, "reference");
  trace.index = cursor.Take<uint32_t>("index");
  trace.tid = UnlessNone(cursor.Take<uint32_t>("tid"));
  trace.cpu = UnlessNone(cursor.Take<uint32_t>("cpu"));
  if (!cursor.ok()) return cursor.status();
  if (trace.bytes >= kTraceEndLimit || trace.offset >= kTraceEndLimit - trace.bytes) {
    return absl::DataLossError(
        fmt::format("AUXTRACE has {} bytes at offset {} of its buffer, where no buffer has any", trace.bytes, trace.offset));
  }
  return trace;
}

absl::StatusOr<PerfAux> ParseAux(const PerfAttr& attr, const PerfRecord& record) {
  const absl::StatusOr<PerfSampleId> sample_id = DecodeSampleId(attr, record.body);
  if (!sample_id.ok()) return sample_id.status();
  PerfFieldCursor cursor("AUX", record.body.first(record.body.size() - sample_id->byte_count));
  PerfAux aux{.sample_id = *sample_id};
  aux.offset = cursor.Take<uint64_t>("offset");
  aux.bytes = cursor.Take<uint64_t>("size");
  aux.flags = cursor.Take<uint64_t>("flags");
  if (!cursor.ok()) return cursor.status();
  return aux;
}

absl::StatusOr<PerfItraceStart> ParseItraceStart(const PerfAttr& attr, const PerfRecord& record) {
  const absl::StatusOr<PerfSampleId> sample_id = DecodeSampleId(attr, record.body);
  if (!sample_id.ok()) return sample_id.status();
  PerfFieldCursor cursor("ITRACE_START", record.body.first(record.body.size() - sample_id->byte_count));
  PerfItraceStart start{.sample_id = *sample_id};
  start.pid = cursor.Take<uint32_t>("pid");
  start.tid = cursor.Take<uint32_t>("tid");
  if (!cursor.ok()) return cursor.status();
  return start;
}

absl::StatusOr<std::optional<PerfTimeConversion>> ParseTimeConversion(const PerfRecord& record) {
  PerfFieldCursor cursor("TIME_CONV", record.body);
  PerfTimeConversion conversion;
  conversion.shift = cursor.Take<uint64_t>("shift");
  conversion.multiplier = cursor.Take<uint64_t>("multiplier");
  conversion.zero_ns = cursor.Take<uint64_t>("zero");
  if (!cursor.ok()) return cursor.status();
  if (conversion.shift >= 64) return absl::DataLossError(fmt::format("TIME_CONV shifts by {} bits, of 64", conversion.shift));
  bool has_zero = true;
  if (cursor.left() > 0) {  // since Linux 5.10
    const auto base_cycles = cursor.Take<uint64_t>("cycles");
    const auto mask = cursor.Take<uint64_t>("mask");
    has_zero = cursor.Take<uint8_t>("whether it has a zero") != 0;
    const bool narrow = cursor.Take<uint8_t>("whether the counter is narrow") != 0;
    if (!cursor.ok()) return cursor.status();
    if (narrow) {
      conversion.base_cycles = base_cycles;
      conversion.mask = mask;
    }
  }
  if (!has_zero || conversion.multiplier == 0) return std::nullopt;
  return conversion;
}

absl::StatusOr<SpeTraceInfo> ParseSpeTraceInfo(std::span<const std::byte> words) {
  PerfFieldCursor cursor("AUXTRACE_INFO of Arm SPE", words);
  SpeTraceInfo info;
  const auto first = cursor.Take<uint64_t>("version or type of the PMU");
  if (words.size() == kFirstVersionBytes) {
    info.pmu_type = first;
    return info;
  }
  const auto header_words = cursor.Take<uint64_t>("words of the header");
  info.pmu_type = cursor.Take<uint64_t>("type of the PMU");
  const auto cpu_count = cursor.Take<uint64_t>("number of CPUs");
  if (!cursor.ok()) return cursor.status();
  if (first > kVersionMax) {
    return absl::FailedPreconditionError(fmt::format(
        "AUXTRACE_INFO of Arm SPE is of version {}, and this reads up to {}: import it with a newer hftmon", first, kVersionMax));
  }
  if (header_words < 4 || cpu_count > kCpusMax) {
    return absl::DataLossError(fmt::format("AUXTRACE_INFO of Arm SPE has a header of {} words and {} CPUs", header_words, cpu_count));
  }
  cursor.TakeArray(header_words - 4, 8, "header");
  for (uint64_t i = 0; i < cpu_count && cursor.ok(); ++i) {
    const auto magic = cursor.Take<uint64_t>("magic of a CPU");
    const auto cpu = cursor.Take<uint64_t>("number of a CPU");
    const auto word_count = cursor.Take<uint64_t>("words of a CPU");
    const auto midr = cursor.Take<uint64_t>("MIDR of a CPU");
    if (cursor.ok() && (magic != kCpuMagic || word_count < 1)) {
      return absl::DataLossError(fmt::format("AUXTRACE_INFO of Arm SPE has no CPU at its word {}", cursor.at() / 8 - 4));
    }
    if (cursor.ok()) cursor.TakeArray(word_count - 1, 8, "words of a CPU");
    if (cursor.ok()) info.cpus.push_back({.cpu = static_cast<uint32_t>(cpu), .midr = midr});
  }
  if (!cursor.ok()) return cursor.status();
  return info;
}

}  // namespace hftmon
