#include "common/perf/spe_records.h"

#include <algorithm>
#include <limits>

namespace hftmon {
namespace {

constexpr uint64_t kAddressBits = (uint64_t{1} << 56) - 1;
constexpr uint64_t kKernelBit = uint64_t{1} << 55;
constexpr uint64_t kNonSecureBit = uint64_t{1} << 63;

constexpr uint8_t kClassOther = 0, kClassMemory = 1, kClassBranch = 2;
// Of a load or store. Extended ones (atomic, exclusive, ordered) have bit 1 set, and bits 7 to 5 clear.
constexpr uint64_t kStoreBit = 1, kExtendedMask = 0xe2, kExtended = 0x02, kAtomicBit = 4, kExclusiveBit = 8;
constexpr uint64_t kGeneralRegister = 0x00, kVectorRegister = 0x04, kSubclassMask = 0xfe;
constexpr uint64_t kScalableMask = 0x0a, kScalable = 0x08;

constexpr uint8_t kCode = 0, kBranchTarget = 1, kDataVirtual = 2, kDataPhysical = 3, kPreviousTarget = 4;
constexpr uint8_t kTotal = 0, kIssue = 1, kTranslation = 2;

uint64_t Address(uint64_t payload) {
  return (payload & kKernelBit) != 0 ? payload | ~kAddressBits : payload & kAddressBits;
}

void TakeOperation(const SpePacket& packet, SpeRecord* record) {
  if (packet.index == kClassOther) {
    record->operation = SpeOperation::kOther;
  } else if (packet.index == kClassBranch) {
    record->operation = SpeOperation::kBranch;
  } else if (packet.index == kClassMemory) {
    const uint64_t kind = packet.payload;
    record->operation = (kind & kStoreBit) != 0 ? SpeOperation::kStore : SpeOperation::kLoad;
    const uint64_t subclass = kind & kSubclassMask;
    if ((kind & kExtendedMask) == kExtended) {
      record->atomic = (kind & kAtomicBit) != 0;
      record->exclusive = (kind & kExclusiveBit) != 0;
    } else if (subclass == kGeneralRegister || subclass == kVectorRegister || (kind & kScalableMask) == kScalable) {
      record->atomic = false;
    }
  } else {
    ++record->unknown_packets;
  }
}

void TakeAddress(const SpePacket& packet, SpeRecord* record) {
  switch (packet.index) {
    case kCode:
      record->code_address = Address(packet.payload);
      record->exception_level = static_cast<uint8_t>(packet.payload >> 61 & 3);
      record->secure = (packet.payload & kNonSecureBit) == 0;
      return;
    case kBranchTarget:
      record->branch_target = Address(packet.payload);
      return;
    case kDataVirtual:
      record->data_address = Address(packet.payload);
      record->data_tag = static_cast<uint8_t>(packet.payload >> 56);
      return;
    case kDataPhysical:
      record->physical_address = packet.payload & kAddressBits;
      record->physical_secure = (packet.payload & kNonSecureBit) == 0;
      return;
    case kPreviousTarget:
      record->previous_branch_target = Address(packet.payload);
      return;
    default:
      ++record->unknown_packets;
  }
}

void TakeCounter(const SpePacket& packet, SpeRecord* record) {
  const auto cycles = static_cast<uint32_t>(packet.payload & 0xffff);
  switch (packet.index) {
    case kTotal:
      record->total_latency_cycles = cycles;
      return;
    case kIssue:
      record->issue_latency_cycles = cycles;
      return;
    case kTranslation:
      record->translation_latency_cycles = cycles;
      return;
    default:
      ++record->unknown_packets;
  }
}

}  // namespace

void SpeRecordReader::Begin(uint64_t at) {
  at_ = at;
  record_ = {.begin_at = at};
  begun_ = false;
  seeking_ = false;
}

void SpeRecordReader::End(size_t left_bytes) {
  if (seeking_) {
    counts_.skipped_bytes += left_bytes;
  } else if (begun_ || left_bytes > 0) {
    ++counts_.cut_records;
  }
}

void SpeRecordReader::Take(const SpePacket& packet) {
  switch (packet.kind) {
    case SpePacketKind::kPadding:
      return;
    case SpePacketKind::kEvents:
      record_.events = packet.payload;
      break;
    case SpePacketKind::kDataSource:
      record_.data_source = packet.payload;
      break;
    case SpePacketKind::kContext:
      (packet.index == 0 ? record_.context_el1 : record_.context_el2) = static_cast<uint32_t>(packet.payload);
      break;
    case SpePacketKind::kOperation:
      TakeOperation(packet, &record_);
      break;
    case SpePacketKind::kAddress:
      TakeAddress(packet, &record_);
      break;
    case SpePacketKind::kCounter:
      TakeCounter(packet, &record_);
      break;
    case SpePacketKind::kTimestamp:
      record_.timestamp = packet.payload;
      break;
    case SpePacketKind::kEnd:
      break;
  }
  begun_ = true;
}

// The largest that three of four ends of records are multiples of: damage may end some of them early, and of twice the alignment half are
// multiples. 0: none is.
uint64_t SpeRecordReader::Alignment() const {
  constexpr uint64_t kAllBut = 4;
  for (size_t i = kAlignments; i > 0 && counts_.records > 0; --i) {
    if (unaligned_counts_[i - 1] <= counts_.records / kAllBut) return kAlignmentMin << (i - 1);
  }
  return 0;
}

// At the end of a record. False while seeking: what ended had begun before.
bool SpeRecordReader::Finish() {
  if (seeking_) {
    const uint64_t alignment = Alignment();
    if (alignment != 0 && at_ % alignment == 0) seeking_ = false;
    return false;
  }
  for (size_t i = 0; i < kAlignments; ++i) unaligned_counts_[i] += at_ % (kAlignmentMin << i) == 0 ? 0 : 1;
  ++counts_.records;
  return true;
}

// What stands at at_ is no packet, or belongs to no record.
void SpeRecordReader::Lose() {
  ++counts_.malformed;
  if (!seeking_) counts_.skipped_bytes += at_ - record_.begin_at;
  seeking_ = true;
  seek_to_.reset();
  if (const uint64_t alignment = Alignment(); alignment != 0) {
    const uint64_t left = alignment - at_ % alignment;
    if (at_ <= std::numeric_limits<uint64_t>::max() - left) seek_to_ = at_ + left;
  }
  record_ = {.begin_at = seek_to_.value_or(at_)};
  begun_ = false;
}

// While seeking, up to where a record may begin. False: the bytes end before.
bool SpeRecordReader::PassOver(std::span<const std::byte>* bytes) {
  if (!seeking_ || (seek_to_ && at_ >= *seek_to_)) return true;
  const size_t passed = seek_to_ ? static_cast<size_t>(std::min<uint64_t>(*seek_to_ - at_, bytes->size())) : bytes->size();
  *bytes = bytes->subspan(passed);
  at_ += passed;
  counts_.skipped_bytes += passed;
  return seek_to_ && at_ >= *seek_to_;
}

std::optional<SpeRecord> SpeRecordReader::Next(std::span<const std::byte>* bytes) {
  while (PassOver(bytes)) {
    const SpePacketResult result = FirstSpePacket(*bytes, at_);
    if (result.outcome == SpePacketOutcome::kCut) return std::nullopt;
    if (result.outcome == SpePacketOutcome::kUnknown || (begun_ && at_ - record_.begin_at > SpeRecord::kBytesMax)) {
      Lose();
      continue;
    }
    *bytes = bytes->subspan(result.bytes);
    at_ += result.bytes;
    if (seeking_) counts_.skipped_bytes += result.bytes;
    Take(result.packet);
    if (result.packet.kind != SpePacketKind::kEnd && result.packet.kind != SpePacketKind::kTimestamp) continue;
    const bool whole = Finish();
    const SpeRecord record = record_;
    record_ = {.begin_at = at_};
    begun_ = false;
    if (whole) return record;
  }
  return std::nullopt;
}

}  // namespace hftmon
