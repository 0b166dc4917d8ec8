#include "daemon/collectors/demand_program.h"

#include <gtest/gtest.h>

#include "daemon/collectors/quiet_gate.h"

namespace hftmon {
namespace {

class DemandProgramTest : public ::testing::Test {
 protected:
  absl::Status Change(int* count) {
    absl::Status admitted = gate_.Admit("the change");
    if (admitted.ok()) ++*count;
    return admitted;
  }
  void Settle(int turns) {
    for (int i = 0; i < turns; ++i) program_.Settle();
  }

  QuietGate gate_;
  int attached_ = 0;
  int detached_ = 0;
  DemandProgram program_{[this] { return Change(&attached_); }, [this] { return Change(&detached_); }};
};

TEST_F(DemandProgramTest, ItIsAttachedOnceWhoeverAsksAndNeverUnasked) {
  Settle(10);
  EXPECT_FALSE(program_.attached());
  EXPECT_EQ(attached_, 0);
  ASSERT_TRUE(program_.Attach().ok());
  ASSERT_TRUE(program_.Attach().ok());
  Settle(10);
  EXPECT_TRUE(program_.attached());
  EXPECT_EQ(attached_, 1);
  EXPECT_EQ(detached_, 0);
}

TEST_F(DemandProgramTest, ItIsDetachedSomeTurnsAfterTheLastWish) {
  ASSERT_TRUE(program_.Attach().ok());
  program_.Want(false);
  Settle(DemandProgram::kPatienceTurns - 1);
  EXPECT_TRUE(program_.attached());
  program_.Want(true);
  Settle(1);
  program_.Want(false);
  Settle(DemandProgram::kPatienceTurns - 1);
  EXPECT_TRUE(program_.attached()) << "its patience begins anew with each wish";
  Settle(1);
  EXPECT_FALSE(program_.attached());
  EXPECT_EQ(detached_, 1);
}

TEST_F(DemandProgramTest, QuietModeRefusesToAttachAndPutsDetachingOff) {
  gate_.Close(true);
  const absl::Status refused = program_.Attach();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  Settle(10);
  EXPECT_FALSE(program_.attached()) << "who was refused wishes for nothing";
  gate_.Close(false);
  ASSERT_TRUE(program_.Attach().ok());
  gate_.Close(true);
  EXPECT_TRUE(program_.Attach().ok()) << "it runs already: nothing is disturbed";
  program_.Want(false);
  Settle(10);
  EXPECT_TRUE(program_.attached());
  gate_.Close(false);
  Settle(DemandProgram::kPatienceTurns);
  EXPECT_FALSE(program_.attached());
}

TEST_F(DemandProgramTest, AWishThatCameInQuietModeIsGrantedAfterIt) {
  gate_.Close(true);
  program_.Want(true);
  Settle(1);
  EXPECT_FALSE(program_.attached());
  gate_.Close(false);
  Settle(1);
  EXPECT_TRUE(program_.attached());
}

}  // namespace
}  // namespace hftmon
