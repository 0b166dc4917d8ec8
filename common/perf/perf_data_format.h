// The layout of perf.data files on disk, as perf writes them, and the bounds of their reader. All numbers little-endian.
//
//   file: header | ids | attrs | … | data: records | table of features | features       in any order, found by the header's sections
//   pipe: magic, 16 | records                                                           attrs and features are records too
#ifndef HFTMON_COMMON_PERF_PERF_DATA_FORMAT_H_
#define HFTMON_COMMON_PERF_PERF_DATA_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hftmon {

struct PerfDataFormat {
  static constexpr std::string_view kMagic = "PERFILE2";
  static constexpr std::string_view kMagicBigEndian = "2ELIFREP";
  static constexpr std::string_view kMagicFirst = "PERFFILE";  // of 2009

  // Places in the header. A section is {u64 offset, u64 size}.
  static constexpr size_t kHeaderSizeAt = 8;
  static constexpr size_t kAttrSizeAt = 16;  // of an entry: attr, then the section of its ids
  static constexpr size_t kAttrsAt = 24;
  static constexpr size_t kDataAt = 40;
  static constexpr size_t kFeatureBitsAt = 72;  // 256 of them; event types of before 3.9 stand before, and EVENT_DESC names them too
  static constexpr size_t kFeatureBits = 256;
  static constexpr size_t kHeaderBytes = 104;
  static constexpr size_t kPipeHeaderBytes = 16;
  static constexpr size_t kSectionBytes = 16;

  // Bounds: a file that needs more is refused.
  static constexpr uint64_t kEventsMax = 65'536;
  static constexpr uint64_t kIdsMax = uint64_t{4} << 20;
  static constexpr uint64_t kAttrBytesMax = 65'536;
  static constexpr uint64_t kFeatureBytesMax = uint64_t{16} << 20;  // of those that are read
  static constexpr uint64_t kUnpackedBytesMax = uint64_t{1} << 30;

  // Bounds of what is kept of NUMA_TOPOLOGY: what is beyond is left out, and said so. Linux has at most 1,024 nodes.
  static constexpr size_t kNodesMax = 1'024;
  static constexpr size_t kNodeCpusBytesMax = size_t{64} << 10;
};

// The features that are read, by their bits. Others are passed over.
enum class PerfFeature : uint32_t {
  kBuildIds = 2,
  kHostname = 3,
  kRelease = 4,
  kVersion = 5,
  kArch = 6,
  kCpuCount = 7,
  kCpu = 8,
  kCpuId = 9,
  kMemory = 10,
  kCommandLine = 11,
  kEventDescriptions = 12,
  kNodes = 14,
  kDirectory = 24,
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_DATA_FORMAT_H_
