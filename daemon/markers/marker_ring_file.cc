#include "daemon/markers/marker_ring_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <limits>

#include "common/utf8.h"

namespace hftmon {
namespace {

constexpr uint64_t kTidMax = 1u << 22;  // the kernel's PID_MAX_LIMIT

// All of it, or false. Never blocks on tmpfs but for pages that were swapped out.
bool ReadWhole(int fd, void* to, uint64_t bytes, uint64_t at) {
  return pread(fd, to, bytes, static_cast<off_t>(at)) == static_cast<ssize_t>(bytes);
}

uint32_t SaturatedSum(uint32_t a, uint64_t b) {
  return static_cast<uint32_t>(std::min<uint64_t>(a + b, std::numeric_limits<uint32_t>::max()));
}

// What a person may be shown of 60 bytes of a program's liking.
std::string DisplayName(const hft_marker_operation& operation) {
  std::string name = ValidUtf8(std::string_view(operation.name, operation.name_bytes));
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return name;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MarkerRingFile>> MarkerRingFile::Open(const std::string& directory, const MarkerRingName& name,
                                                                     const MarkerProcess& process, const RawClocks* clocks,
                                                                     MarkerSink* sink) {
  const absl::StatusOr<OpenMarkerFile> opened = OpenMarkerFileOf(directory, name, process);
  if (!opened.ok()) return opened.status();
  return std::make_unique<MarkerRingFile>(*opened, name, clocks, sink);
}

MarkerRingFile::MarkerRingFile(const OpenMarkerFile& opened, const MarkerRingName& name, const RawClocks* clocks, MarkerSink* sink)
    : fd_(opened.fd), name_(name), header_(opened.header), clocks_(clocks), sink_(sink), rings_(opened.header.thread_max) {
  Resume();
}

MarkerRingFile::~MarkerRingFile() {
  close(fd_);
}

bool MarkerRingFile::HasOwner() const {
  return MarkerFileHasOwner(fd_);
}

bool MarkerRingFile::IsNamed(const std::string& directory) const {
  struct stat held {};
  struct stat named {};
  return fstat(fd_, &held) == 0 && lstat((directory + "/" + name_.FileName()).c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

// Goes on where an earlier reader stopped, and learns which thread has each ring since before that.
void MarkerRingFile::Resume() {
  for (uint32_t i = 0; i < header_.thread_max; ++i) {
    hft_marker_consumer consumer{};
    hft_marker_producer producer{};
    const uint64_t consumer_at = hft_marker_consumers_at(header_.operation_max, header_.thread_max) + i * sizeof(consumer);
    const uint64_t producer_at = hft_marker_producers_at(header_.operation_max) + i * sizeof(producer);
    // A file that ends earlier is found by the first drain.
    if (!ReadWhole(fd_, &consumer, sizeof(consumer), consumer_at) || !ReadWhole(fd_, &producer, sizeof(producer), producer_at)) return;
    Ring& ring = rings_[i];
    ring.last_tsc = header_.created_tsc;
    ring.taken = consumer.consumed_check == ~consumer.consumed ? consumer.consumed : producer.published;
    if (ring.taken >= producer.first_index && producer.tid <= kTidMax) ring.tid = producer.tid;
  }
}

absl::Status MarkerRingFile::CheckSize() const {
  struct stat status {};
  if (fstat(fd_, &status) != 0) return absl::ErrnoToStatus(errno, name_.FileName());
  if (static_cast<uint64_t>(status.st_size) == header_.file_bytes) return absl::OkStatus();
  return absl::DataLossError(fmt::format("{} had {} bytes and now has {}: its owner changed it, and nothing more is read from it",
                                         name_.FileName(), header_.file_bytes, status.st_size));
}

absl::Status MarkerRingFile::ReadProducers(MarkerBuffers* buffers) const {
  const uint64_t bytes = header_.thread_max * sizeof(hft_marker_producer);
  if (ReadWhole(fd_, buffers->producers.data(), bytes, hft_marker_producers_at(header_.operation_max))) return absl::OkStatus();
  return absl::DataLossError(fmt::format("{} cannot be read: its owner changed it", name_.FileName()));
}

// Names that are new: each is copied once.
void MarkerRingFile::ReadOperations() {
  uint32_t count = 0;
  if (!ReadWhole(fd_, &count, sizeof(count), offsetof(hft_marker_header, operation_count))) return;
  // Keeps the copies of the names below that of the count; pairs with the program's release of the count.
  std::atomic_thread_fence(std::memory_order_acquire);
  count = std::min(count, header_.operation_max);
  for (; operation_count_ < count; ++operation_count_) {
    hft_marker_operation operation{};
    if (!ReadWhole(fd_, &operation, sizeof(operation), HFT_MARKER_OPERATIONS_AT + operation_count_ * sizeof(operation))) return;
    const bool named = operation.name_bytes >= 1 && operation.name_bytes <= HFT_MARKER_NAME_BYTES;
    if (!named) counts_.faults.Add(MarkerFault::kName);
    sink_->OnOperation(operation_count_, named ? DisplayName(operation) : fmt::format("operation {}", operation_count_));
  }
}

// Records that wait in a ring; 0 where its index cannot be.
uint64_t MarkerRingFile::WaitingCount(const hft_marker_producer& producer, Ring* ring) {
  if (producer.dropped > ring->dropped) {
    counts_.dropped_count += producer.dropped - ring->dropped;
    ring->dropped = producer.dropped;
  }
  const uint64_t waiting = producer.published - ring->taken;  // huge where it fell
  if (waiting <= header_.record_max) return waiting;
  if (producer.published != ring->refused_index) counts_.faults.Add(MarkerFault::kIndex);
  ring->refused_index = producer.published;
  return 0;
}

absl::StatusOr<MarkerRingFile::Drained> MarkerRingFile::Drain(uint64_t records_max, MarkerBuffers* buffers) {
  absl::Status status = CheckSize();
  if (status.ok()) status = ReadProducers(buffers);
  if (!status.ok()) return status;
  // Keeps the copies of records below those of the indices; pairs with the program's release of each index.
  std::atomic_thread_fence(std::memory_order_acquire);
  ReadOperations();
  Drained drained;
  const uint32_t ring_count = header_.thread_max;
  for (uint32_t i = 0; i < ring_count && drained.record_count < records_max; ++i) {
    const auto number = static_cast<uint16_t>((first_ring_ + i) % ring_count);
    Ring& ring = rings_[number];
    const uint64_t waiting = WaitingCount(buffers->producers[number], &ring);
    if (waiting == 0) continue;
    const uint64_t count = std::min({waiting, records_max - drained.record_count, uint64_t{MarkerBuffers::kChunkRecords}});
    const absl::StatusOr<uint64_t> taken = DrainRing(number, count, buffers);
    if (!taken.ok()) return taken.status();
    drained.record_count += *taken;
    drained.more |= waiting > *taken && *taken > 0;
  }
  drained.more |= drained.record_count >= records_max;
  first_ring_ = (first_ring_ + 1) % ring_count;
  return drained;
}

absl::Status MarkerRingFile::ReadRecords(uint16_t number, uint64_t first, uint64_t count, MarkerBuffers* buffers) const {
  const uint64_t ring_at = hft_marker_ring_at(header_.operation_max, header_.thread_max, header_.record_max, number);
  const uint64_t cell = first & (header_.record_max - 1);
  const uint64_t before_end = std::min<uint64_t>(count, header_.record_max - cell);
  constexpr uint64_t kBytes = sizeof(hft_marker_record);
  if (!ReadWhole(fd_, buffers->raw.data(), before_end * kBytes, ring_at + cell * kBytes) ||
      (before_end < count && !ReadWhole(fd_, buffers->raw.data() + before_end, (count - before_end) * kBytes, ring_at))) {
    return absl::DataLossError(fmt::format("{} became shorter while it was read: its owner changed it", name_.FileName()));
  }
  return absl::OkStatus();
}

// How many of the `count` records at the ring's place were taken: fewer where a sequence does not fit yet.
absl::StatusOr<uint64_t> MarkerRingFile::DrainRing(uint16_t number, uint64_t count, MarkerBuffers* buffers) {
  const absl::Status status = ReadRecords(number, rings_[number].taken, count, buffers);
  if (!status.ok()) return status;
  const uint64_t now_tsc = clocks_->Ticks() + kFutureSlackTicks;
  may_look_for_names_ = true;
  const uint64_t taken = Validate(number, count, now_tsc, buffers);
  if (taken != 0) StoreConsumed(number);
  return taken;
}

uint64_t MarkerRingFile::Validate(uint16_t number, uint64_t count, uint64_t now_tsc, MarkerBuffers* buffers) {
  Ring& ring = rings_[number];
  // An index that came torn may lie beyond what is published: what does not fit is given one more drain, then refused with all that follows
  // and does not fit either.
  const bool refuses_sequence = ring.doubted_index == ring.taken + 1;
  uint64_t accepted = 0;
  uint64_t i = 0;
  for (; i < count; ++i) {
    const hft_marker_record& from = buffers->raw[i];
    if (from.sequence != ring.taken + 1) {
      if (!refuses_sequence) break;
      counts_.faults.Add(MarkerFault::kSequence);
      ring.gap_count = SaturatedSum(ring.gap_count, 1);
    } else {
      MarkerRecord& to = buffers->records[accepted];
      if (Accept(from, now_tsc, &ring, &to)) {
        to.ring = number;
        ++accepted;
      } else {
        ring.gap_count = SaturatedSum(ring.gap_count, 1);
      }
    }
    ++ring.taken;
  }
  if (i < count) ring.doubted_index = ring.taken + 1;
  counts_.delivered_count += accepted;
  if (accepted != 0) sink_->OnRecords(std::span<const MarkerRecord>(buffers->records.data(), accepted));
  return i;
}

// Whether the record can be believed; then `to` is it, but for the ring's number.
bool MarkerRingFile::Accept(const hft_marker_record& from, uint64_t now_tsc, Ring* ring, MarkerRecord* to) {
  const auto refuse = [this](MarkerFault fault) {
    counts_.faults.Add(fault);
    return false;
  };
  if (from.kind < HFT_MARKER_THREAD || from.kind >= HFT_MARKER_KINDS) return refuse(MarkerFault::kKind);
  if (from.status >= HFT_MARKER_STATUSES || (from.status != HFT_MARKER_OK && from.kind != HFT_MARKER_END)) {
    return refuse(MarkerFault::kStatus);
  }
  if (from.operation >= operation_count_) {
    // Named after this drain looked; a name comes before its first record. Once a ring and drain: it is a system call.
    if (may_look_for_names_) ReadOperations();
    may_look_for_names_ = false;
    if (from.operation >= operation_count_) return refuse(MarkerFault::kOperation);
  }
  if (from.tsc < ring->last_tsc) return refuse(MarkerFault::kTimeBackwards);
  if (from.tsc > now_tsc) return refuse(MarkerFault::kTimeFuture);
  if (from.kind == HFT_MARKER_THREAD) {
    if (from.value == 0 || from.value > kTidMax) return refuse(MarkerFault::kThread);
    ring->tid = static_cast<uint32_t>(from.value);
  }
  ring->last_tsc = from.tsc;
  *to = {.tsc = from.tsc,
         .value = from.value,
         .operation = from.operation,
         .gap_count = SaturatedSum(ring->gap_count, from.dropped_before),
         .tid = ring->tid,
         .ring = 0,
         .kind = static_cast<MarkerKind>(from.kind),
         .error = from.status == HFT_MARKER_ERROR};
  ring->gap_count = 0;
  return true;
}

void MarkerRingFile::StoreConsumed(uint16_t number) {
  const uint64_t words[2] = {rings_[number].taken, ~rings_[number].taken};
  static_assert(offsetof(hft_marker_consumer, consumed) == 0 && offsetof(hft_marker_consumer, consumed_check) == sizeof(uint64_t));
  // Keeps the copies of the records above the store that gives their cells back; pairs with the program's acquire of `consumed`.
  std::atomic_thread_fence(std::memory_order_release);
  const uint64_t at = hft_marker_consumers_at(header_.operation_max, header_.thread_max) + number * sizeof(hft_marker_consumer);
  // Where it fails the file was changed by its owner, which the next drain finds.
  static_cast<void>(!pwrite(fd_, words, sizeof(words), static_cast<off_t>(at)));
}

}  // namespace hftmon
