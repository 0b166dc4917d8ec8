// SpeRecord: one operation that Arm's statistical profiling (SPE) sampled. SpeRecordReader: the records in bytes of an AUX buffer. Values;
// one thread, no allocation.
//
// What a record does not tell has no value. Source: as spe_packets.h; bits of events as of FEAT_SPEv1p4, those above are not the
// architecture's.
#ifndef HFTMON_COMMON_PERF_SPE_RECORDS_H_
#define HFTMON_COMMON_PERF_SPE_RECORDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/perf/spe_packets.h"

namespace hftmon {

// Bits of SpeRecord::events.
struct SpeEventBit {
  static constexpr uint64_t kException = 1u << 0;
  static constexpr uint64_t kRetired = 1u << 1;
  static constexpr uint64_t kL1Access = 1u << 2;
  static constexpr uint64_t kL1Refill = 1u << 3;
  static constexpr uint64_t kTlbAccess = 1u << 4;
  static constexpr uint64_t kTlbWalk = 1u << 5;
  static constexpr uint64_t kNotTaken = 1u << 6;
  static constexpr uint64_t kMispredicted = 1u << 7;
  static constexpr uint64_t kLastLevelAccess = 1u << 8;
  static constexpr uint64_t kLastLevelMiss = 1u << 9;
  static constexpr uint64_t kRemoteAccess = 1u << 10;
  static constexpr uint64_t kMisaligned = 1u << 11;
  static constexpr uint64_t kTransactional = 1u << 16;
  static constexpr uint64_t kPartialPredicate = 1u << 17;
  static constexpr uint64_t kEmptyPredicate = 1u << 18;
  static constexpr uint64_t kL2Access = 1u << 19;
  static constexpr uint64_t kL2Miss = 1u << 20;
  static constexpr uint64_t kDataModified = 1u << 21;  // the data was modified in a cache
  static constexpr uint64_t kRecentlyFetched = 1u << 22;
  static constexpr uint64_t kDataSnooped = 1u << 23;  // it came by a snoop of another cache
};

enum class SpeOperation : uint8_t { kUnknown, kOther, kLoad, kStore, kBranch };

struct SpeRecord {
  static constexpr size_t kBytesMax = 2048;  // the largest that PMSIDR_EL1.MaxSize has

  uint64_t begin_at = 0;  // of its first byte, in the AUX buffer; padding before it included

  SpeOperation operation = SpeOperation::kUnknown;
  // Of loads and stores. Atomic: it reads, changes and writes, whichever of the two it is told as. No value: a kind that does not tell.
  std::optional<bool> atomic;
  bool exclusive = false;
  uint64_t events = 0;

  // Addresses without their top byte, which bit 55 gives: the kernel's half has ones there.
  std::optional<uint64_t> code_address;
  uint8_t exception_level = 0;  // of the code: 0 user, 1 kernel, 2 hypervisor, or a kernel that is one
  bool secure = false;          // the code's, as its NS bit tells
  std::optional<uint64_t> branch_target;
  std::optional<uint64_t> previous_branch_target;
  std::optional<uint64_t> data_address;
  uint8_t data_tag = 0;  // the top byte of data_address as the program has it
  std::optional<uint64_t> physical_address;
  bool physical_secure = false;

  // Cycles of the CPU's clock. A counter has 12 or 16 bits and stays at its end: 0xfff and 0xffff may be more.
  std::optional<uint32_t> total_latency_cycles;  // from dispatch to completion
  std::optional<uint32_t> issue_latency_cycles;  // from dispatch to issue
  std::optional<uint32_t> translation_latency_cycles;

  std::optional<uint64_t> timestamp;    // of the counter that the kernel chose: the generic timer's, as a rule
  std::optional<uint32_t> context_el1;  // CONTEXTIDR_EL1: under Linux the thread's number in the initial pid namespace
  std::optional<uint32_t> context_el2;  // CONTEXTIDR_EL2: the same, of a kernel that runs as hypervisor
  std::optional<uint64_t> data_source;  // the implementation's code of what served it
  uint16_t unknown_packets = 0;         // addresses, counters, operations of an index that means nothing here: left out

  bool Has(uint64_t event) const { return (events & event) != 0; }
};

// Where a reading of records stands; all counts but `records` are of losses.
struct SpeReadCounts {
  uint64_t records = 0;
  uint64_t malformed = 0;      // places with a header that is none, or a record longer than any
  uint64_t skipped_bytes = 0;  // passed over there, up to the next record whose beginning is known
  uint64_t cut_records = 0;    // at the end of a stretch, without their own
};

// Reads stretches that follow each other in one AUX buffer. After a place that is no packet the records go on behind one that ends
// where the next can begin: at a multiple of a power of two (PMBIDR_EL1.Align), which three of four records before showed. Without that the
// rest of the stretch is passed over. There is no checksum: damage that makes a sound packet of another is not noticed.
class SpeRecordReader {
 public:
  static constexpr uint64_t kAlignmentMin = 16;

  // A new stretch, whose first byte is byte `at` of the buffer: any number, though bytes are counted on from 0 behind the last one, and
  // where no record can begin before that, damage ends the stretch as without a known alignment.
  void Begin(uint64_t at);
  // The next record of `bytes`, which begin at next_at(). Takes what it used up from their front. No value: more bytes are needed, or there
  // are no more: what is left in `bytes` must then stand before them; it is at most kSpePacketBytesMax bytes.
  std::optional<SpeRecord> Next(std::span<const std::byte>* bytes);
  // The stretch is over, with that many bytes left.
  void End(size_t left_bytes);

  uint64_t next_at() const { return at_; }
  const SpeReadCounts& counts() const { return counts_; }

 private:
  static constexpr size_t kAlignments = 8;  // up to the largest record

  void Take(const SpePacket& packet);
  uint64_t Alignment() const;
  bool Finish();
  void Lose();
  bool PassOver(std::span<const std::byte>* bytes);

  uint64_t at_ = 0;
  SpeRecord record_;
  bool begun_ = false;               // the record has a packet that is no padding
  bool seeking_ = false;             // no record is known to begin here
  std::optional<uint64_t> seek_to_;  // while seeking: nothing before is looked at; no value: nothing more of the stretch is
  std::array<uint64_t, kAlignments> unaligned_counts_{};  // records that end at no multiple of kAlignmentMin << i
  SpeReadCounts counts_;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_SPE_RECORDS_H_
