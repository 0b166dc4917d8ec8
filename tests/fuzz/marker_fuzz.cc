// The reader of marker files against an owner who is out to harm: random bytes, huge indices, memory that changes and a file that shrinks
// while it is read. It never crashes, every drain ends, and what is delivered keeps the reader's contract.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include "daemon/markers/marker_display_name.h"
#include "daemon/markers/marker_ranges.h"
#include "daemon/markers/marker_ring_file.h"
#include "daemon/markers/operation_book.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

constexpr int kRounds = 50'000;
constexpr uint32_t kThreadMax = 3;
constexpr uint32_t kRecordMax = 256;
constexpr uint32_t kOperationMax = 8;
constexpr uint64_t kDrainMax = 300;
constexpr LinearConversion kTicks = {.anchor_ticks = 0, .anchor_ns = 0, .multiplier = uint64_t{1} << 32, .error_ns = 0};

// Holds what it is told against the contract of MarkerRecord, and hands it on to a book.
class StrictSink : public MarkerSink, public OperationSpanSink {
 public:
  explicit StrictSink(const RawClocks* clocks) : clocks_(clocks) {}

  void OnOperation(uint32_t operation, std::string_view name) override {
    ASSERT_EQ(operation, operations_++);
    ASSERT_FALSE(name.empty());
    for (const char c : name) ASSERT_GE(static_cast<unsigned char>(c), 0x20);
    book_.OnOperation(operation, name);
  }
  void OnRecords(std::span<const MarkerRecord> records) override {
    const uint64_t now = clocks_->Ticks() + MarkerRingFile::kFutureSlackTicks;
    for (const MarkerRecord& record : records) {
      ASSERT_LT(record.ring, kThreadMax);
      ASSERT_LT(record.operation, operations_);
      ASSERT_GE(record.kind, MarkerKind::kThread);
      ASSERT_LE(record.kind, MarkerKind::kHeartbeat);
      ASSERT_GE(record.tsc, last_tsc_[record.ring]);
      ASSERT_LE(record.tsc, now);
      ASSERT_LE(record.tid, 1u << 22);
      ASSERT_TRUE(!record.error || record.kind == MarkerKind::kEnd);
      last_tsc_[record.ring] = record.tsc;
    }
    told_count += records.size();
    book_.OnRecords(records);
  }
  void OnSpan(const OperationSpan& span) override {
    ASSERT_GE(span.duration_ns, 0);
    ++span_count;
  }
  uint64_t told_count = 0;
  uint64_t span_count = 0;

 private:
  const RawClocks* const clocks_;
  uint32_t operations_ = 1;
  std::array<uint64_t, kThreadMax> last_tsc_{};
  OperationBook book_{kTicks, this};
};

