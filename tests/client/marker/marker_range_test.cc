// Memory that a program names, read back as the daemon reads it.
#include "client/marker/marker_range.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "client/marker/hftmon_marker.h"
#include "daemon/markers/program_ranges.h"
#include "tests/client/marker/c_program.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MarkerRangeTest : public testing::Test {
 protected:
  ~MarkerRangeTest() override { hftmon_marker_close(marker_); }
  ProgramRanges Read() const {
    return ReadProgramRanges(directory_.path(), ProcMarkerProcesses(FileRoot("/")), static_cast<uint32_t>(getpid()));
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const ProgramRange& range : Read().ranges) names.push_back(range.name);
    return names;
  }
  uint32_t Name(const char* name, const void* address = kMemory, size_t bytes = sizeof(kMemory)) {
    errno = 0;
    return hftmon_marker_range(marker_, name, address, bytes);
  }
  off_t Blocks() const {
    struct stat status {};
    EXPECT_EQ(stat(hftmon_marker_path(marker_), &status), 0);
    return status.st_blocks;
  }

  static inline char kMemory[4096];
  const MarkerDirectory directory_;
  hftmon_marker* marker_ = directory_.Create();
};

TEST_F(MarkerRangeTest, WhatAProgramNamesIsTold) {
  EXPECT_NE(Name("pool", kMemory, 100), 0u);
  EXPECT_NE(name_two_ranges(marker_, kMemory, 64), 0);
  const ProgramRanges told = Read();
  EXPECT_EQ(told.why_missing, "");
  ASSERT_THAT(told.ranges, SizeIs(3));
  const auto address = reinterpret_cast<uint64_t>(&kMemory[0]);
  EXPECT_EQ(told.ranges[0], (ProgramRange{.address = address, .bytes = 32, .name = "c first"}));
  EXPECT_EQ(told.ranges[1], (ProgramRange{.address = address + 32, .bytes = 32, .name = "c second"}));
  EXPECT_EQ(told.ranges[2], (ProgramRange{.address = address, .bytes = 100, .name = "pool"}));
}

TEST_F(MarkerRangeTest, AWithdrawnRangeIsGoneAndItsNumberIsNoLaterOnes) {
  const uint32_t book = Name("book");
  const uint32_t pool = Name("pool");
  hftmon_marker_range_end(marker_, book);
  EXPECT_THAT(Names(), ElementsAre("pool"));
  const uint32_t queue = Name("queue");
  EXPECT_NE(queue, 0u);
  EXPECT_NE(queue, book);
  for (const uint32_t none : {book, 0u, 1u, 255u, UINT32_MAX}) hftmon_marker_range_end(marker_, none);
  EXPECT_THAT(Names(), ElementsAre("pool", "queue"));
  hftmon_marker_range_end(marker_, queue);
  hftmon_marker_range_end(marker_, pool);
  const ProgramRanges told = Read();
  EXPECT_THAT(told.ranges, IsEmpty());
  EXPECT_THAT(told.why_missing, HasSubstr("names no memory"));
}

TEST_F(MarkerRangeTest, ThereIsRoomFor256AndForOneMoreWhenOneIsWithdrawn) {
  std::vector<uint32_t> numbers;
  for (uint32_t i = 0; i < HFT_MARKER_RANGES_MAX; ++i) numbers.push_back(Name(("range " + std::to_string(1000 + i)).c_str()));
  EXPECT_THAT(numbers, ::testing::Each(::testing::Ne(0u)));
  EXPECT_EQ(Name("one more"), 0u);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_THAT(Names(), SizeIs(HFT_MARKER_RANGES_MAX));
  hftmon_marker_range_end(marker_, numbers[77]);
  EXPECT_NE(Name("a name"), 0u);
  const std::vector<std::string> names = Names();
  EXPECT_THAT(names, SizeIs(HFT_MARKER_RANGES_MAX));
  EXPECT_EQ(names[0], "a name");
  EXPECT_THAT(names, ::testing::Not(::testing::Contains("range 1077")));
}

TEST_F(MarkerRangeTest, WhatIsNoMemoryOrNoNameIsRefused) {
  const auto refused = [this](const char* name, uint64_t address, uint64_t bytes) {
    return Name(name, reinterpret_cast<const void*>(address), bytes) == 0 && errno == EINVAL;
  };
  constexpr uint64_t kEnd = HFT_MARKER_ADDRESS_END;
  EXPECT_TRUE(refused(nullptr, 0x1000, 1));
  EXPECT_TRUE(refused("", 0x1000, 1));
  EXPECT_TRUE(refused(std::string(61, 'x').c_str(), 0x1000, 1));
  EXPECT_TRUE(refused("null", 0, 1));
  EXPECT_TRUE(refused("empty", 0x1000, 0));
  EXPECT_TRUE(refused("wraps", 0x1000, UINT64_MAX));
  EXPECT_TRUE(refused("wraps", UINT64_MAX, 2));
  EXPECT_TRUE(refused("tagged", (uint64_t{1} << 60) + 0x1000, 1));
  EXPECT_TRUE(refused("beyond", kEnd - 1, 2));
  EXPECT_TRUE(refused("too long", 0x1000, HFT_MARKER_RANGE_BYTES_MAX + 1));
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_NE(Name("last byte", reinterpret_cast<const void*>(kEnd - 1), 1), 0u);
  EXPECT_NE(Name("longest", reinterpret_cast<const void*>(0x1000), HFT_MARKER_RANGE_BYTES_MAX), 0u);
  EXPECT_NE(Name(std::string(60, 'x').c_str()), 0u);
  EXPECT_THAT(Names(), SizeIs(3));
}

TEST_F(MarkerRangeTest, WithoutAMarkerNothingIsNamed) {
  EXPECT_EQ(hftmon_marker_range(nullptr, "book", kMemory, 1), 0u);
  EXPECT_EQ(errno, EBADF);
  hftmon_marker_range_end(nullptr, 256);
  const MarkerRange book(nullptr, "book", kMemory, 1);
  EXPECT_EQ(book.error(), EBADF);
}

TEST_F(MarkerRangeTest, AnObjectNamesItsMemoryAsLongAsItLives) {
  {
    const MarkerRange book(marker_, "book", kMemory, sizeof(kMemory));
    EXPECT_EQ(book.error(), 0);
    EXPECT_THAT(Names(), ElementsAre("book"));
  }
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(MarkerRangeTest, AProgramThatNamesNothingTakesNoMemoryForIt) {
  const off_t before = Blocks();
  const uint32_t book = Name("book");
  const off_t with_one = Blocks();
  EXPECT_EQ((with_one - before) * 512, static_cast<off_t>(hft_marker_round_up(HFT_MARKER_RANGES_MAX * sizeof(hft_marker_range))));
  Name("pool");
  hftmon_marker_range_end(marker_, book);
  EXPECT_EQ(Blocks(), with_one);
}

TEST_F(MarkerRangeTest, AClosedMarkerNamesNothing) {
  Name("book");
  EXPECT_THAT(Names(), ElementsAre("book"));
  hftmon_marker_close(std::exchange(marker_, nullptr));
  EXPECT_THAT(Read().why_missing, HasSubstr("has no marker file"));
}

}  // namespace
}  // namespace hftmon
