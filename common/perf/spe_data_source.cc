#include "common/perf/spe_data_source.h"

#include <algorithm>
#include <iterator>

namespace hftmon {
namespace {

constexpr uint64_t kArmImplementer = 0x41, kAmpereImplementer = 0xc0;
constexpr uint64_t kArmParts[] = {0xd0c, 0xd40, 0xd49, 0xd4c, 0xd4e, 0xd4f, 0xd81, 0xd85, 0xd87};
constexpr uint64_t kAmpereOneParts[] = {0xac4};

struct SourceRow {
  uint64_t code;
  AccessLevel level;
  bool peer;
  bool remote;
};
constexpr SourceRow kArmRows[] = {
    {0x0, AccessLevel::kL1, false, false},        {0x8, AccessLevel::kL2, false, false},
    {0x9, AccessLevel::kPeerCache, true, false},  {0xa, AccessLevel::kPeerCache, true, false},  // in the same cluster
    {0xb, AccessLevel::kL3, false, false},                                                      // the system's
    {0xc, AccessLevel::kPeerCache, true, false},                                                // in another cluster
    {0xd, AccessLevel::kRemoteCache, true, true},                                               // another socket's
    {0xe, AccessLevel::kLocalDram, false, false},
};
constexpr SourceRow kAmpereRows[] = {
    {0x0, AccessLevel::kPeerCache, true, false},  // or a device's memory, which a program seldom reads
    {0x3, AccessLevel::kL3, false, false},       {0x5, AccessLevel::kRemoteCache, true, true}, {0x7, AccessLevel::kLocalDram, false, false},
    {0x8, AccessLevel::kL1, false, false},       {0x9, AccessLevel::kL2, false, false},
};

template <size_t kCount>
bool Contains(const uint64_t (&parts)[kCount], uint64_t part) {
  return std::find(std::begin(parts), std::end(parts), part) != std::end(parts);
}

template <size_t kCount>
const SourceRow* Find(const SourceRow (&rows)[kCount], uint64_t code) {
  const auto* const found = std::find_if(std::begin(rows), std::end(rows), [code](const SourceRow& row) { return row.code == code; });
  return found == std::end(rows) ? nullptr : found;
}

const SourceRow* RowOf(const SpeRecord& record, SpeSourceEncoding encoding) {
  if (!record.data_source || record.operation != SpeOperation::kLoad) return nullptr;
  if (encoding == SpeSourceEncoding::kArm) return Find(kArmRows, *record.data_source);
  if (encoding == SpeSourceEncoding::kAmpere) return Find(kAmpereRows, *record.data_source);
  return nullptr;
}

struct LevelEvents {
  AccessLevel level;
  uint64_t asked;
  uint64_t missed;
};
constexpr LevelEvents kLevelEvents[] = {
    {AccessLevel::kL3, SpeEventBit::kLastLevelAccess, SpeEventBit::kLastLevelMiss},
    {AccessLevel::kL2, SpeEventBit::kL2Access, SpeEventBit::kL2Miss},
    {AccessLevel::kL1, SpeEventBit::kL1Access, SpeEventBit::kL1Refill},
};

void TakeLevelOfEvents(const SpeRecord& record, DataSource* source) {
  for (const LevelEvents& row : kLevelEvents) {
    if (!record.Has(row.asked) && !record.Has(row.missed)) continue;
    source->level = row.level;
    source->level_hit = !record.Has(row.missed);
    break;
  }
  if (record.Has(SpeEventBit::kRecentlyFetched) && source->level == AccessLevel::kL1) {
    source->level = AccessLevel::kLineFillBuffer;
    source->level_hit = true;
  }
  // That it left the socket is told, but not whether cache or memory served it there.
  if (source->remote) {
    source->level = AccessLevel::kUnknown;
    source->level_hit.reset();
  }
}

void TakeLevel(const SourceRow& row, DataSource* source) {
  source->level = row.level;
  source->level_hit = true;
  source->peer = row.peer;
  source->remote = source->remote || row.remote;
  if (!source->remote) return;
  if (source->level == AccessLevel::kLocalDram) source->level = AccessLevel::kRemoteDram;
  if (source->level == AccessLevel::kPeerCache) source->level = AccessLevel::kRemoteCache;
}

}  // namespace

SpeSourceEncoding SpeSourceEncodingOf(uint64_t midr) {
  const uint64_t implementer = midr >> 24 & 0xff;
  const uint64_t part = midr >> 4 & 0xfff;
  if (implementer == kArmImplementer && Contains(kArmParts, part)) return SpeSourceEncoding::kArm;
  if (implementer == kAmpereImplementer && Contains(kAmpereOneParts, part)) return SpeSourceEncoding::kAmpere;
  return SpeSourceEncoding::kUnknown;
}

DataSource SpeDataSource(const SpeRecord& record, SpeSourceEncoding encoding) {
  DataSource source;
  source.load = record.operation == SpeOperation::kLoad;
  source.store = record.operation == SpeOperation::kStore;
  if (!source.IsAccess()) return source;
  source.locked = record.atomic;
  source.remote = record.Has(SpeEventBit::kRemoteAccess);
  if (const SourceRow* const row = RowOf(record, encoding); row != nullptr) {
    TakeLevel(*row, &source);
  } else {
    TakeLevelOfEvents(record, &source);
  }
  if (record.Has(SpeEventBit::kDataSnooped)) {
    source.peer = true;
    source.snoop = record.Has(SpeEventBit::kDataModified) ? SnoopResult::kModified : SnoopResult::kHit;
  }
  if (record.Has(SpeEventBit::kTlbWalk)) {
    source.tlb = TlbResult::kMiss;
    source.tlb_walked = true;
  } else if (record.Has(SpeEventBit::kTlbAccess)) {
    source.tlb = TlbResult::kHit;
  }
  return source;
}

}  // namespace hftmon
