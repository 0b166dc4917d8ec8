#include "daemon/markers/marker_ranges.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/markers/marker_ring_file.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

hft_marker_range RangeOf(uint64_t address, uint64_t bytes, const char* name, uint32_t sequence = 2) {
  hft_marker_range range{.address = address, .bytes = bytes, .sequence = sequence, .name_bytes = static_cast<uint32_t>(strlen(name))};
  std::memcpy(range.name, name, std::min<size_t>(strlen(name), sizeof(range.name)));
  return range;
}

// As if nothing was written meanwhile.
MarkerRanges Check(const std::vector<hft_marker_range>& entries) {
  return CheckMarkerRanges(entries, entries);
}

TEST(MarkerRanges, ARangeIsToldAndAnEntryWithoutBytesIsNone) {
  const MarkerRanges told = Check({RangeOf(0x1000, 0, "gone", 4), RangeOf(0x2000, 64, "book"), hft_marker_range{}});
  EXPECT_THAT(told.ranges, ElementsAre(ProgramRange{.address = 0x2000, .bytes = 64, .name = "book"}));
  EXPECT_EQ(told.refused_count, 0u);
  EXPECT_EQ(told.unfinished_count, 0u);
}

TEST(MarkerRanges, WhatCannotBeIsRefusedAndCounted) {
  constexpr uint64_t kEnd = HFT_MARKER_ADDRESS_END;
  const std::vector<std::pair<uint64_t, uint64_t>> bad = {
      {0, 8},    {UINT64_MAX, 8}, {UINT64_MAX - 7, 8},   {0x1000, UINT64_MAX}, {0x1000, HFT_MARKER_RANGE_BYTES_MAX + 1},
      {kEnd, 1}, {kEnd - 1, 2},   {uint64_t{1} << 63, 1}};
  for (const auto& [address, bytes] : bad) {
    const MarkerRanges told = Check({RangeOf(address, bytes, "book")});
    EXPECT_THAT(told.ranges, IsEmpty()) << std::hex << address << " " << bytes;
    EXPECT_EQ(told.refused_count, 1u);
  }
  EXPECT_THAT(Check({RangeOf(kEnd - 1, 1, "last"), RangeOf(1, HFT_MARKER_RANGE_BYTES_MAX, "longest")}).ranges, SizeIs(2));
}

TEST(MarkerRanges, ANameIsWhatAPersonMayBeShown) {
  std::vector<hft_marker_range> entries = {RangeOf(0x1000, 1, "b\xffok\x1b[2J"), RangeOf(0x2000, 1, "Auftr\xc3\xa4ge"),
                                           RangeOf(0x3000, 1, "")};
  entries.push_back(RangeOf(0x4000, 1, "long"));
  entries.back().name_bytes = HFT_MARKER_NAME_BYTES + 1;
  entries.push_back(RangeOf(0x5000, 1, "longer"));
  entries.back().name_bytes = UINT32_MAX;
  const MarkerRanges told = Check(entries);
  ASSERT_THAT(told.ranges, SizeIs(2));
  EXPECT_EQ(told.ranges[0].name, "b?ok?[2J");
  EXPECT_EQ(told.ranges[1].name, "Auftr\xc3\xa4ge");
  EXPECT_EQ(told.refused_count, 3u);
}

TEST(MarkerRanges, AnEntryThatIsBeingWrittenIsNotBelieved) {
  const std::vector<hft_marker_range> half = {RangeOf(0x1000, 64, "book", 3)};
  EXPECT_EQ(Check(half).unfinished_count, 1u);
  const std::vector<hft_marker_range> before = {RangeOf(0x1000, 64, "book", 2)};
  const std::vector<hft_marker_range> moved = {RangeOf(0x2000, 64, "book", 2)};
  const std::vector<hft_marker_range> after = {RangeOf(0x1000, 64, "book", 6)};
  for (const auto& second : {half, moved, after}) {
    const MarkerRanges told = CheckMarkerRanges(before, second);
    EXPECT_THAT(told.ranges, IsEmpty());
    EXPECT_EQ(told.unfinished_count, 1u);
  }
}

class MarkerRangesFile : public testing::Test {
 protected:
  MarkerRangesFile() { fd_ = open(hftmon_marker_path(marker_), O_RDWR | O_CLOEXEC); }
  ~MarkerRangesFile() override {
    close(fd_);
    hftmon_marker_close(marker_);
  }
  template <typename Number>
  void Spoil(size_t offset, Number value) const {
    ASSERT_EQ(pwrite(fd_, &value, sizeof(value), static_cast<off_t>(offset)), static_cast<ssize_t>(sizeof(value)));
  }
  absl::StatusOr<MarkerRanges> Read() const {
    const auto opened = OpenMarkerFileOf(directory_.path(), OwnRingName(), OwnMarkerProcess());
    if (!opened.ok()) return opened.status();
    absl::StatusOr<MarkerRanges> ranges = ReadMarkerRanges(*opened);
    close(opened->fd);
    return ranges;
  }

