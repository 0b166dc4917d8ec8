#include "daemon/cpu_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A host with CPUs 0 to 3, 2 and 3 isolated, the loop on 1. Where the loop's thread is, is what the kernel made of it.
class CpuFollowerTest : public ::testing::Test {
 protected:
  CpuFollowerTest() {
    SetOnline("0-3");
    CpuFollower::Parts parts;
    parts.files = tree_.root();
    parts.choose = [this]() -> absl::StatusOr<Placement> {
      ++choices_;
      if (choice_error_) return *choice_error_;
      return choice_;
    };
    parts.loop_is_on = [this](int cpu) { return loop_on_ == cpu; };
    parts.move_all = [this](const Placement& to) {
      if (!move_error_.ok()) return move_error_;
      moves_.push_back(to.loop_cpu);
      loop_on_ = to.loop_cpu;
      return absl::OkStatus();
    };
    follower_.emplace(std::move(parts), choice_);
  }
  void SetOnline(const std::string& list) { tree_.Write("/sys/devices/system/cpu/online", list + "\n"); }
  // As the kernel does it: a thread whose only CPU goes may run anywhere from then on.
  void TakeAwayTheLoopsCpu() {
    SetOnline("0,2-3");
    loop_on_ = std::nullopt;
    choice_ = Placed(0, {0});
  }
  void GiveItBack() {
    SetOnline("0-3");
    choice_ = Placed(1, {0, 1});
  }
  static Placement Placed(int loop_cpu, std::vector<int> usable) {
    return {.loop_cpu = loop_cpu, .reason = "not isolated", .usable_cpus = std::move(usable), .facts = {}};
  }

  FixtureTree tree_;
  Placement choice_ = Placed(1, {0, 1});
  std::optional<absl::Status> choice_error_;
  absl::Status move_error_;
  std::optional<int> loop_on_ = 1;
  int choices_ = 0;
  std::vector<int> moves_;
  std::optional<CpuFollower> follower_;
};

TEST_F(CpuFollowerTest, WhileNothingChangesNothingIsChosenOrMoved) {
  for (int i = 0; i < 50; ++i) follower_->Look();
  EXPECT_EQ(choices_, 0);
  EXPECT_THAT(moves_, IsEmpty());
  EXPECT_EQ(follower_->placement().reason, "not isolated");
}

TEST_F(CpuFollowerTest, TheLoopLeavesACpuThatGoesOfflineAndReturnsWithIt) {
  TakeAwayTheLoopsCpu();
  follower_->Look();
  EXPECT_THAT(moves_, ElementsAre(0));
  EXPECT_EQ(follower_->placement().loop_cpu, 0);
  EXPECT_EQ(follower_->placement().reason, "CPU 1, where it was, is offline; not isolated");
  follower_->Look();
  EXPECT_EQ(choices_, 1);
  GiveItBack();
  follower_->Look();
  EXPECT_THAT(moves_, ElementsAre(0, 1));
  EXPECT_EQ(follower_->placement().reason, "not isolated");
  EXPECT_EQ(follower_->move_count(), 2u);
}

TEST_F(CpuFollowerTest, ACpuThatCameBackBetweenTwoLooksHasTheLoopAgain) {
  loop_on_ = std::nullopt;
  follower_->Look();
  EXPECT_THAT(moves_, ElementsAre(1));
  EXPECT_EQ(follower_->move_count(), 1u);
  EXPECT_THAT(follower_->placement().reason, HasSubstr("affinity was changed from outside")) << "nothing is undone silently";
}

TEST_F(CpuFollowerTest, AnotherCpuThatGoesOnlyMovesTheOtherThreads) {
  SetOnline("0-2");
  follower_->Look();
  EXPECT_THAT(moves_, ElementsAre(1));
  EXPECT_EQ(follower_->move_count(), 0u);
}

TEST_F(CpuFollowerTest, WithoutAnyFitCpuItStaysAndSaysWhy) {
  TakeAwayTheLoopsCpu();
  choice_error_ = absl::FailedPreconditionError("no CPU for the housekeeping thread");
  follower_->Look();
  EXPECT_THAT(moves_, IsEmpty());
  EXPECT_THAT(follower_->placement().reason, HasSubstr("no CPU for the housekeeping thread"));
  // Choosing reads the whole topology: not at every look.
  for (int i = 0; i < CpuFollower::kLooksUntilRetry; ++i) follower_->Look();
  EXPECT_EQ(choices_, 1);
  choice_error_.reset();
  follower_->Look();
  EXPECT_THAT(moves_, ElementsAre(0));
}

TEST_F(CpuFollowerTest, AMoveThatFailsIsSaidAndTriedAgain) {
  TakeAwayTheLoopsCpu();
  move_error_ = absl::InvalidArgumentError("the cpuset has no CPU 0");
  follower_->Look();
  EXPECT_THAT(follower_->placement().reason, HasSubstr("the cpuset has no CPU 0"));
  EXPECT_EQ(follower_->move_count(), 0u);
  move_error_ = absl::OkStatus();
  for (int i = 0; i <= CpuFollower::kLooksUntilRetry; ++i) follower_->Look();
  EXPECT_THAT(moves_, ElementsAre(0));
  EXPECT_EQ(follower_->move_count(), 1u);
}

TEST_F(CpuFollowerTest, OtherThreadsThatCannotBeMovedAreTriedAgainThoughTheLoopIsWhereItBelongs) {
  SetOnline("0-2");
  move_error_ = absl::FailedPreconditionError("the cpuset has no CPU 0");
  follower_->Look();
  move_error_ = absl::OkStatus();
  for (int i = 0; i <= CpuFollower::kLooksUntilRetry; ++i) follower_->Look();
  EXPECT_THAT(moves_, ElementsAre(1));
  EXPECT_EQ(follower_->placement().reason, "not isolated");
}

TEST_F(CpuFollowerTest, AChangeOfCpusIsFollowedAtOnceEvenAfterAFailure) {
  TakeAwayTheLoopsCpu();
  move_error_ = absl::InvalidArgumentError("the cpuset has no CPU 0");
  follower_->Look();
  move_error_ = absl::OkStatus();
  GiveItBack();
  follower_->Look();
  EXPECT_THAT(moves_, ElementsAre(1));
}

}  // namespace
}  // namespace hftmon