// The file as its owner sees it: mapped, and open to be cut.
class HostileFile {
 public:
  explicit HostileFile(const MarkerDirectory& directory) : marker_(directory.Create(kThreadMax, kRecordMax, kOperationMax)) {
    fd_ = open(hftmon_marker_path(marker_), O_RDWR | O_CLOEXEC);
    words_ = static_cast<uint64_t*>(mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
    if (words_ == MAP_FAILED) std::abort();
    for (hftmon_marker_thread*& thread : threads_) thread = hftmon_marker_thread_open(marker_);
    hftmon_marker_operation(marker_, "order");
    hftmon_marker_range(marker_, "book", this, sizeof(*this));
  }
  ~HostileFile() {
    munmap(words_, bytes());
    close(fd_);
    hftmon_marker_close(marker_);
  }
  HostileFile(const HostileFile&) = delete;
  HostileFile& operator=(const HostileFile&) = delete;

  static uint64_t bytes() { return hft_marker_file_bytes(kOperationMax, kThreadMax, kRecordMax, HFT_MARKER_RANGES_MAX); }
  void Truncate(off_t size) const {
    if (ftruncate(fd_, size) != 0) std::abort();
  }
  hftmon_marker_thread* thread(size_t i) const { return threads_[i]; }
  // Honest work: its first range is named anew. The library looks at its own entries, so spoilt ones may stand in its way.
  void NameAgain(uint32_t range) const {
    hftmon_marker_range_end(marker_, range);
    hftmon_marker_range(marker_, "pool", this, sizeof(*this));
  }
  // A word of the file, stored at once: another thread may be storing too.
  void Store(uint64_t at, uint64_t value) const { __atomic_store_n(&words_[at / 8], value, __ATOMIC_RELAXED); }
  uint64_t Load(uint64_t at) const { return __atomic_load_n(&words_[at / 8], __ATOMIC_RELAXED); }

  static uint64_t RangeAt(uint32_t number) {
    return hft_marker_ranges_at(kOperationMax, kThreadMax, kRecordMax) + number * sizeof(hft_marker_range);
  }
  static uint64_t ProducerAt(uint32_t ring) { return hft_marker_producers_at(kOperationMax) + ring * sizeof(hft_marker_producer); }
  static uint64_t RecordAt(uint32_t ring, uint64_t index) {
    return hft_marker_ring_at(kOperationMax, kThreadMax, kRecordMax, ring) + index % kRecordMax * sizeof(hft_marker_record);
  }

 private:
  hftmon_marker* const marker_;
  int fd_ = -1;
  uint64_t* words_ = nullptr;
  std::array<hftmon_marker_thread*, kThreadMax> threads_{};
};

// Numbers that break what takes them for small, or for signed, or adds to them.
uint64_t Nasty(std::mt19937_64* random) {
  switch ((*random)() % 6) {
    case 0:
      return (*random)();
    case 1:
      return (*random)() % 1'024;
    case 2:
      return ~((*random)() % 16);
    case 3:
      return uint64_t{1} << ((*random)() % 64);
    case 4:
      return (uint64_t{1} << ((*random)() % 64)) - 1;
    default:
      return hftmon_marker_tsc() + (*random)() % 1'000'000 - 500'000;
  }
}

// One thing that an owner may do to its file.
void Harm(const HostileFile& file, std::mt19937_64* random) {
  const auto ring = static_cast<uint32_t>((*random)() % kThreadMax);
  switch ((*random)() % 10) {
    case 0:  // any word at all
      return file.Store((*random)() % (HostileFile::bytes() / 8) * 8, Nasty(random));
    case 1:  // an index, far off or a little
      return file.Store(HostileFile::ProducerAt(ring), Nasty(random));
    case 2:
      return file.Store(HostileFile::ProducerAt(ring), file.Load(HostileFile::ProducerAt(ring)) + (*random)() % 300);
    case 3:  // a word of a record that is about to be read, sound otherwise
      return file.Store(HostileFile::RecordAt(ring, (*random)()) + (*random)() % 4 * 8, Nasty(random));
    case 4: {  // a record that fits where the reader looks, of random kind
      const uint64_t index = file.Load(HostileFile::ProducerAt(ring));
      const uint64_t at = HostileFile::RecordAt(ring, index);
      file.Store(at, index + 1);
      file.Store(at + 8, (*random)() % 4 == 0 ? Nasty(random) : hftmon_marker_tsc());
      file.Store(at + 16, (*random)() % 3);
      file.Store(at + 24, (*random)() % 3 | ((*random)() % 7) << 32 | ((*random)() % 8 == 0 ? uint64_t{1} << 40 : 0));
      return file.Store(HostileFile::ProducerAt(ring), index + 1);
    }
    case 5:  // names
      return file.Store(HFT_MARKER_OPERATIONS_AT + (*random)() % (kOperationMax * 8) * 8, Nasty(random));
    case 6:  // how many there are, and all else that the header says
      return file.Store((*random)() % sizeof(hft_marker_header) / 8 * 8, Nasty(random));
    case 7:  // a word of the first ranges, the sequence beside the name's length
      return file.Store(HostileFile::RangeAt(0) + (*random)() % (4 * sizeof(hft_marker_range) / 8) * 8, Nasty(random));
    case 8: {  // a range that may be sound
      const uint64_t at = HostileFile::RangeAt(static_cast<uint32_t>((*random)() % 4));
      file.Store(at, (*random)() % 2 == 0 ? Nasty(random) : (*random)() >> 8);
      file.Store(at + 8, (*random)() % 4 == 0 ? Nasty(random) : (*random)() >> 24);
      file.Store(at + 16, (*random)() % 8 | ((*random)() % 62) << 32);
      return file.NameAgain(static_cast<uint32_t>((*random)() % 2'048));
    }
    default:  // whose the ring is, and honest work
      file.Store(HostileFile::ProducerAt(ring) + offsetof(hft_marker_producer, first_index) + (*random)() % 2 * 8, Nasty(random));
      hftmon_marker_begin(file.thread(ring), 1, (*random)() % 4);
      hftmon_marker_end(file.thread(ring), 1, (*random)() % 4);
  }
}

// Harms the file between the copy of a chunk and the second look at its ring's index, which is when the reader reads the counter.
class HarmingClocks : public RawClocks {
 public:
  HarmingClocks(const HostileFile* file, std::mt19937_64* random) : file_(file), random_(random) {}
  uint64_t Ticks() const override {
    for (uint64_t harm = (*random_)() % 4; harm > 0; --harm) Harm(*file_, random_);
    return clocks_.Ticks();
  }
  int64_t MonotonicNs() const override { return clocks_.MonotonicNs(); }
  int64_t RealtimeNs() const override { return clocks_.RealtimeNs(); }
  int64_t BoottimeNs() const override { return clocks_.BoottimeNs(); }
  int64_t TaiNs() const override { return clocks_.TaiNs(); }

 private:
  const HostileFile* const file_;
  std::mt19937_64* const random_;
  const SystemRawClocks clocks_;
};

uint64_t PositionSum(const MarkerRingFile& file) {
  uint64_t sum = 0;
  for (const MarkerRingPosition& position : file.positions()) sum += position.taken;
  return sum;
}

// What holds after any drain. How many records it took.
uint64_t DrainOnce(MarkerRingFile* file, MarkerBuffers* buffers, const StrictSink& sink, bool* lost) {
  const uint64_t told_before = sink.told_count;
  const uint64_t first_sum = PositionSum(*file);
  const uint64_t overwritten = file->counts().overwritten_count;
  const uint64_t refused = file->counts().faults.record_count();
  const auto drained = file->Drain(kDrainMax, buffers);
  *lost = !drained.ok();
  const uint64_t told = sink.told_count - told_before;
  EXPECT_LE(told, kDrainMax);
  EXPECT_EQ(file->counts().delivered_count, sink.told_count);
  // Each record that was passed is one of three.
  EXPECT_EQ(PositionSum(*file) - first_sum,
            told + file->counts().overwritten_count - overwritten + file->counts().faults.record_count() - refused);
  if (!drained.ok()) {
    EXPECT_TRUE(absl::IsDataLoss(drained.status())) << drained.status();
    return 0;
  }
  EXPECT_LE(drained->record_count, kDrainMax);
  EXPECT_LE(told, drained->record_count);
  return drained->record_count;
}

// What holds of ranges, whoever wrote them. How many there are.
size_t ReadRanges(const OpenMarkerFile& file) {
  const auto told = ReadMarkerRanges(file);
  if (!told.ok()) {
    EXPECT_TRUE(absl::IsDataLoss(told.status())) << told.status();
    return 0;
  }
  EXPECT_LE(told->ranges.size() + told->refused_count + told->unfinished_count, file.header.range_max);
  for (const ProgramRange& range : told->ranges) {
    EXPECT_GT(range.address, 0u);
    EXPECT_GE(range.bytes, 1u);
    EXPECT_LE(range.bytes, HFT_MARKER_RANGE_BYTES_MAX);
    EXPECT_LE(range.address, HFT_MARKER_ADDRESS_END - range.bytes);
    EXPECT_FALSE(range.name.empty());
    EXPECT_LE(range.name.size(), HFT_MARKER_NAME_BYTES);
    EXPECT_EQ(range.name, MarkerDisplayName(range.name)) << "valid, and nothing that a terminal obeys";
  }
  return told->ranges.size();
}

class MarkerFuzz : public testing::Test {
 protected:
  std::unique_ptr<MarkerRingFile> Open(MarkerSink* sink, uint32_t number = 0) {
    auto file = MarkerRingFile::Open(directory_.path(), OwnRingName(number), process_, &clocks_, sink);
    if (file.ok()) return std::move(*file);
    EXPECT_FALSE(file.status().message().empty());
    return nullptr;
  }
  // Of a file that was opened while it was sound; the caller closes its descriptor.
  OpenMarkerFile OpenForRanges(uint32_t number = 0) const {
    const auto opened = OpenMarkerFileOf(directory_.path(), OwnRingName(number), process_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *opened : OpenMarkerFile();
  }
  const MarkerDirectory directory_;
  const MarkerProcess process_ = OwnMarkerProcess();
  const SystemRawClocks clocks_;
  MarkerBuffers buffers_;
};

TEST_F(MarkerFuzz, RandomFilesAreRefusedOrHarmless) {
  const HostileFile source(directory_);
  std::vector<char> sound(HostileFile::bytes());
  const int from = open((directory_.path() + "/" + OwnRingName().FileName()).c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(pread(from, sound.data(), sound.size(), 0), static_cast<ssize_t>(sound.size()));
  close(from);
  const uint32_t number = 1;
  std::memcpy(sound.data() + offsetof(hft_marker_header, number), &number, sizeof(number));
  const std::string path = directory_.path() + "/" + OwnRingName(1).FileName();
  // Held by its process, as a marker file is.
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct flock owner {};
  owner.l_type = F_WRLCK;
  owner.l_start = HFT_MARKER_OWNER_LOCK_BYTE;
  owner.l_len = 1;
  ASSERT_EQ(fcntl(fd, F_OFD_SETLK, &owner), 0);
  int opened_count = 0;
  size_t range_count = 0;
  for (uint64_t seed = 0; seed < kRounds / 10; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<char> bytes = sound;
    const bool only_noise = random() % 8 == 0;
    const uint64_t spoilt = only_noise ? bytes.size() / 8 : random() % 40;
    for (uint64_t i = 0; i < spoilt; ++i) {
      const uint64_t value = Nasty(&random);
      // The header seldom, else hardly a file is opened.
      const uint64_t first = random() % 8 == 0 ? 0 : HFT_MARKER_PAGE_BYTES / 8;
      std::memcpy(bytes.data() + (only_noise ? i : first + random() % (bytes.size() / 8 - first)) * 8, &value, sizeof(value));
    }
    if (random() % 8 == 0) bytes.resize(random() % (2 * bytes.size()));
    ASSERT_EQ(ftruncate(fd, 0), 0);
    ASSERT_EQ(pwrite(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    StrictSink sink(&clocks_);
    const auto file = Open(&sink, 1);
    if (file == nullptr) continue;
    ++opened_count;
    bool lost = false;
    for (int turn = 0; turn < 6; ++turn) DrainOnce(file.get(), &buffers_, sink, &lost);
    const OpenMarkerFile ranges = OpenForRanges(1);
    range_count += ReadRanges(ranges);
    close(ranges.fd);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
  close(fd);
  EXPECT_GT(opened_count, kRounds / 100);
  EXPECT_GT(range_count, 0u);
}

TEST_F(MarkerFuzz, HarmBetweenDrainsAndWithinIsCountedAndNothingElse) {
  const HostileFile harmed(directory_);
  StrictSink sink(&clocks_);
  std::mt19937_64 random;
  const HarmingClocks clocks(&harmed, &random);
  auto opened = MarkerRingFile::Open(directory_.path(), OwnRingName(), process_, &clocks, &sink);
  ASSERT_TRUE(opened.ok()) << opened.status();
  std::unique_ptr<MarkerRingFile> file = std::move(*opened);
  const OpenMarkerFile ranges = OpenForRanges();
  uint64_t taken = 0;
  uint64_t range_count = 0;
  for (uint64_t seed = 0; seed < kRounds; ++seed) {
    random.seed(seed);
    for (uint64_t harm = random() % 8; harm > 0; --harm) Harm(harmed, &random);
    bool lost = false;
    taken += DrainOnce(file.get(), &buffers_, sink, &lost);
    range_count += ReadRanges(ranges);
    ASSERT_FALSE(lost) << "nothing was cut";
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    // A ring whose index was spoilt for good would say nothing any more: its owner makes it sound again now and then.
    for (uint32_t ring = 0; ring < kThreadMax; ++ring) {
      if (random() % 8 == 0) harmed.Store(HostileFile::ProducerAt(ring), file->positions()[ring].taken + random() % 8);
    }
  }
  close(ranges.fd);
  EXPECT_GT(range_count, 0u);
  EXPECT_EQ(taken, sink.told_count + file->counts().faults.record_count());
  EXPECT_GT(sink.told_count, 0u);
  EXPECT_GT(file->counts().overwritten_count, 0u);
  for (size_t fault = 0; fault < kMarkerFaults; ++fault) {
    EXPECT_GT(file->counts().faults.counts[fault], 0u) << MarkerFaultName(static_cast<MarkerFault>(fault)) << " was never met";
  }
  EXPECT_GT(sink.span_count, 0u);
}

TEST_F(MarkerFuzz, MemoryThatChangesUnderTheReaderHarmsNobody) {
  const HostileFile harmed(directory_);
  StrictSink sink(&clocks_);
  const auto file = Open(&sink);
  ASSERT_NE(file, nullptr);
  const OpenMarkerFile ranges = OpenForRanges();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> harm_count{0};
  std::thread owner([&] {
    std::mt19937_64 random(1);
    while (!stop.load(std::memory_order_relaxed)) {
      Harm(harmed, &random);
      harm_count.fetch_add(1, std::memory_order_relaxed);
    }
  });
  uint64_t taken = 0;
  for (int round = 0; round < kRounds || harm_count.load(std::memory_order_relaxed) < kRounds; ++round) {
    bool lost = false;
    taken += DrainOnce(file.get(), &buffers_, sink, &lost);
    if (round % 16 == 0) ReadRanges(ranges);
    if (lost || HasFailure()) break;
  }
  stop.store(true, std::memory_order_relaxed);
  owner.join();
  close(ranges.fd);
  EXPECT_FALSE(HasFailure());
  EXPECT_EQ(taken, sink.told_count + file->counts().faults.record_count());
}

TEST_F(MarkerFuzz, AFileThatIsCutWhileItIsReadIsGivenUpAndRaisesNoSignal) {
  const HostileFile harmed(directory_);
  std::atomic<bool> stop{false};
  std::thread owner([&] {
    // No stores: the owner's own would be the ones beyond the end.
    std::mt19937_64 random(1);
    while (!stop.load(std::memory_order_relaxed)) {
      harmed.Truncate(static_cast<off_t>(random() % HostileFile::bytes()));
      harmed.Truncate(static_cast<off_t>(HostileFile::bytes()));
    }
  });
  // The header goes with the file, so the reader opens another and the descriptor is what is cut.
  uint64_t lost_count = 0;
  uint64_t drain_count = 0;
  StrictSink sink(&clocks_);
  std::unique_ptr<MarkerRingFile> file;
  const int fd = open((directory_.path() + "/" + OwnRingName().FileName()).c_str(), O_RDWR | O_CLOEXEC);
  hft_marker_header header{};
  header.file_bytes = HostileFile::bytes();
  header.thread_max = kThreadMax;
  header.record_max = kRecordMax;
  header.operation_max = kOperationMax;
  header.range_max = HFT_MARKER_RANGES_MAX;
  file = std::make_unique<MarkerRingFile>(OpenMarkerFile{.fd = fd, .header = header}, OwnRingName(), &clocks_, &sink);
  for (; (drain_count < kRounds || lost_count == 0) && !HasFailure(); ++drain_count) {
    bool lost = false;
    DrainOnce(file.get(), &buffers_, sink, &lost);
    lost_count += lost;
    if (drain_count % 16 == 0) ReadRanges({.fd = fd, .header = header, .identity = {}});
  }
  stop.store(true, std::memory_order_relaxed);
  owner.join();
  EXPECT_GT(lost_count, 0u);
}

}  // namespace
}  // namespace hftmon
