#include "common/perf/perf_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

#include "common/perf/little_endian.h"
#include "common/perf/perf_field_cursor.h"

namespace hftmon {
namespace {

constexpr uint64_t kBranchHardwareIndex = 1u << 17;  // of branch_sample_type
constexpr uint64_t kBranchCounters = 1u << 19;
constexpr size_t kBranchBytes = 24;

// Takes a sample apart, once, in the kernel's order.
class SampleDecoder {
 public:
  // The kernel leaves the index out where it has no branches at all, and writes the number 0 then too: the length tells which it was.
  SampleDecoder(const PerfAttr& attr, std::span<const std::byte> body, bool index_of_no_branches)
      : attr_(attr), cursor_("SAMPLE", body), index_of_no_branches_(index_of_no_branches) {}

  absl::StatusOr<PerfSample> Decode() {
    TakeWhoAndWhen();
    if (absl::Status read = TakeReading(); !read.ok()) return read;
    TakeStacks();
    TakeAccess();
    if (!cursor_.ok()) return cursor_.status();
    if (cursor_.left() != 0) {
      return absl::DataLossError(
          fmt::format("SAMPLE is too long: its fields end at byte {} of {}", cursor_.at(), cursor_.at() + cursor_.left()));
    }
    return sample_;
  }
  bool met_no_branches() const { return met_no_branches_; }

 private:
  bool Has(uint64_t bit) const { return attr_.Samples(bit); }
  uint64_t TakeWord(const char* field) { return cursor_.Take<uint64_t>(field); }

  void TakeWhoAndWhen() {
    if (Has(PerfSampleBit::kIdentifier)) sample_.id = TakeWord("IDENTIFIER");
    if (Has(PerfSampleBit::kIp)) sample_.ip = TakeWord("IP");
    if (Has(PerfSampleBit::kTid)) {
      sample_.pid = cursor_.Take<uint32_t>("TID's pid");
      sample_.tid = cursor_.Take<uint32_t>("TID");
    }
    if (Has(PerfSampleBit::kTime)) sample_.time_ns = cursor_.Take<int64_t>("TIME");
    if (Has(PerfSampleBit::kAddress)) sample_.address = TakeWord("ADDR");
    if (Has(PerfSampleBit::kId)) sample_.id = TakeWord("ID");
    if (Has(PerfSampleBit::kStreamId)) sample_.stream_id = TakeWord("STREAM_ID");
    if (Has(PerfSampleBit::kCpu)) {
      sample_.cpu = cursor_.Take<uint32_t>("CPU");
      cursor_.TakeBytes(4, "CPU's reserve");
    }
    if (Has(PerfSampleBit::kPeriod)) sample_.period = TakeWord("PERIOD");
  }

  absl::Status TakeReading() {
    if (!Has(PerfSampleBit::kRead)) return absl::OkStatus();
    const size_t at = cursor_.at();
    auto read = PerfReadValues::Parse(attr_.read_format, cursor_.rest());
    if (!read.ok())
      return absl::Status(read.status().code(), fmt::format("SAMPLE: READ at byte {}: {}", at, std::string(read.status().message())));
    sample_.read = *read;
    cursor_.TakeBytes(read->byte_count(), "READ");
    return absl::OkStatus();
  }

  void TakeStacks() {
    if (Has(PerfSampleBit::kCallchain)) sample_.callchain = cursor_.TakeArray(TakeWord("CALLCHAIN's length"), 8, "CALLCHAIN");
    if (Has(PerfSampleBit::kRaw)) sample_.raw = cursor_.TakeBytes(cursor_.Take<uint32_t>("RAW's size"), "RAW");
    if (Has(PerfSampleBit::kBranchStack)) TakeBranches();
    if (Has(PerfSampleBit::kUserRegisters)) {
      TakeRegisters(attr_.user_registers, "REGS_USER", &sample_.user_registers_abi, &sample_.user_registers);
    }
    if (Has(PerfSampleBit::kUserStack)) TakeUserStack();
  }

  void TakeBranches() {
    const uint64_t count = TakeWord("BRANCH_STACK's length");
    const bool has_index = (attr_.branch_sample_type & kBranchHardwareIndex) != 0;
    met_no_branches_ = has_index && count == 0;
    if (has_index && (count != 0 || index_of_no_branches_)) sample_.branch_hardware_index = TakeWord("BRANCH_STACK's index");
    sample_.branches = cursor_.TakeArray(count, kBranchBytes, "BRANCH_STACK");
    if ((attr_.branch_sample_type & kBranchCounters) != 0) sample_.branch_counters = cursor_.TakeArray(count, 8, "BRANCH_STACK's counters");
  }

  void TakeRegisters(uint64_t mask, const char* field, std::optional<uint64_t>* abi, std::span<const std::byte>* registers) {
    *abi = TakeWord(field);
    if (**abi != 0) *registers = cursor_.TakeArray(static_cast<uint64_t>(std::popcount(mask)), 8, field);
  }

  void TakeUserStack() {
    const uint64_t size = TakeWord("STACK_USER's size");
    if (size == 0) return;
    const std::span<const std::byte> room = cursor_.TakeBytes(size, "STACK_USER");
    const uint64_t copied = TakeWord("STACK_USER's copied size");
    sample_.user_stack = room.first(std::min<uint64_t>(copied, room.size()));
  }

