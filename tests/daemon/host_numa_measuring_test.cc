#include "daemon/host_numa_measuring.h"

#include <gmock/gmock.h>

#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "daemon/service/rich_error.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr ProbeReport kReport{
    .load_ns = 100, .read_mb_s = 9'000, .bytes_moved = 50, .page_count = 4, .page_on_node_count = 4, .huge_pages = true};

// Two nodes with a CPU each; the probe answers at once.
class HostNumaMeasuringTest : public ::testing::Test {
 protected:
  HostNumaMeasuringTest() {
    for (const int number : {0, 1}) {
      NumaNode node;
      node.node = number;
      node.cpus = {number};
      node.has_memory = true;
      node.free_bytes = int64_t{8} << 30;
      host_.nodes.nodes.push_back(std::move(node));
    }
    host_.usable_cpus = {0, 1};
  }
  HostNumaMeasuring::Parts Parts() {
    return {.clock = &clock_,
            .host = [this]() -> absl::StatusOr<MeasureHost> { return host_; },
            .admit = [this] { return admitted_; },
            .probe =
                [this](const PlannedPair& pair, int64_t patience_ns, const std::function<bool()>& given_up) {
                  asked_.emplace_back(*pair.cpu, pair.memory_node);
                  patience_ns_ = patience_ns;
                  return probe_(given_up);
                }};
  }
  static const absl::StatusOr<NumaMatrix>& Await(const NumaMeasureRun& run) {
    while (run.Result() == nullptr) std::this_thread::yield();
    return *run.Result();
  }
  NumaMatrix Measure() {
    HostNumaMeasuring measuring(Parts());
    const auto run = measuring.Begin({});
    EXPECT_TRUE(run.ok()) << run.status();
    const auto& matrix = Await(**run);
    EXPECT_TRUE(matrix.ok()) << matrix.status();
    return matrix.ok() ? *matrix : NumaMatrix();
  }

  FakeMonotonicClock clock_;
  MeasureHost host_;
  absl::Status admitted_;
  std::vector<std::pair<int, int>> asked_;
  int64_t patience_ns_ = 0;
  std::function<absl::StatusOr<ProbeReport>(const std::function<bool()>&)> probe_ = [](const auto&) { return kReport; };
};