  const MarkerDirectory directory_;
  hftmon_marker* const marker_ = directory_.Create();
  int fd_ = -1;
};

TEST_F(MarkerRangesFile, AFileOfAnOlderLibraryIsReadAndHasNone) {
  ASSERT_NE(hftmon_marker_range(marker_, "book", &fd_, sizeof(fd_)), 0u);
  ASSERT_TRUE(hftmon_marker_instant(hftmon_marker_thread_open(marker_), 0, 7));
  const auto bytes = hft_marker_ranges_at(16, 4, 256);
  Spoil(offsetof(hft_marker_header, version), HFT_MARKER_VERSION_WITHOUT_RANGES);
  Spoil(offsetof(hft_marker_header, file_bytes), bytes);
  // What stands where range_max is now was reserved: whatever it says, there are none.
  ASSERT_EQ(ftruncate(fd_, static_cast<off_t>(bytes)), 0);
  const auto ranges = Read();
  ASSERT_TRUE(ranges.ok()) << ranges.status();
  EXPECT_THAT(ranges->ranges, IsEmpty());
  const SystemRawClocks clocks;
  RecordingMarkerSink sink;
  MarkerBuffers buffers;
  const auto file = MarkerRingFile::Open(directory_.path(), OwnRingName(), OwnMarkerProcess(), &clocks, &sink);
  ASSERT_TRUE(file.ok()) << file.status();
  const auto drained = (*file)->Drain(1'000, &buffers);
  ASSERT_TRUE(drained.ok()) << drained.status();
  ASSERT_THAT(sink.records, SizeIs(2));
  EXPECT_EQ(sink.records[1].value, 7u);
}

TEST_F(MarkerRangesFile, BoundsThatCannotBeRefuseTheFile) {
  Spoil(offsetof(hft_marker_header, range_max), HFT_MARKER_RANGES_MAX + 1);
  EXPECT_THAT(Read().status().message(), testing::HasSubstr("beyond the limits"));
  // A multiple of a page less than its size says.
  Spoil(offsetof(hft_marker_header, range_max), uint32_t{1});
  EXPECT_THAT(Read().status().message(), testing::HasSubstr("its header makes it"));
  Spoil(offsetof(hft_marker_header, range_max), HFT_MARKER_RANGES_MAX);
  Spoil(offsetof(hft_marker_header, version), uint32_t{4});
  EXPECT_TRUE(absl::IsUnimplemented(Read().status()));
}

TEST_F(MarkerRangesFile, AFileThatIsCutAfterItWasOpenedIsDataLoss) {
  const auto opened = OpenMarkerFileOf(directory_.path(), OwnRingName(), OwnMarkerProcess());
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(ftruncate(fd_, static_cast<off_t>(hft_marker_ranges_at(16, 4, 256))), 0);
  EXPECT_TRUE(absl::IsDataLoss(ReadMarkerRanges(*opened).status()));
  close(opened->fd);
}

// Each range's address, length and name belong together, however often they change.
TEST_F(MarkerRangesFile, WhatIsReadWhileItChangesWasWrittenInOnePiece) {
  constexpr int kRounds = 2'000;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> change_count{0};
  std::thread owner([&] {
    // Until told, and no longer than a test may take.
    for (uint64_t i = 0; i < 200'000'000 && !stop.load(std::memory_order_relaxed); ++i) {
      const uint64_t address = 0x1000 * (i % 7 + 1);
      const std::string name(i % 7 + 1, static_cast<char>('a' + i % 7));
      hftmon_marker_range_end(marker_, hftmon_marker_range(marker_, name.c_str(), reinterpret_cast<const void*>(address), i % 7 + 1));
      change_count.store(i, std::memory_order_relaxed);
    }
  });
  uint64_t told_count = 0;
  uint64_t unfinished_count = 0;
  for (int round = 0; round < kRounds || change_count.load(std::memory_order_relaxed) < kRounds; ++round) {
    const auto ranges = Read();
    if (!ranges.ok()) break;
    EXPECT_EQ(ranges->refused_count, 0u);
    unfinished_count += ranges->unfinished_count;
    for (const ProgramRange& range : ranges->ranges) {
      ++told_count;
      EXPECT_EQ(range.address, 0x1000 * range.bytes);
      EXPECT_EQ(range.name, std::string(range.bytes, static_cast<char>('a' + range.bytes - 1)));
    }
    if (HasFailure()) break;
  }
  stop.store(true, std::memory_order_relaxed);
  owner.join();
  EXPECT_FALSE(HasFailure());
  std::printf("%llu ranges told, %llu were being written, %llu changes\n", static_cast<unsigned long long>(told_count),
              static_cast<unsigned long long>(unfinished_count),
              static_cast<unsigned long long>(change_count.load(std::memory_order_relaxed)));
}

}  // namespace
}  // namespace hftmon
