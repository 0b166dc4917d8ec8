#include "daemon/markers/marker_ring_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <limits>

#include "daemon/markers/marker_display_name.h"
#include "daemon/markers/marker_file_removal.h"

namespace hftmon {
namespace {

constexpr uint64_t kTidMax = 1u << 22;  // the kernel's PID_MAX_LIMIT
constexpr uint32_t kNamesAtOnce = 64;

// All of it, or false. Waits for nobody on a tmpfs but the swap device: README.md.
bool ReadWhole(int fd, void* to, uint64_t bytes, uint64_t at) {
  return pread(fd, to, bytes, static_cast<off_t>(at)) == static_cast<ssize_t>(bytes);
}

uint32_t SaturatedSum(uint32_t a, uint64_t b) {
  return static_cast<uint32_t>(std::min<uint64_t>(a + b, std::numeric_limits<uint32_t>::max()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MarkerRingFile>> MarkerRingFile::Open(const std::string& directory, const MarkerRingName& name,
                                                                     const MarkerProcess& process, const RawClocks* clocks,
                                                                     MarkerSink* sink) {
  const absl::StatusOr<OpenMarkerFile> opened = OpenMarkerFileOf(directory, name, process);
  if (!opened.ok()) return opened.status();
  return std::make_unique<MarkerRingFile>(*opened, name, clocks, sink);
}

MarkerRingFile::MarkerRingFile(const OpenMarkerFile& opened, const MarkerRingName& name, const RawClocks* clocks, MarkerSink* sink,
                               const std::vector<MarkerRingPosition>& positions)
    : fd_(opened.fd),
      name_(name),
      header_(opened.header),
      identity_(opened.identity),
      clocks_(clocks),
      sink_(sink),
      rings_(opened.header.thread_max) {
  Begin(positions);
}

MarkerRingFile::~MarkerRingFile() {
  close(fd_);
}

bool MarkerRingFile::HasOwner() const {
  return MarkerFileHasOwner(fd_);
}

bool MarkerRingFile::IsNamed() const {
  return MarkerFileIsNamed(fd_, name_);
}

void MarkerRingFile::Remove(const std::string& directory) const {
  RemoveMarkerFile(directory, name_, fd_);
}

std::vector<MarkerRingPosition> MarkerRingFile::positions() const {
  std::vector<MarkerRingPosition> positions;
  positions.reserve(rings_.size());
  for (const Ring& ring : rings_) positions.push_back({.taken = ring.taken, .last_tsc = ring.last_tsc, .tid = ring.tid});
  return positions;
}

// Where each ring is read from: what still stands in it, but not what an earlier reader had. What was overwritten by now is nobody's loss:
// its marks were not read then.
void MarkerRingFile::Begin(const std::vector<MarkerRingPosition>& positions) {
  const int64_t now_ns = clocks_->MonotonicNs();
  for (uint32_t i = 0; i < header_.thread_max; ++i) {
    Ring& ring = rings_[i];
    ring.last_tsc = header_.created_tsc;
    if (i < positions.size()) {
      ring.taken = ring.seen = positions[i].taken;
      ring.last_tsc = std::max(ring.last_tsc, positions[i].last_tsc);
      ring.tid = positions[i].tid;
    }
    hft_marker_producer producer{};
    // A file that ends earlier is found by the first drain, and an index that cannot be too.
    if (!ReadProducer(static_cast<uint16_t>(i), &producer) || !CanBe(ring, producer.published, now_ns)) continue;
    ring.seen = producer.published;
    ring.seen_ns = now_ns;
    if (const uint64_t first = FirstSafe(producer.published); first > ring.taken) {
      ring.taken = first;
      ring.tid_is_stale = true;
    }
  }
}

// By the file's end, which takes no lock of the file's, and not by fstat, which takes its owner's on some kernels.
absl::Status MarkerRingFile::CheckSize() const {
  const off_t size = lseek(fd_, 0, SEEK_END);
  if (size < 0) return absl::ErrnoToStatus(errno, name_.FileName());
  if (static_cast<uint64_t>(size) == header_.file_bytes) return absl::OkStatus();
  return absl::DataLossError(fmt::format("{} had {} bytes and now has {}: its owner changed it, and nothing more is read from it",
                                         name_.FileName(), header_.file_bytes, size));
}

absl::Status MarkerRingFile::ReadProducers(MarkerBuffers* buffers) const {
  const uint64_t bytes = header_.thread_max * sizeof(hft_marker_producer);
  if (ReadWhole(fd_, buffers->producers.data(), bytes, hft_marker_producers_at(header_.operation_max))) return absl::OkStatus();
  return absl::DataLossError(fmt::format("{} cannot be read: its owner changed it", name_.FileName()));
}

bool MarkerRingFile::ReadProducer(uint16_t number, hft_marker_producer* producer) const {
  return ReadWhole(fd_, producer, sizeof(*producer), hft_marker_producers_at(header_.operation_max) + number * sizeof(*producer));
}

// Names that are new: each is copied once.
void MarkerRingFile::ReadOperations() {
  uint32_t count = 0;
  if (!ReadWhole(fd_, &count, sizeof(count), offsetof(hft_marker_header, operation_count))) return;
  // Keeps the copies of the names below that of the count; pairs with the program's release of the count.
  std::atomic_thread_fence(std::memory_order_acquire);
  count = std::min(count, header_.operation_max);
  std::array<hft_marker_operation, kNamesAtOnce> operations;
  while (operation_count_ < count) {
    const uint32_t names = std::min<uint32_t>(count - operation_count_, kNamesAtOnce);
    const uint64_t at = HFT_MARKER_OPERATIONS_AT + operation_count_ * sizeof(hft_marker_operation);
    if (!ReadWhole(fd_, operations.data(), names * sizeof(hft_marker_operation), at)) return;
    for (uint32_t i = 0; i < names; ++i, ++operation_count_) {
      const bool named = operations[i].name_bytes >= 1 && operations[i].name_bytes <= HFT_MARKER_NAME_BYTES;
      if (!named) counts_.faults.Add(MarkerFault::kName);
      const std::string_view name = named ? std::string_view(operations[i].name, operations[i].name_bytes) : std::string_view();
      sink_->OnOperation(operation_count_, named ? MarkerDisplayName(name) : fmt::format("operation {}", operation_count_));
    }
  }
}

// Whether an index has not fallen, nor grown faster than any thread can make it.
bool MarkerRingFile::CanBe(const Ring& ring, uint64_t published, int64_t now_ns) const {
  if (published < ring.taken) return false;
  const uint64_t growth = published - std::min(published, ring.seen);
  return growth <= header_.record_max || growth / kRecordsPerNsMax <= static_cast<uint64_t>(std::max<int64_t>(now_ns - ring.seen_ns, 0));
}

// The first record that nobody can be overwriting while the index is `published`: the layout's fourth invariant.
uint64_t MarkerRingFile::FirstSafe(uint64_t published) const {
  return published >= header_.record_max ? published - header_.record_max + 1 : 0;
}

// Records that wait in a ring, those that are overwritten counted; 0 where its index cannot be.
uint64_t MarkerRingFile::WaitingCount(uint16_t number, uint64_t published, int64_t now_ns) {
  Ring& ring = rings_[number];
  ring.end = ring.taken;
  if (published == ring.taken && published == ring.seen) return 0;
  if (!CanBe(ring, published, now_ns)) {
    if (published != ring.refused_index) counts_.faults.Add(MarkerFault::kIndex);
    ring.refused_index = published;
    return 0;
  }
  if (FirstSafe(published) > ring.taken) {
    // A copy that came torn must not cost what is not lost: the index stands at least there when it is read again.
    hft_marker_producer again{};
    if (!ReadProducer(number, &again) || again.published < published) return 0;
  }
  ring.seen = ring.end = published;
  ring.seen_ns = now_ns;
  CountOverwritten(&ring, FirstSafe(published));
  return ring.end - ring.taken;
}

void MarkerRingFile::CountOverwritten(Ring* ring, uint64_t first_safe) {
  first_safe = std::min(first_safe, ring->end);
  if (first_safe <= ring->taken) return;
  const uint64_t count = first_safe - ring->taken;
  counts_.overwritten_count += count;
  ring->gap_count = SaturatedSum(ring->gap_count, count);
  ring->taken = first_safe;
  ring->tid_is_stale = true;
}

absl::StatusOr<MarkerRingFile::Drained> MarkerRingFile::Drain(uint64_t records_max, MarkerBuffers* buffers) {
  absl::Status status = CheckSize();
  if (status.ok()) status = ReadProducers(buffers);
  if (!status.ok()) return status;
  // Keeps the copies of records below those of the indices; pairs with the program's release of each index.
  std::atomic_thread_fence(std::memory_order_acquire);
  ReadOperations();
  Drained drained;
  const uint64_t overwritten_before = counts_.overwritten_count;
  const int64_t now_ns = clocks_->MonotonicNs();
  bool waits = false;
  for (uint32_t i = 0; i < header_.thread_max; ++i) {
    const uint64_t waiting = WaitingCount(static_cast<uint16_t>(i), buffers->producers[i].published, now_ns);
    waits |= waiting != 0;
    drained.busy |= waiting >= header_.record_max / kBusyShare;
  }
  // What was copied and turned out to be overwritten is work too.
  uint64_t copied = 0;
  while (waits && copied < records_max) {
    waits = false;
    for (uint32_t i = 0; i < header_.thread_max && copied < records_max; ++i) {
      const auto number = static_cast<uint16_t>((first_ring_ + i) % header_.thread_max);
      Ring& ring = rings_[number];
      if (ring.taken == ring.end) continue;
      const uint64_t count = std::min({ring.end - ring.taken, records_max - copied, uint64_t{MarkerBuffers::kChunkRecords}});
      const absl::StatusOr<uint64_t> taken = DrainRing(number, count, buffers);
      if (!taken.ok()) return taken.status();
      copied += count;
      drained.record_count += *taken;
      waits |= ring.taken != ring.end;
    }
  }
  drained.overwritten_count = counts_.overwritten_count - overwritten_before;
  drained.more = copied >= records_max;
  first_ring_ = (first_ring_ + 1) % header_.thread_max;
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

// Whose the records are behind those that are missing, as far as the ring says: the thread that has it now, if it has had it for so long.
void MarkerRingFile::LearnThread(const hft_marker_producer& before, const hft_marker_producer& after, Ring* ring) const {
  ring->tid_is_stale = false;
  const bool stood = before.first_index == after.first_index && before.tid == after.tid;
  ring->tid = stood && after.first_index <= ring->taken && after.tid <= kTidMax ? after.tid : 0;
}

// Copies `count` records at the ring's place and takes those that stand. How many were delivered or refused. The ring advances, or its end
// is set to where it is: nothing more is there in this drain.
absl::StatusOr<uint64_t> MarkerRingFile::DrainRing(uint16_t number, uint64_t count, MarkerBuffers* buffers) {
  Ring& ring = rings_[number];
  const uint64_t first = ring.taken;
  const absl::Status status = ReadRecords(number, first, count, buffers);
  if (!status.ok()) return status;
  const uint64_t now_tsc = clocks_->Ticks() + kFutureSlackTicks;
  // Keeps the copies of the records above that of the index; pairs with the program's order of an index before the next record.
  std::atomic_thread_fence(std::memory_order_acquire);
  hft_marker_producer producer{};
  if (!ReadProducer(number, &producer)) {
    return absl::DataLossError(fmt::format("{} became shorter while it was read: its owner changed it", name_.FileName()));
  }
  if (producer.published < ring.end) {  // it fell, or came torn: the next drain tells
    ring.end = ring.taken;
    return 0;
  }
  CountOverwritten(&ring, FirstSafe(producer.published));
  if (ring.tid_is_stale) LearnThread(buffers->producers[number], producer, &ring);
  if (ring.taken - first >= count) return 0;
  may_look_for_names_ = true;
  const uint64_t taken = Validate({.ring = number, .begin = ring.taken - first, .end = count}, now_tsc, buffers);
  if (ring.taken != first + count) ring.end = ring.taken;
  return taken;
}

// How many records of the chunk were delivered or refused: not all where a sequence does not fit yet.
uint64_t MarkerRingFile::Validate(const Chunk& chunk, uint64_t now_tsc, MarkerBuffers* buffers) {
  Ring& ring = rings_[chunk.ring];
  // An index that came torn may lie beyond what is published: what does not fit is given one more drain, then refused with all that follows
  // and does not fit either.
  const bool refuses_sequence = ring.doubted_index == ring.taken + 1;
  uint64_t accepted = 0;
  uint64_t i = chunk.begin;
  for (; i < chunk.end; ++i) {
    const hft_marker_record& from = buffers->raw[i];
    if (from.sequence != ring.taken + 1) {
      if (!refuses_sequence) break;
      counts_.faults.Add(MarkerFault::kSequence);
      ring.gap_count = SaturatedSum(ring.gap_count, 1);
    } else {
      MarkerRecord& to = buffers->records[accepted];
      if (Accept(from, now_tsc, &ring, &to)) {
        to.ring = chunk.ring;
        ++accepted;
      } else {
        ring.gap_count = SaturatedSum(ring.gap_count, 1);
      }
    }
    ++ring.taken;
  }
  if (i < chunk.end) ring.doubted_index = ring.taken + 1;
  counts_.delivered_count += accepted;
  if (accepted != 0) sink_->OnRecords(std::span<const MarkerRecord>(buffers->records.data(), accepted));
  return i - chunk.begin;
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
         .gap_count = ring->gap_count,
         .tid = ring->tid,
         .ring = 0,
         .kind = static_cast<MarkerKind>(from.kind),
         .error = from.status == HFT_MARKER_ERROR};
  ring->gap_count = 0;
  return true;
}

}  // namespace hftmon
