// Memory that a program names through the marker library, found page for page in this kernel: the library, the reader of its ranges and the
// look at the process, without a daemon. The program is the test itself.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include <numeric>
#include <vector>

#include "client/marker/marker_range.h"
#include "daemon/markers/program_ranges.h"
#include "daemon/numa/placement_reader.h"
#include "daemon/os/raw_clocks.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon::testing {
namespace {

class SystemClock final : public MonotonicClock {
 public:
  int64_t NowNs() const override { return clocks_.MonotonicNs(); }

 private:
  SystemRawClocks clocks_;
};

class NamedMemoryTest : public ::testing::Test {
 protected:
  ~NamedMemoryTest() override { hftmon_marker_close(marker_); }
  // So many pages of its own, none touched.
  char* Map(uint64_t pages) const {
    void* const memory = mmap(nullptr, pages * page_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    madvise(memory, pages * page_bytes_, MADV_NOHUGEPAGE);
    return static_cast<char*>(memory);
  }
  absl::StatusOr<ProcessPlacement> Look() {
    const ProgramRanges program = ReadProgramRanges(directory_.path(), ProcMarkerProcesses(FileRoot("/")), static_cast<uint32_t>(getpid()));
    std::vector<AddressRange> named;
    for (const ProgramRange& range : program.ranges) {
      named.push_back({.start = range.address, .end = range.address + range.bytes, .name = range.name});
    }
    PlacementReader reader(FileRoot("/"), locations_, pacer_, clock_, static_cast<int64_t>(page_bytes_));
    return reader.Read({.pid = getpid(), .pages_max = 64, .named_ranges = named, .small_rss_bytes_max = 0});
  }
  static uint64_t PresentCount(const MappingPlacement& row) {
    return std::accumulate(row.nodes.begin(), row.nodes.end(), uint64_t{0},
                           [](uint64_t sum, const NodeShare& node) { return sum + node.pages; });
  }

  const uint64_t page_bytes_ = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const MarkerDirectory directory_;
  hftmon_marker* const marker_ = directory_.Create();
  SystemPageLocations locations_;
  SystemPacer pacer_;
  SystemClock clock_;
};

TEST_F(NamedMemoryTest, EachTouchedPageIsFoundUntilItsNameIsWithdrawn) {
  constexpr uint64_t kBookPages = 64;
  constexpr uint64_t kPoolPages = 8'192;
  char* const book = Map(kBookPages);
  char* const pool = Map(kPoolPages);
  ASSERT_TRUE(book != nullptr && pool != nullptr);
  for (uint64_t page = 0; page < kBookPages; page += 4) book[page * page_bytes_] = 1;
  for (uint64_t page = 0; page < kPoolPages / 2; ++page) pool[page * page_bytes_] = 1;
  const MarkerRange pool_range(marker_, "pool", pool, kPoolPages * page_bytes_);
  {
    const MarkerRange book_range(marker_, "book", book, kBookPages * page_bytes_);
    const auto placement = Look();
    if (absl::IsUnavailable(placement.status()) || absl::IsPermissionDenied(placement.status())) GTEST_SKIP() << placement.status();
    ASSERT_TRUE(placement.ok()) << placement.status();
    ASSERT_EQ(placement->ranges.size(), 2u);
    const MappingPlacement& told_book = placement->ranges[0];
    EXPECT_EQ(told_book.name, "book");
    EXPECT_EQ(told_book.start, reinterpret_cast<uint64_t>(book));
    EXPECT_TRUE(told_book.exact);
    EXPECT_EQ(PresentCount(told_book), kBookPages / 4);
    EXPECT_EQ(told_book.absent_count, kBookPages / 4 * 3);
    const MappingPlacement& told_pool = placement->ranges[1];
    EXPECT_EQ(told_pool.sampled_count, kNamedRangePagesMax);
    // One stratum may lie across the end of what was touched.
    EXPECT_NEAR(static_cast<double>(PresentCount(told_pool)), static_cast<double>(kNamedRangePagesMax) / 2, 1);
    EXPECT_FALSE(told_book.changed || told_pool.changed);
    EXPECT_EQ(placement->look_cost.page_count, 64 + kBookPages + kNamedRangePagesMax);
    std::printf("%llu pages in %llu calls, the longest %lld ns\n", static_cast<unsigned long long>(placement->look_cost.page_count),
                static_cast<unsigned long long>(placement->look_cost.call_count), static_cast<long long>(placement->look_cost.longest_ns));
  }
  const auto placement = Look();
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_EQ(placement->ranges.size(), 1u);
  EXPECT_EQ(placement->ranges[0].name, "pool");
  munmap(book, kBookPages * page_bytes_);
  munmap(pool, kPoolPages * page_bytes_);
  const auto unmapped = Look();
  ASSERT_TRUE(unmapped.ok()) << unmapped.status();
  EXPECT_EQ(PresentCount(unmapped->ranges[0]), 0u) << "a range that outlives its memory tells of nothing";
}

}  // namespace
}  // namespace hftmon::testing
