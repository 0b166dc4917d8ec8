#include "daemon/mode_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ModeControllerTest : public ::testing::Test {
 protected:
  ModeController& Start(const std::string& mode, const std::string& scheduling = "other", std::vector<int> usable = {0, 1, 2, 3}) {
    ModeController::Parts parts;
    parts.facts = [this] { return facts_; };
    parts.fifo_unthrottled = [this] { return unthrottled_; };
    parts.set_policy = [this](const PollPolicy* policy) { calls_.push_back(policy == &kFifoLatencyPolicy ? "fifo policy" : policy->name); };
    parts.reschedule_loop = [this](const std::string& to) { calls_.push_back("loop " + to); };
    parts.move_other_threads = [this](const std::vector<int>& cpus) {
      calls_.push_back("move to " + std::to_string(cpus.size()));
      moved_to_ = cpus;
      return move_error_;
    };
    parts.usable_cpus = std::move(usable);
    parts.loop_cpu = 2;
    modes_.emplace(std::move(parts), mode, scheduling);
    return *modes_;
  }
  OperationStatus Described() const {
    OperationStatus status;
    modes_->Describe(&status);
    return status;
  }

  HostFacts facts_{.usable_cpus = 4};
  bool unthrottled_ = false;
  absl::Status move_error_;
  std::vector<int> moved_to_;
  std::vector<std::string> calls_;
  std::optional<ModeController> modes_;
};

TEST_F(ModeControllerTest, ItsConstructorChoosesAndChangesNothing) {
  EXPECT_EQ(Start("auto").policy(), &kLatencyPolicy);
  EXPECT_THAT(calls_, IsEmpty());
  EXPECT_THAT(modes_->other_cpus(), ElementsAre(0, 1, 3));
  EXPECT_EQ(Described().asked_mode, "auto");
  EXPECT_EQ(Described().other_cpus, "0-1,3");
  EXPECT_TRUE(Described().owns_cpu);
  EXPECT_EQ(Described().poll_gap_max_ns, kSpinGapNs);
}

TEST_F(ModeControllerTest, TheOtherThreadsLeaveBeforeTheLoopOwnsItsCpuAndComeBackAfterwards) {
  Start("balanced");
  ASSERT_TRUE(modes_->SetMode("latency", "").ok());
  EXPECT_THAT(calls_, ElementsAre("move to 3", "latency"));
  calls_.clear();
  ASSERT_TRUE(modes_->SetMode("economy", "").ok());
  EXPECT_THAT(calls_, ElementsAre("economy", "move to 4"));
  EXPECT_THAT(moved_to_, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(Described().mode_reason, "asked for");
  EXPECT_EQ(Described().poll_gap_max_ns, kEconomyPolicy.sleep_max_ns);
}

TEST_F(ModeControllerTest, WhenTheOtherThreadsCannotLeaveTheModeStays) {
  Start("balanced");
  move_error_ = absl::FailedPreconditionError("the cpuset has one CPU");
  EXPECT_EQ(modes_->SetMode("latency", "").message(), "the cpuset has one CPU");
  EXPECT_EQ(modes_->policy(), &kBalancedPolicy);
  EXPECT_THAT(calls_, ElementsAre("move to 3"));
}

TEST_F(ModeControllerTest, FifoThatSpinsHasItsPauseBeforeItIsFifo) {
  Start("latency");
  ASSERT_TRUE(modes_->SetMode("latency", "fifo").ok());
  EXPECT_THAT(calls_, ElementsAre("move to 3", "fifo policy", "loop fifo"));
  calls_.clear();
  ASSERT_TRUE(modes_->SetMode("latency", "other").ok());
  EXPECT_THAT(calls_, ElementsAre("move to 3", "loop other", "latency"));
}

TEST_F(ModeControllerTest, FifoThatTheKernelDoesNotThrottleSpinsWithoutPauseIfTheOthersHaveACpu) {
  unthrottled_ = true;
  EXPECT_EQ(Start("latency", "fifo").policy(), &kLatencyPolicy);
  EXPECT_EQ(Start("latency", "fifo", {2}).policy(), &kFifoLatencyPolicy);
}

TEST_F(ModeControllerTest, UnderAutoTheModeFollowsTheHostAndUnderAChoiceItStays) {
  Start("auto");
  facts_.watched_pinned_here = true;
  modes_->Reconsider();
  EXPECT_EQ(modes_->policy(), &kBalancedPolicy);
  EXPECT_THAT(calls_, ElementsAre("balanced", "move to 4"));
  facts_.watched_pinned_here = false;
  modes_->Reconsider();
  EXPECT_EQ(modes_->policy(), &kLatencyPolicy);
  ASSERT_TRUE(modes_->SetMode("economy", "").ok());
  calls_.clear();
  modes_->Reconsider();
  EXPECT_THAT(calls_, IsEmpty());
}

TEST_F(ModeControllerTest, WordsThatAreNoModesAreRefusedWithThoseThatAre) {
  Start("auto");
  const absl::Status mode = modes_->SetMode("fast", "");
  EXPECT_EQ(mode.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(mode.message().find("economy"), absl::string_view::npos);
  EXPECT_EQ(modes_->SetMode("auto", "rr").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(calls_, IsEmpty());
}

TEST_F(ModeControllerTest, CpusThatGoTakeTheOtherThreadsElsewhereInEveryMode) {
  Start("balanced");
  ASSERT_TRUE(modes_->SetCpus({0, 1}, 1).ok());
  EXPECT_THAT(moved_to_, ElementsAre(0, 1));
  EXPECT_EQ(Described().other_cpus, "0-1");
  ASSERT_TRUE(modes_->SetMode("latency", "").ok());
  EXPECT_THAT(moved_to_, ElementsAre(0));
  // The loop goes to 0: the others leave it before.
  calls_.clear();
  ASSERT_TRUE(modes_->SetCpus({0, 3}, 0).ok());
  EXPECT_THAT(calls_, ElementsAre("move to 1", "latency"));
  EXPECT_THAT(moved_to_, ElementsAre(3));
}

TEST_F(ModeControllerTest, UnderAutoAModeThatWantsMoreCpusThanAreLeftGivesWay) {
  Start("auto");
  facts_.usable_cpus = 1;
  ASSERT_TRUE(modes_->SetCpus({0}, 0).ok());
  EXPECT_EQ(modes_->policy(), &kBalancedPolicy);
  EXPECT_THAT(calls_, ElementsAre("balanced", "move to 1"));
  facts_.usable_cpus = 4;
  ASSERT_TRUE(modes_->SetCpus({0, 1, 2, 3}, 2).ok());
  EXPECT_EQ(modes_->policy(), &kLatencyPolicy);
  EXPECT_THAT(moved_to_, ElementsAre(0, 1, 3));
}

TEST_F(ModeControllerTest, WithOneCpuTheOthersStayWhereTheLoopIs) {
  Start("latency", "other", {2});
  EXPECT_THAT(modes_->other_cpus(), ElementsAre(2));
}

}  // namespace
}  // namespace hftmon
