// DataSource: where a memory access was served from, as a CPU's sampling hardware told it (PERF_SAMPLE_DATA_SRC). Values, any thread.
//
// What is told differs by CPU and kernel: each fact may be missing, and what is missing is never another value.
#ifndef HFTMON_COMMON_PERF_DATA_SOURCE_H_
#define HFTMON_COMMON_PERF_DATA_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace hftmon {

// What served it, nearest first. A line that another core had modified is of the cache that had it: kL3 (this socket) or kRemoteCache.
enum class AccessLevel : uint8_t {
  kUnknown,
  kL1,
  kLineFillBuffer,  // on its way already: somebody else's miss
  kL2,
  kL3,
  kL4,
  kPeerCache,    // another core's, not said whether near or far
  kRemoteCache,  // of another socket or node
  kLocalDram,
  kRemoteDram,
  kPersistentMemory,
  kCxl,
  kIo,
  kUncached,
};

enum class SnoopResult : uint8_t { kUnknown, kNone, kHit, kMiss, kModified };  // kModified: HITM, the line was dirty in another cache

enum class TlbResult : uint8_t { kUnknown, kHit, kMiss };

struct DataSource {
  bool load = false;  // neither: no access of memory, whatever else is set
  bool store = false;
  AccessLevel level = AccessLevel::kUnknown;
  std::optional<bool> level_hit;  // false: it missed that level, and what served it is not told
  SnoopResult snoop = SnoopResult::kUnknown;
  bool remote = false;  // of what served it: told as another socket's or node's
  bool peer = false;    // the line came from another core, clean or dirty (Arm); counted beside HITM, never as one
  std::optional<bool> locked;
  TlbResult tlb = TlbResult::kUnknown;
  bool tlb_walked = false;  // the page table was walked, by hardware or kernel

  bool operator==(const DataSource&) const = default;
  bool IsAccess() const { return load || store; }
  bool IsHitm() const { return snoop == SnoopResult::kModified; }
};

// Of the 64 bits of the kernel's union perf_mem_data_src. Older kernels tell `lvl` alone, newer ones `lvl_num` too: the former is believed
// where it says anything.
DataSource DecodeDataSource(uint64_t bits);

// "L1", "LFB", "L2", "L3", "L4", "peer_cache", "remote_cache", "local_dram", "remote_dram", "pmem", "cxl", "io", "uncached", "unknown".
std::string_view AccessLevelName(AccessLevel level);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_DATA_SOURCE_H_
