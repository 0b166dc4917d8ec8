// Where memory lies, against this kernel: a process whose touched pages are known, those that may not or cannot be looked into, and what
// a look costs the process. The kernel is asked without the daemon; it takes the right to trace the process.
#include "daemon/numa/placement_reader.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <map>
#include <numeric>

#include "daemon/os/raw_clocks.h"
#include "tests/privileged/numa_target.h"

namespace hftmon::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SystemClock final : public MonotonicClock {
 public:
  int64_t NowNs() const override { return clocks_.MonotonicNs(); }

 private:
  SystemRawClocks clocks_;
};

// Does something to the target between two portions, once.
class MeddlingPacer final : public Pacer {
 public:
  explicit MeddlingPacer(std::function<void()> meddle) : meddle_(std::move(meddle)) {}
  bool Pause() override {
    if (++pause_count_ == 3) meddle_();
    return true;
  }

 private:
  const std::function<void()> meddle_;
  int pause_count_ = 0;
};

uint64_t PresentCount(const MappingPlacement& row) {
  return std::accumulate(row.nodes.begin(), row.nodes.end(), uint64_t{0},
                         [](uint64_t sum, const NodeShare& node) { return sum + node.pages; });
}

class NumaPlacementTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (sysconf(_SC_PAGESIZE) != static_cast<long>(kPage)) GTEST_SKIP() << "the target's truth is in pages of 4 KiB; here they are larger";
    NumaTarget probe;
    uint64_t address = probe.pool();
    int node = -1;
    const int error = locations_.Locate(probe.pid(), std::span(&address, 1), std::span(&node, 1));
    if (error != 0) GTEST_SKIP() << "move_pages does not tell of a child here: errno " << -error;
    const auto online = files_.ReadFile("/sys/devices/system/node/online");
    one_node_ = !online.ok() || Trim(*online) == "0";
  }
  absl::StatusOr<ProcessPlacement> Read(const PlacementWish& wish) { return Read(wish, pacer_); }
  absl::StatusOr<ProcessPlacement> Read(const PlacementWish& wish, Pacer& pacer) {
    return PlacementReader(files_, locations_, pacer, clock_, kPage).Read(wish);
  }
  static std::vector<AddressRange> Ranges(const NumaTarget& target) {
    return {{.start = target.pool(), .end = target.pool() + NumaTarget::kPoolPages * kPage, .name = "pool"},
            {.start = target.book(), .end = target.book() + NumaTarget::kBookPages * kPage, .name = "book"}};
  }
  void ExpectNodesOfThisHost(const MappingPlacement& row) const {
    if (one_node_) {
      ASSERT_EQ(row.nodes.size(), 1u) << row.name;
      EXPECT_EQ(row.nodes[0].node, 0);
    }
  }

  static constexpr int64_t kPage = NumaTarget::kPageBytes;
  const FileRoot files_;
  SystemPageLocations locations_;
  SystemPacer pacer_;
  SystemClock clock_;
  bool one_node_ = false;
};

TEST_F(NumaPlacementTest, TouchedPagesLieOnANodeAndOthersAreNotThere) {
  NumaTarget target;
  const std::vector<AddressRange> ranges = Ranges(target);
  const auto placement = Read({.pid = target.pid(), .ranges = ranges, .small_rss_bytes_max = 0});
  ASSERT_TRUE(placement.ok()) << placement.status();
  ASSERT_EQ(placement->mappings.size(), 2u);
  const MappingPlacement& pool = placement->mappings[0];
  EXPECT_GT(pool.sampled_count, 4000u);
  EXPECT_FALSE(pool.exact);
  // The first half's strata are there, the second's are not; one may lie across.
  EXPECT_NEAR(static_cast<double>(pool.absent_count), static_cast<double>(pool.sampled_count) / 2, 1);
  EXPECT_EQ(PresentCount(pool) + pool.absent_count, pool.sampled_count);
  ExpectNodesOfThisHost(pool);
  const MappingPlacement& book = placement->mappings[1];
  EXPECT_GE(book.sampled_count, kRegionPagesLeast);
  EXPECT_FALSE(book.changed);
  const std::vector<AddressRange> only_book = {ranges[1]};
  const auto whole = Read({.pid = target.pid(), .ranges = only_book, .small_rss_bytes_max = 0});
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_TRUE(whole->mappings[0].exact);
  EXPECT_EQ(PresentCount(whole->mappings[0]), NumaTarget::kBookPages / 4);
  EXPECT_EQ(whole->mappings[0].absent_count, NumaTarget::kBookPages / 4 * 3);
  ExpectNodesOfThisHost(whole->mappings[0]);
}

