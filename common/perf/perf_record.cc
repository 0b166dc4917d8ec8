#include "common/perf/perf_record.h"

#include <iterator>

#include "common/perf/little_endian.h"

namespace hftmon {

std::string_view PerfRecordTypeName(uint32_t type) {
  static constexpr std::string_view kKernels[] = {
      "",           "MMAP",    "LOST",      "COMM",   "EXIT",         "THROTTLE",        "UNTHROTTLE", "FORK",
      "READ",       "SAMPLE",  "MMAP2",     "AUX",    "ITRACE_START", "LOST_SAMPLES",    "SWITCH",     "SWITCH_CPU_WIDE",
      "NAMESPACES", "KSYMBOL", "BPF_EVENT", "CGROUP", "TEXT_POKE",    "AUX_OUTPUT_HW_ID"};
  static constexpr std::string_view kPerfs[] = {"HEADER_ATTR", "EVENT_TYPE",    "TRACING_DATA", "BUILD_ID",       "FINISHED_ROUND",
                                                "ID_INDEX",    "AUXTRACE_INFO", "AUXTRACE",     "AUXTRACE_ERROR", "THREAD_MAP",
                                                "CPU_MAP",     "STAT_CONFIG",   "STAT",         "STAT_ROUND",     "EVENT_UPDATE",
                                                "TIME_CONV",   "FEATURE",       "COMPRESSED",   "FINISHED_INIT",  "COMPRESSED2"};
  constexpr auto kFirstPerfs = static_cast<uint32_t>(PerfRecordType::kHeaderAttr);
  if (type < std::size(kKernels)) return kKernels[type];
  if (type >= kFirstPerfs && type - kFirstPerfs < std::size(kPerfs)) return kPerfs[type - kFirstPerfs];
  return {};
}

PerfRecordHeader PerfRecordHeader::Parse(std::span<const std::byte> bytes) {
  return {.type = LoadLittleEndian<uint32_t>(bytes, 0),
          .misc = LoadLittleEndian<uint16_t>(bytes, 4),
          .size = LoadLittleEndian<uint16_t>(bytes, 6)};
}

std::optional<PerfRecord> FirstPerfRecord(std::span<const std::byte> bytes) {
  if (bytes.size() < PerfRecordHeader::kBytes) return std::nullopt;
  const PerfRecordHeader header = PerfRecordHeader::Parse(bytes);
  if (header.size < PerfRecordHeader::kBytes || header.size > bytes.size()) return std::nullopt;
  return PerfRecord{.header = header, .body = bytes.first(header.size).subspan(PerfRecordHeader::kBytes)};
}

}  // namespace hftmon
