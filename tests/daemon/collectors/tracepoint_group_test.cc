#include "daemon/collectors/tracepoint_group.h"

#include <gmock/gmock.h>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr TracepointGroup::Program kPrograms[] = {{"on_contention_end", &hft_cpu::contention_end_count},
                                                  {"on_contention_begin", &hft_cpu::contention_begin_count}};

class TracepointGroupTest : public ::testing::Test {
 protected:
  TracepointGroup::Parts Parts() {
    return {.admit = [this](const std::string&) { return quiet_ ? absl::FailedPreconditionError("quiet") : absl::OkStatus(); },
            .attach = [this](const std::string& program) -> absl::StatusOr<TracepointGroup::Attachment> {
              if (program == broken_) return absl::InternalError("broken");
              attached_.push_back(program);
              return TracepointGroup::Attachment(this, [this, program](void*) {
                detached_.push_back(program);
                std::erase(attached_, program);
              });
            }};
  }
  void SettleUntilPatienceEnds() {
    for (int i = 0; i < DemandProgram::kPatienceTurns; ++i) group_.demand().Settle();
  }

  bool quiet_ = false;
  std::string broken_;
  std::vector<std::string> attached_;
  std::vector<std::string> detached_;
  TracepointGroup group_{"kernel_locks", kPrograms, Parts()};
};

TEST_F(TracepointGroupTest, TheyAreAttachedInTheirOrderAndDetachedInTheOther) {
  ASSERT_TRUE(group_.demand().Attach().ok());
  EXPECT_THAT(attached_, ElementsAre("on_contention_end", "on_contention_begin"));
  EXPECT_TRUE(group_.attached());
  group_.demand().Want(false);
  SettleUntilPatienceEnds();
  EXPECT_THAT(detached_, ElementsAre("on_contention_begin", "on_contention_end"));
  EXPECT_FALSE(group_.attached());
}

TEST_F(TracepointGroupTest, WhereOneCannotBeAttachedNoneStays) {
  broken_ = "on_contention_begin";
  EXPECT_EQ(group_.demand().Attach(), absl::InternalError("broken"));
  EXPECT_THAT(attached_, IsEmpty());
  broken_.clear();
  EXPECT_TRUE(group_.demand().Attach().ok());
  EXPECT_EQ(attached_.size(), 2u);
}

TEST_F(TracepointGroupTest, QuietModeRefusesAttachingAndPutsOffDetaching) {
  quiet_ = true;
  EXPECT_FALSE(group_.demand().Attach().ok());
  EXPECT_THAT(attached_, IsEmpty());
  quiet_ = false;
  ASSERT_TRUE(group_.demand().Attach().ok());
  quiet_ = true;
  group_.demand().Want(false);
  SettleUntilPatienceEnds();
  EXPECT_EQ(attached_.size(), 2u);
  quiet_ = false;
  SettleUntilPatienceEnds();
  EXPECT_THAT(attached_, IsEmpty());
}

TEST_F(TracepointGroupTest, WhatThisHostCannotHaveIsRefusedWithTheReason) {
  group_.Refuse("this kernel has no tp_btf/contention_begin");
  const absl::Status status = group_.demand().Attach();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"kernel_locks\" is not available on this host: this kernel has no"));
  EXPECT_THAT(attached_, IsEmpty());
}

TEST_F(TracepointGroupTest, RunsAreSummedOverCpus) {
  std::vector<hft_cpu> cpus(2);
  cpus[0].contention_end_count = 3;
  cpus[1].contention_end_count = 4;
  cpus[1].contention_begin_count = 9;
  EXPECT_EQ(group_.RunCount("on_contention_end", cpus), 7u);
  EXPECT_EQ(group_.RunCount("on_contention_begin", cpus), 9u);
  EXPECT_EQ(group_.RunCount("on_switch", cpus), 0u);
  EXPECT_TRUE(group_.IsOne("on_contention_end"));
  EXPECT_FALSE(group_.IsOne("on_switch"));
}

}  // namespace
}  // namespace hftmon
