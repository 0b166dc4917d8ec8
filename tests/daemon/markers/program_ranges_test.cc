#include "daemon/markers/program_ranges.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ProgramRangesTest : public testing::Test {
 protected:
  ~ProgramRangesTest() override {
    for (hftmon_marker* marker : markers_) hftmon_marker_close(marker);
  }
  hftmon_marker* Create() {
    markers_.push_back(directory_.Create());
    return markers_.back();
  }
  ProgramRanges Read(uint32_t pid = static_cast<uint32_t>(getpid())) const {
    return ReadProgramRanges(directory_.path(), ProcMarkerProcesses(FileRoot("/")), pid);
  }
  static void Name(hftmon_marker* marker, const std::string& name, uint64_t address = 0x1000) {
    ASSERT_NE(hftmon_marker_range(marker, name.c_str(), reinterpret_cast<const void*>(address), 8), 0u);
  }
  static void Overwrite(hftmon_marker* marker, uint64_t at, uint64_t value, size_t bytes) {
    const int fd = open(hftmon_marker_path(marker), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(pwrite(fd, &value, bytes, static_cast<off_t>(at)), static_cast<ssize_t>(bytes));
    close(fd);
  }
  static uint64_t EntryAt(uint64_t number) { return hft_marker_ranges_at(16, 4, 256) + number * sizeof(hft_marker_range); }

  const MarkerDirectory directory_;
  std::vector<hftmon_marker*> markers_;
};

TEST_F(ProgramRangesTest, RangesOfAllFilesComeByNameAndThenByAddress) {
  hftmon_marker* const first = Create();
  hftmon_marker* const second = Create();
  Name(second, "queue");
  Name(first, "pool", 0x3000);
  Name(second, "book");
  Name(second, "pool", 0x2000);
  const ProgramRanges told = Read();
  EXPECT_EQ(told.why_missing, "");
  std::vector<std::pair<std::string, uint64_t>> order;
  for (const ProgramRange& range : told.ranges) order.emplace_back(range.name, range.address);
  EXPECT_EQ(order, (decltype(order){{"book", 0x1000}, {"pool", 0x2000}, {"pool", 0x3000}, {"queue", 0x1000}}));
}

TEST_F(ProgramRangesTest, WhyThereAreNoneIsSaid) {
  EXPECT_THAT(Read().why_missing, HasSubstr("has no marker file"));
  hftmon_marker* const marker = Create();
  EXPECT_THAT(Read().why_missing, HasSubstr("marks, but names no memory"));
  Overwrite(marker, offsetof(hft_marker_header, version), HFT_MARKER_VERSION_WITHOUT_RANGES, 4);
  const uint64_t bytes = hft_marker_ranges_at(16, 4, 256);
  Overwrite(marker, offsetof(hft_marker_header, file_bytes), bytes, 8);
  ASSERT_EQ(truncate(hftmon_marker_path(marker), static_cast<off_t>(bytes)), 0);
  EXPECT_THAT(Read().why_missing, HasSubstr("is of version 2 and knows no ranges"));
  ASSERT_EQ(chmod(hftmon_marker_path(marker), 0644), 0);
  EXPECT_THAT(Read().why_missing, HasSubstr("1 marker file of it cannot be read: " + directory_.path()));
  EXPECT_NE(Read(1u << 22).why_missing, "") << "nobody has that number";
  EXPECT_THAT(Read().ranges, IsEmpty());
}

TEST_F(ProgramRangesTest, OneFileThatIsRefusedDoesNotHideTheOthers) {
  hftmon_marker* const bad = Create();
  Name(Create(), "book");
  ASSERT_EQ(chmod(hftmon_marker_path(bad), 0666), 0);
  const ProgramRanges told = Read();
  EXPECT_THAT(told.ranges, SizeIs(1));
  EXPECT_THAT(told.why_missing, HasSubstr("has mode 0666"));
}

TEST_F(ProgramRangesTest, RefusedAndUnfinishedRangesAreCountedBesideThoseThatAreTold) {
  hftmon_marker* const marker = Create();
  for (const char* name : {"book", "pool", "queue"}) Name(marker, name);
  Overwrite(marker, EntryAt(0) + offsetof(hft_marker_range, bytes), UINT64_MAX, 8);
  Overwrite(marker, EntryAt(1) + offsetof(hft_marker_range, sequence), 3, 4);
  const ProgramRanges told = Read();
  ASSERT_THAT(told.ranges, SizeIs(1));
  EXPECT_EQ(told.ranges[0].name, "queue");
  EXPECT_THAT(told.why_missing, HasSubstr("1 range is refused"));
  EXPECT_THAT(told.why_missing, HasSubstr("1 range was being named or withdrawn"));
}

TEST_F(ProgramRangesTest, OfMoreThanCanBeLookedAtTheFirstByNameAreToldAndTheirNumberIsSaid) {
  hftmon_marker* const first = Create();
  hftmon_marker* const second = Create();
  for (uint32_t i = 0; i < HFT_MARKER_RANGES_MAX; ++i) {
    Name(first, "b" + std::to_string(1000 + i));
    Name(second, "a" + std::to_string(1000 + i));
  }
  const ProgramRanges told = Read();
  ASSERT_THAT(told.ranges, SizeIs(kProgramRangesMax));
  EXPECT_EQ(told.ranges.back().name, "a1255");
  EXPECT_THAT(told.why_missing, HasSubstr("it names 512 ranges, of which 256 are looked at"));
}

TEST_F(ProgramRangesTest, AFileUnderAHighNumberIsFound) {
  for (int i = 0; i < 7; ++i) Create();
  hftmon_marker* const last = Create();
  Name(last, "book");
  for (size_t i = 0; i + 1 < markers_.size(); ++i) hftmon_marker_close(markers_[i]);
  markers_ = {last};
  EXPECT_THAT(Read().ranges, ElementsAre(ProgramRange{.address = 0x1000, .bytes = 8, .name = "book"}));
}

}  // namespace
}  // namespace hftmon