  void TakeAccess() {
    if (Has(PerfSampleBit::kWeight | PerfSampleBit::kWeightStruct)) TakeWeight();
    if (Has(PerfSampleBit::kDataSource)) sample_.data_source = TakeWord("DATA_SRC");
    if (Has(PerfSampleBit::kTransaction)) sample_.transaction = TakeWord("TRANSACTION");
    if (Has(PerfSampleBit::kInterruptRegisters)) {
      TakeRegisters(attr_.interrupt_registers, "REGS_INTR", &sample_.interrupt_registers_abi, &sample_.interrupt_registers);
    }
    if (Has(PerfSampleBit::kPhysicalAddress)) sample_.physical_address = TakeUnlessZero("PHYS_ADDR");
    if (Has(PerfSampleBit::kCgroup)) sample_.cgroup = TakeWord("CGROUP");
    if (Has(PerfSampleBit::kDataPageSize)) sample_.data_page_bytes = TakeUnlessZero("DATA_PAGE_SIZE");
    if (Has(PerfSampleBit::kCodePageSize)) sample_.code_page_bytes = TakeUnlessZero("CODE_PAGE_SIZE");
    if (Has(PerfSampleBit::kAux)) sample_.aux = cursor_.TakeBytes(TakeWord("AUX's size"), "AUX");
  }

  void TakeWeight() {
    if (Has(PerfSampleBit::kWeight)) {
      sample_.weight = TakeWord("WEIGHT");
      return;
    }
    sample_.weight = cursor_.Take<uint32_t>("WEIGHT_STRUCT");
    sample_.weight2 = cursor_.Take<uint16_t>("WEIGHT_STRUCT's second");
    sample_.weight3 = cursor_.Take<uint16_t>("WEIGHT_STRUCT's third");
  }

  std::optional<uint64_t> TakeUnlessZero(const char* field) {
    const uint64_t value = TakeWord(field);
    return value == 0 ? std::nullopt : std::optional(value);
  }

  const PerfAttr& attr_;
  PerfFieldCursor cursor_;
  const bool index_of_no_branches_;
  bool met_no_branches_ = false;
  PerfSample sample_;
};

// In the order of the trailer, from its beginning; each is 8 bytes.
constexpr uint64_t kTrailerBits[] = {PerfSampleBit::kTid,      PerfSampleBit::kTime, PerfSampleBit::kId,
                                     PerfSampleBit::kStreamId, PerfSampleBit::kCpu,  PerfSampleBit::kIdentifier};

}  // namespace

absl::StatusOr<PerfSample> DecodeSample(const PerfAttr& attr, std::span<const std::byte> body) {
  if ((attr.sample_type & ~PerfSampleBit::kKnown) != 0) {
    return absl::FailedPreconditionError(fmt::format(
        "sample_type {:#x} is newer than this reader: update hftmon, or record without what bits 25 and up ask for", attr.sample_type));
  }
  SampleDecoder decoder(attr, body, true);
  absl::StatusOr<PerfSample> sample = decoder.Decode();
  if (sample.ok() || !decoder.met_no_branches()) return sample;
  absl::StatusOr<PerfSample> without_index = SampleDecoder(attr, body, false).Decode();
  return without_index.ok() ? without_index : sample;
}

absl::StatusOr<PerfSampleId> DecodeSampleId(const PerfAttr& attr, std::span<const std::byte> body) {
  PerfSampleId id;
  if (!attr.sample_id_all()) return id;
  for (const uint64_t bit : kTrailerBits) id.byte_count += attr.Samples(bit) ? 8 : 0;
  if (id.byte_count > body.size()) {
    return absl::DataLossError(fmt::format("a record of {} bytes is shorter than its trailer of {}", body.size(), id.byte_count));
  }
  PerfFieldCursor cursor("trailer", body.last(id.byte_count));
  if (attr.Samples(PerfSampleBit::kTid)) {
    id.pid = cursor.Take<uint32_t>("TID's pid");
    id.tid = cursor.Take<uint32_t>("TID");
  }
  if (attr.Samples(PerfSampleBit::kTime)) id.time_ns = cursor.Take<int64_t>("TIME");
  if (attr.Samples(PerfSampleBit::kId)) id.id = cursor.Take<uint64_t>("ID");
  if (attr.Samples(PerfSampleBit::kStreamId)) id.stream_id = cursor.Take<uint64_t>("STREAM_ID");
  if (attr.Samples(PerfSampleBit::kCpu)) {
    id.cpu = cursor.Take<uint32_t>("CPU");
    cursor.TakeBytes(4, "CPU's reserve");
  }
  if (attr.Samples(PerfSampleBit::kIdentifier)) id.id = cursor.Take<uint64_t>("IDENTIFIER");
  return id;
}

std::optional<size_t> SampleIdPlace(const PerfAttr& attr) {
  if (attr.Samples(PerfSampleBit::kIdentifier)) return 0;
  if (!attr.Samples(PerfSampleBit::kId)) return std::nullopt;
  size_t at = 0;
  for (const uint64_t bit : {PerfSampleBit::kIp, PerfSampleBit::kTid, PerfSampleBit::kTime, PerfSampleBit::kAddress}) {
    at += attr.Samples(bit) ? 8 : 0;
  }
  return at;
}

std::optional<uint64_t> SampleEventId(const PerfAttr& any, std::span<const std::byte> body) {
  const std::optional<size_t> at = SampleIdPlace(any);
  if (!at.has_value() || body.size() < *at + 8) return std::nullopt;
  return LoadLittleEndian<uint64_t>(body, *at);
}

std::optional<uint64_t> TrailerEventId(const PerfAttr& any, std::span<const std::byte> body) {
  const absl::StatusOr<PerfSampleId> id = DecodeSampleId(any, body);
  return id.ok() ? id->id : std::nullopt;
}

}  // namespace hftmon