TEST_F(NumaPlacementTest, NumaMapsAndSinglePagesTellTheSame) {
  NumaTarget target;
  const auto exact = Read({.pid = target.pid(), .exact = true});
  ASSERT_TRUE(exact.ok()) << exact.status();
  if (!exact->unavailable.empty()) GTEST_SKIP() << exact->unavailable[0].part << ": " << exact->unavailable[0].reason;
  EXPECT_EQ(exact->bad_line_count, 0u);
  EXPECT_EQ(exact->look_cost.page_count, 0u) << "numa_maps told of every mapping";
  std::map<uint64_t, uint64_t> present;  // by start, of page counts
  for (const MappingPlacement& row : exact->mappings) {
    ASSERT_TRUE(row.exact && row.policy.has_value() && row.huge_bytes.has_value()) << row.name;
    if (row.page_count > kSamplePagesMax) continue;
    const std::vector<AddressRange> range = {{.start = row.start, .end = row.end}};
    MeddlingPacer no_pause([] {});
    const auto pages = Read({.pid = target.pid(), .pages_max = kSamplePagesMax, .ranges = range, .small_rss_bytes_max = 0}, no_pause);
    ASSERT_TRUE(pages.ok()) << pages.status();
    ASSERT_TRUE(pages->mappings[0].exact);
    present[row.start] = PresentCount(pages->mappings[0]);
    if (row.start == target.book()) {
      EXPECT_EQ(*row.policy, target.book_is_bound() ? "bind:0" : "default");
    }
  }
  uint64_t compared = 0;
  // The kernel may take pages away or put some in at any time: those that it left alone meanwhile are held to each other.
  const auto again = Read({.pid = target.pid(), .exact = true});
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_EQ(again->mappings.size(), exact->mappings.size());
  for (size_t i = 0; i < exact->mappings.size(); ++i) {
    const MappingPlacement& row = exact->mappings[i];
    if (!present.contains(row.start) || PresentCount(row) != PresentCount(again->mappings[i])) continue;
    EXPECT_EQ(present[row.start], PresentCount(row)) << row.name << " " << std::hex << row.start;
    ++compared;
  }
  EXPECT_GT(compared, exact->mappings.size() / 2);
  std::printf("%llu of %zu mappings compared page by page\n", static_cast<unsigned long long>(compared), exact->mappings.size());
}

TEST_F(NumaPlacementTest, AKernelThreadHasNoMemoryOfItsOwn) {
  const auto comm = files_.ReadFile("/proc/2/comm");
  if (!comm.ok() || Trim(*comm) != "kthreadd") GTEST_SKIP() << "no kernel thread is to be seen from here";
  EXPECT_TRUE(absl::IsFailedPrecondition(Read({.pid = 2}).status())) << Read({.pid = 2}).status();
  uint64_t address = 0x1000;
  int node = 0;
  EXPECT_EQ(locations_.Locate(2, std::span(&address, 1), std::span(&node, 1)), -EINVAL);
}

TEST_F(NumaPlacementTest, WhoMayNotTraceIsRefusedWithTheMend) {
  if (geteuid() != 0) GTEST_SKIP() << "another user's process takes root to be had";
  NumaTarget target;
  int answer[2];
  ASSERT_EQ(::pipe(answer), 0);
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    uint64_t address = target.pool();
    int node = -1;
    const int error = locations_.Locate(target.pid(), std::span(&address, 1), std::span(&node, 1));
    const absl::Status status = Read({.pid = target.pid()}).status();
    const std::string text(status.message());
    const ssize_t written = ::write(answer[1], text.data(), text.size());
    ::_exit(written > 0 && error == -EPERM && absl::IsPermissionDenied(status) ? 0 : 3);
  }
  ::close(answer[1]);
  std::string text(4096, '\0');
  const ssize_t got = ::read(answer[0], text.data(), text.size());
  ::close(answer[0]);
  int exit_status = -1;
  ASSERT_EQ(::waitpid(stranger, &exit_status, 0), stranger);
  EXPECT_TRUE(WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == 0) << exit_status;
  ASSERT_GT(got, 0);
  EXPECT_THAT(text.substr(0, static_cast<size_t>(got)), HasSubstr("CAP_SYS_PTRACE"));
}

