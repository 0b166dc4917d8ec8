#include "daemon/os/epoch_watcher.h"

#include <gtest/gtest.h>

#include "daemon/os/tsc.h"
#include "tests/daemon/os/fake_raw_clocks.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

constexpr const char* kClocksource = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
constexpr int64_t kSecondNs = 1'000'000'000;

class FakeNotice final : public WallClockNotice {
 public:
  explicit FakeNotice(bool* pending) : pending_(pending) {}
  bool Take() override { return std::exchange(*pending_, false); }

 private:
  bool* pending_;
};

class EpochWatcherTest : public ::testing::Test {
 protected:
  EpochWatcherTest() : clock_((tree_.Write(kClocksource, std::string(kTscClocksource) + "\n"), &clocks_), tree_.root(), true) {}

  // As the control thread does: a look every 10 ms, a calibration every 100 ms.
  void RunFor(int looks) {
    for (int i = 0; i < looks; ++i) {
      clocks_.Pass(EpochWatcher::kLookIntervalNs);
      if (++turn_ % 10 == 0) clock_.Calibrate();
      watcher_.Look();
    }
  }
  std::vector<EpochReason> Reasons() {
    std::vector<EpochReason> reasons;
    for (const ClockEpoch& epoch : watcher_.LookAndList()) reasons.push_back(epoch.reason);
    return reasons;
  }

  using Expected = std::vector<EpochReason>;
  FixtureTree tree_;
  FakeRawClocks clocks_;
  TscClock clock_;
  bool notice_ = false;
  int turn_ = 0;
  EpochWatcher watcher_{&clocks_, &clock_, std::make_unique<FakeNotice>(&notice_)};
};

TEST_F(EpochWatcherTest, SlewAndInterruptedReadingsCloseNoEpoch) {
  for (const int64_t slew_ppm : {0, 500, -500, 20}) {
    clocks_.slew_ppm = slew_ppm;
    clocks_.pause_ns = slew_ppm == 20 ? 40'000 : 0;
    RunFor(100);
  }
  EXPECT_EQ(Reasons(), Expected{EpochReason::kStart});
}

TEST_F(EpochWatcherTest, AStepOfTheWallClockIsSeenByWhoeverLooksNext) {
  RunFor(20);
  clocks_.realtime_offset_ns += kSecondNs;
  EXPECT_EQ(Reasons(), (Expected{EpochReason::kStart, EpochReason::kWallStep}));
  EXPECT_EQ(watcher_.LookAtCurrent().number, 2u);
  EXPECT_NEAR(static_cast<double>(watcher_.LookAtCurrent().step_ns), kSecondNs, 1'000);
}

TEST_F(EpochWatcherTest, TheKernelsNoticeIsTakenOnce) {
  RunFor(20);
  notice_ = true;
  RunFor(20);
  EXPECT_EQ(Reasons(), (Expected{EpochReason::kStart, EpochReason::kWallStep}));
}

TEST_F(EpochWatcherTest, SuspendIsSeenInBoottime) {
  RunFor(20);
  clocks_.boottime_offset_ns += 90 * kSecondNs;
  clocks_.realtime_offset_ns += 90 * kSecondNs;
  RunFor(20);
  EXPECT_EQ(Reasons(), (Expected{EpochReason::kStart, EpochReason::kSuspend}));
}

TEST_F(EpochWatcherTest, AStepOfTheCounterHasItsSizeAndReachesBackToTheCalibrationBefore) {
  RunFor(33);
  const int64_t before_ns = clocks_.Mono();
  clocks_.StepTicks(3 * 50'000'000);  // 50 ms forward
  RunFor(20);
  EXPECT_EQ(Reasons(), (Expected{EpochReason::kStart, EpochReason::kTscStep}));
  const ClockEpoch epoch = watcher_.LookAtCurrent();
  EXPECT_NEAR(static_cast<double>(epoch.step_ns), 50e6, 100'000);
  EXPECT_LE(epoch.begin_after_mono_ns, before_ns);
  EXPECT_GE(epoch.begin_mono_ns, before_ns);
  EXPECT_LE(epoch.begin_mono_ns - epoch.begin_after_mono_ns, 250'000'000);
}

TEST_F(EpochWatcherTest, ACounterThatTheKernelLeavesIsUnstable) {
  RunFor(20);
  tree_.Write(kClocksource, "hpet\n");
  RunFor(600);
  EXPECT_EQ(Reasons(), (Expected{EpochReason::kStart, EpochReason::kTscUnstable}));
}

TEST_F(EpochWatcherTest, AMachineThatStoodStillClosesTheEpoch) {
  RunFor(20);
  clocks_.Pass(5 * kSecondNs);
  RunFor(1);
  EXPECT_EQ(Reasons(), (Expected{EpochReason::kStart, EpochReason::kStopped}));
}

TEST_F(EpochWatcherTest, TheTaiOffsetIsRoundedToSeconds) {
  clocks_.tai_offset_ns = 37 * kSecondNs;
  EXPECT_EQ(watcher_.LookAtCurrent().tai_offset_ns, 37 * kSecondNs);
}

TEST(TimerWallClockNoticeTest, SaysNothingWhileNobodySetsTheClock) {
  auto notice = TimerWallClockNotice::Create();
  ASSERT_TRUE(notice.ok()) << notice.status();
  EXPECT_FALSE((*notice)->Take());
  EXPECT_FALSE((*notice)->Take());
}

TEST(EpochWatcherOnThisHostTest, StaysInItsFirstEpochOverThousandsOfLooks) {
  SystemRawClocks clocks;
  TscClock clock(&clocks, FileRoot(), TscIsInvariant());
  EpochWatcher watcher(&clocks, &clock, nullptr);
  for (int i = 0; i < 5'000; ++i) watcher.Look();
  const std::vector<ClockEpoch> epochs = watcher.LookAndList();
  for (const ClockEpoch& epoch : epochs) {
    EXPECT_TRUE(epoch.reason == EpochReason::kStart || epoch.reason == EpochReason::kStopped) << DescribeEpoch(epoch);
  }
}

}  // namespace
}  // namespace hftmon
