#include "common/perf/data_source.h"

#include <cstddef>
#include <iterator>

namespace hftmon {
namespace {

// Where each field of the kernel's union stands, and its bits.
constexpr uint64_t Field(uint64_t bits, int at, int width) {
  return bits >> at & ((uint64_t{1} << width) - 1);
}

constexpr uint64_t kOpLoad = 2, kOpStore = 4;
constexpr uint64_t kLevelNotAvailable = 1, kLevelHit = 2, kLevelMiss = 4;
constexpr uint64_t kSnoopNone = 2, kSnoopHit = 4, kSnoopMiss = 8, kSnoopHitm = 16;
constexpr uint64_t kLockNotAvailable = 1, kLockLocked = 2;
constexpr uint64_t kTlbHit = 2, kTlbMiss = 4, kTlbL1 = 8, kTlbL2 = 16, kTlbWalker = 32, kTlbKernel = 64;
constexpr uint64_t kSnoopPeer = 2;
constexpr uint64_t kHopsOtherCoreOfNode = 1;  // the other numbers are of nodes, sockets and boards
constexpr uint64_t kAnyCache = 11;

struct LevelBits {
  uint64_t bits;
  AccessLevel level;
};
// Of the old field, the farthest first: what is set beside it was passed on the way.
constexpr LevelBits kLevelBits[] = {
    {8192, AccessLevel::kUncached},
    {4096, AccessLevel::kIo},
    {1024 | 2048, AccessLevel::kRemoteCache},
    {256 | 512, AccessLevel::kRemoteDram},
    {128, AccessLevel::kLocalDram},
    {64, AccessLevel::kL3},
    {32, AccessLevel::kL2},
    {16, AccessLevel::kLineFillBuffer},
    {8, AccessLevel::kL1},
};

AccessLevel LevelOfBits(uint64_t bits) {
  for (const LevelBits& row : kLevelBits) {
    if ((bits & row.bits) != 0) return row.level;
  }
  return AccessLevel::kUnknown;
}

// Of the newer field, a number.
AccessLevel LevelOfNumber(uint64_t number) {
  switch (number) {
    case 1:
    case 7:  // L0: the nearest data cache of cores that have one more
      return AccessLevel::kL1;
    case 2:
      return AccessLevel::kL2;
    case 3:
      return AccessLevel::kL3;
    case 4:
      return AccessLevel::kL4;
    case 5:  // the L2's own buffer of misses
    case 12:
      return AccessLevel::kLineFillBuffer;
    case 8:
      return AccessLevel::kUncached;
    case 9:
      return AccessLevel::kCxl;
    case 10:
      return AccessLevel::kIo;
    case kAnyCache:
      return AccessLevel::kPeerCache;
    case 13:
      return AccessLevel::kLocalDram;
    case 14:
      return AccessLevel::kPersistentMemory;
    default:  // not told, or newer than this; 6 is a cache at the memory's side
      return AccessLevel::kUnknown;
  }
}

// What a level is that was told as another socket's or node's.
AccessLevel Remote(AccessLevel level) {
  switch (level) {
    case AccessLevel::kL1:
    case AccessLevel::kL2:
    case AccessLevel::kL3:
    case AccessLevel::kL4:
    case AccessLevel::kPeerCache:
      return AccessLevel::kRemoteCache;
    case AccessLevel::kLocalDram:
      return AccessLevel::kRemoteDram;
    default:
      return level;
  }
}

void DecodeLevel(uint64_t bits, DataSource* source) {
  const uint64_t told = Field(bits, 5, 14);
  const bool other = Field(bits, 37, 1) != 0;
  source->remote = other && Field(bits, 43, 3) != kHopsOtherCoreOfNode;
  if ((told & kLevelHit) != 0) source->level_hit = true;
  if ((told & (kLevelHit | kLevelMiss)) == kLevelMiss) source->level_hit = false;
  source->level = LevelOfBits(told);
  // A miss alone names no level, and the number beside it would be of what was missed.
  const bool miss_alone = source->level_hit == std::optional(false);
  if (source->level == AccessLevel::kUnknown && !miss_alone) {
    source->level = LevelOfNumber(Field(bits, 33, 4));
    if (source->level != AccessLevel::kUnknown) source->level_hit = true;
    // A near cache of another core in the same node.
    if (other && !source->remote && source->level != AccessLevel::kLocalDram && Remote(source->level) == AccessLevel::kRemoteCache) {
      source->level = AccessLevel::kPeerCache;
    }
  }
  if (source->remote) source->level = Remote(source->level);
  if (source->level == AccessLevel::kRemoteCache || source->level == AccessLevel::kRemoteDram) source->remote = true;
}

void DecodeTlb(uint64_t bits, DataSource* source) {
  const uint64_t told = Field(bits, 26, 7);
  const bool walked_bit = (told & (kTlbWalker | kTlbKernel)) != 0;
  // A hit of the walker is a miss of every TLB before it, and a miss of the second level ends in a walk.
  source->tlb_walked = walked_bit || ((told & kTlbMiss) != 0 && (told & kTlbL2) != 0);
  if ((told & kTlbMiss) != 0) {
    source->tlb = TlbResult::kMiss;
  } else if ((told & kTlbHit) != 0) {
    source->tlb = walked_bit && (told & (kTlbL1 | kTlbL2)) == 0 ? TlbResult::kMiss : TlbResult::kHit;
  }
}

SnoopResult DecodeSnoop(uint64_t told) {
  if ((told & kSnoopHitm) != 0) return SnoopResult::kModified;
  if ((told & kSnoopHit) != 0) return SnoopResult::kHit;
  if ((told & kSnoopMiss) != 0) return SnoopResult::kMiss;
  return (told & kSnoopNone) != 0 ? SnoopResult::kNone : SnoopResult::kUnknown;
}

}  // namespace

DataSource DecodeDataSource(uint64_t bits) {
  DataSource source;
  const uint64_t operation = Field(bits, 0, 5);
  source.load = (operation & kOpLoad) != 0;
  source.store = (operation & kOpStore) != 0;
  DecodeLevel(bits, &source);
  source.snoop = DecodeSnoop(Field(bits, 19, 5));
  source.peer = (Field(bits, 38, 2) & kSnoopPeer) != 0;
  const uint64_t lock = Field(bits, 24, 2);
  if ((lock & kLockLocked) != 0) {
    source.locked = true;
  } else if (source.IsAccess() && (lock & kLockNotAvailable) == 0) {
    source.locked = false;
  }
  DecodeTlb(bits, &source);
  return source;
}

std::string_view AccessLevelName(AccessLevel level) {
  static constexpr std::string_view kNames[] = {"unknown",      "L1",         "LFB",         "L2",   "L3",  "L4", "peer_cache",
                                                "remote_cache", "local_dram", "remote_dram", "pmem", "cxl", "io", "uncached"};
  const auto i = static_cast<size_t>(level);
  return i < std::size(kNames) ? kNames[i] : kNames[0];
}

}  // namespace hftmon