TEST_F(HostNumaMeasuringTest, EachPairIsMeasuredFromItsNodesCpuOneAfterTheOther) {
  const NumaMatrix matrix = Measure();
  EXPECT_THAT(asked_, ElementsAre(Pair(0, 0), Pair(0, 1), Pair(1, 0), Pair(1, 1)));
  ASSERT_EQ(matrix.pairs.size(), 4u);
  EXPECT_EQ(matrix.pairs[1].load_ns, 100);
  EXPECT_EQ(matrix.pairs[1].read_mb_s, 9'000);
  EXPECT_TRUE(matrix.pairs[1].huge_pages);
  EXPECT_EQ(matrix.pairs[1].page_bytes, kHugePageBytes);
  EXPECT_EQ(matrix.pairs[1].small_pages_reason, "");
  EXPECT_EQ(matrix.bytes_moved, 200u);
  EXPECT_EQ(patience_ns_, HostNumaMeasuring::kPairPatienceNs);
}

TEST_F(HostNumaMeasuringTest, SmallPagesAreToldWithTheirSizeAndWhyTheyAreNotHuge) {
  probe_ = [](const auto&) {
    ProbeReport report = kReport;
    report.huge_pages = false;
    report.small_pages = SmallPages::kWouldCompact;
    report.page_count = report.page_on_node_count = 16'384;  // of 64 MiB
    return report;
  };
  const NumaMatrix matrix = Measure();
  EXPECT_EQ(matrix.pairs[1].load_ns, 100);
  EXPECT_FALSE(matrix.pairs[1].huge_pages);
  EXPECT_EQ(matrix.pairs[1].page_bytes, 4'096);
  EXPECT_THAT(matrix.pairs[1].small_pages_reason, ::testing::HasSubstr("node 1 has too few free blocks"));
}

TEST_F(HostNumaMeasuringTest, PagesThatLayElsewhereGiveNoValue) {
  probe_ = [](const auto&) { return ProbeReport{.bytes_moved = 10, .page_count = 4, .page_on_node_count = 3}; };
  const NumaMatrix matrix = Measure();
  EXPECT_FALSE(matrix.pairs[0].load_ns.has_value());
  EXPECT_THAT(matrix.pairs[0].plan.reason, HasSubstr("1 of 4 pages lay elsewhere than on node 0"));
  EXPECT_EQ(matrix.bytes_moved, 40u);
}

TEST_F(HostNumaMeasuringTest, AProbeThatFailsIsToldAndTheOthersGoOn) {
  probe_ = [this](const auto&) -> absl::StatusOr<ProbeReport> {
    if (asked_.size() == 1) return absl::AbortedError("it was ended by signal 9");
    if (asked_.size() == 2) return absl::DeadlineExceededError("too long");
    return kReport;
  };
  const NumaMatrix matrix = Measure();
  EXPECT_EQ(matrix.pairs[0].plan.reason, "it was ended by signal 9");
  EXPECT_THAT(matrix.pairs[1].plan.reason, HasSubstr("CPU 0 has no time for it"));
  EXPECT_TRUE(matrix.pairs[2].load_ns.has_value());
}

TEST_F(HostNumaMeasuringTest, PairsBeyondTheTimeForAllSaySo) {
  probe_ = [this](const auto&) {
    clock_.AdvanceNs(4'000'000'000);
    return kReport;
  };
  const NumaMatrix matrix = Measure();
  EXPECT_EQ(asked_.size(), 3u);
  EXPECT_EQ(patience_ns_, 2'000'000'000) << "what was left of it";
  EXPECT_THAT(matrix.pairs[3].plan.reason, HasSubstr("took the 10 s"));
  EXPECT_EQ(matrix.elapsed_ns, 12'000'000'000);
}

TEST_F(HostNumaMeasuringTest, WhoIsFreeIsAskedAnewForEachNode) {
  probe_ = [this](const auto&) {
    host_.watched_cpus = {0, 1};
    return kReport;
  };
  const NumaMatrix matrix = Measure();
  EXPECT_THAT(asked_, ElementsAre(Pair(0, 0), Pair(0, 1)));
  EXPECT_THAT(matrix.pairs[2].plan.reason, HasSubstr("a watched thread is bound there"));
}

TEST_F(HostNumaMeasuringTest, QuietModeRefusesItAndEndsWhatGoesOn) {
  probe_ = [this](const auto&) {
    admitted_ = absl::FailedPreconditionError("quiet");
    return kReport;
  };
  const NumaMatrix matrix = Measure();
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_EQ(matrix.pairs[3].plan.reason, "quiet");
  HostNumaMeasuring measuring(Parts());
  EXPECT_EQ(measuring.Begin({}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(HostNumaMeasuringTest, OneAtATimeAndOneThatIsCancelledEnds) {
  absl::Notification begun;
  probe_ = [&begun](const std::function<bool()>& given_up) -> absl::StatusOr<ProbeReport> {
    begun.Notify();
    while (!given_up()) std::this_thread::yield();
    return absl::CancelledError("given up");
  };
  HostNumaMeasuring measuring(Parts());
  {
    const auto run = measuring.Begin({});
    ASSERT_TRUE(run.ok()) << run.status();
    begun.WaitForNotification();
    const absl::Status second = measuring.Begin({}).status();
    EXPECT_EQ(second.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(std::string(second.GetPayload(kErrorReasonPayload).value_or(absl::Cord())), "SAMPLING");
    (*run)->Cancel();
    EXPECT_EQ(Await(**run).status().code(), absl::StatusCode::kCancelled);
  }
  probe_ = [](const auto&) { return kReport; };
  const auto next = measuring.Begin({});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(Await(**next).ok());
}

}  // namespace
}  // namespace hftmon