TEST_F(NumaPlacementTest, AProcessThatEndsMeanwhileIsNotFound) {
  NumaTarget reaped;
  MeddlingPacer kills_and_reaps([&] {
    reaped.Kill();
    reaped.Reap();
  });
  EXPECT_TRUE(absl::IsNotFound(Read({.pid = reaped.pid(), .small_rss_bytes_max = 0}, kills_and_reaps).status()));
  NumaTarget zombie;
  MeddlingPacer kills([&] { zombie.Kill(); });
  EXPECT_TRUE(absl::IsNotFound(Read({.pid = zombie.pid(), .small_rss_bytes_max = 0}, kills).status()));
  MeddlingPacer nothing([] {});
  EXPECT_TRUE(absl::IsFailedPrecondition(Read({.pid = zombie.pid()}, nothing).status())) << "it waits for its parent";
}

TEST_F(NumaPlacementTest, AProcessThatBecomesAnotherProgramMeanwhileHasNoAnswer) {
  NumaTarget target;
  MeddlingPacer execs([&] { target.Exec(); });
  const absl::Status status = Read({.pid = target.pid(), .small_rss_bytes_max = 0}, execs).status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
}

// The figures are printed, and depend on the host and on who else runs there. One call of the paced look is held to one of numa_maps alone.
TEST_F(NumaPlacementTest, WhatALookCostsTheTargetIsReported) {
  NumaTarget target;
  const auto measure = [&](const char* name, const std::function<LookCost()>& look) {
    target.BeginUse();
    const LookCost cost = look();
    const NumaTarget::Stalls stalls = target.EndUse();
    EXPECT_GT(stalls.count, 0u);
    std::printf(
        "%-30s %4llu calls, longest %6.0f us, sum %8.0f us; the target's mmap and munmap %6llu times: p50 %5.1f p99 %5.1f p99.9 %7.1f max "
        "%8.1f us\n",
        name, static_cast<unsigned long long>(cost.call_count), static_cast<double>(cost.longest_ns) / 1e3,
        static_cast<double>(cost.sum_ns) / 1e3, static_cast<unsigned long long>(stalls.count), static_cast<double>(stalls.p50_ns) / 1e3,
        static_cast<double>(stalls.p99_ns) / 1e3, static_cast<double>(stalls.p99_9_ns) / 1e3, static_cast<double>(stalls.max_ns) / 1e3);
    return cost;
  };
  const auto look = [&](const PlacementWish& wish) {
    const auto placement = Read(wish);
    EXPECT_TRUE(placement.ok()) << placement.status();
    return placement.ok() ? placement->look_cost : LookCost{};
  };
  measure("nothing", [&] {
    for (int i = 0; i < 200; ++i) pacer_.Pause();
    return LookCost{};
  });
  const LookCost paced =
      measure("2,048 pages, 16 at a time", [&] { return look({.pid = target.pid(), .pages_max = 2048, .small_rss_bytes_max = 0}); });
  constexpr uint64_t kExactLooks = 20;
  const LookCost exact = measure("numa_maps and smaps, 20 times", [&] {
    LookCost all;
    for (uint64_t i = 0; i < kExactLooks; ++i) {
      const LookCost one = look({.pid = target.pid(), .exact = true});
      all.call_count += one.call_count;
      all.sum_ns += one.sum_ns;
      all.longest_ns = std::max(all.longest_ns, one.longest_ns);
    }
    return all;
  });
  EXPECT_EQ(paced.page_count, 2048u);
  EXPECT_EQ(paced.call_count, 2u + 2048u / kLocatedPagesMax);
  EXPECT_GE(exact.call_count, 3 * kExactLooks) << "more where what it maps and unmaps was another mapping in the second file";
  EXPECT_GT(exact.longest_ns, 2 * paced.sum_ns / static_cast<int64_t>(paced.call_count));
}

}  // namespace
}  // namespace hftmon::testing
