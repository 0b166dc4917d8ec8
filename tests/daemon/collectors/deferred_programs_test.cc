#include "daemon/collectors/deferred_programs.h"

#include <gmock/gmock.h>

#include <vector>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DeferredProgramsTest : public ::testing::Test {
 protected:
  DeferredPrograms::Parts Parts() {
    return {.admit = [this](const std::string&) { return quiet_ ? absl::FailedPreconditionError("quiet") : absl::OkStatus(); },
            .attach = [this](const std::string& program) -> absl::StatusOr<DeferredPrograms::Attachment> {
              if (program == broken_) return absl::InternalError("broken");
              order_.push_back(program);
              ++attached_count_;
              return DeferredPrograms::Attachment(this, [this](void*) { --attached_count_; });
            },
            .begin = [this] { order_.emplace_back("begin"); }};
  }
  void SettleUntilPatienceEnds() {
    for (int i = 0; i < DemandProgram::kPatienceTurns; ++i) programs_.demand().Settle();
  }

  bool quiet_ = false;
  std::string broken_;
  std::vector<std::string> order_;
  int attached_count_ = 0;
  DeferredPrograms programs_{Parts()};
};

TEST_F(DeferredProgramsTest, WhatBeganBeforeIsForgottenFirstAndEndsAreSeenBeforeBeginnings) {
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_TRUE(programs_.attached());
  EXPECT_THAT(order_,
              ElementsAre("begin", "on_softirq_end", "on_softirq_begin", "on_softirq_raise", "on_work_end", "on_work_begin",
                          "on_work_queued", "on_tasklet_end", "on_tasklet_begin", "on_thread_runs", "on_handler_end", "on_handler_begin"));
  programs_.demand().Want(false);
  SettleUntilPatienceEnds();
  EXPECT_FALSE(programs_.attached());
  EXPECT_EQ(attached_count_, 0);
}

TEST_F(DeferredProgramsTest, QuietModeRefusesAllOfThemAndPutsTheirEndOff) {
  quiet_ = true;
  EXPECT_EQ(programs_.demand().Attach(), absl::FailedPreconditionError("quiet"));
  EXPECT_THAT(order_, IsEmpty());
  quiet_ = false;
  ASSERT_TRUE(programs_.demand().Attach().ok());
  quiet_ = true;
  programs_.demand().Want(false);
  SettleUntilPatienceEnds();
  EXPECT_EQ(attached_count_, 11);
}

TEST_F(DeferredProgramsTest, WhereOneFailsNoneStays) {
  broken_ = "on_work_queued";
  EXPECT_EQ(programs_.demand().Attach(), absl::InternalError("broken"));
  EXPECT_FALSE(programs_.attached());
  EXPECT_EQ(attached_count_, 0);
}

TEST_F(DeferredProgramsTest, AMissingTracepointCostsItsPartAndIsToldOnce) {
  programs_.LeaveOut("on_tasklet_begin", "this kernel has no tracepoint tasklet_entry");
  programs_.LeaveOut("on_tasklet_end", "this kernel has no tracepoint tasklet_exit");
  EXPECT_THAT(programs_.missing(), ElementsAre("tasklets: this kernel has no tracepoint tasklet_entry"));
  EXPECT_EQ(programs_.refusal(), "");
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_EQ(attached_count_, 9);
}

TEST_F(DeferredProgramsTest, HalfAPartIsLeftOutWhole) {
  programs_.LeaveOut("on_work_end", "this kernel has no tracepoint workqueue_execute_end");
  EXPECT_TRUE(programs_.IsLeftOut("on_work_queued"));
  EXPECT_FALSE(programs_.IsLeftOut("on_softirq_raise"));
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_EQ(attached_count_, 8);
}

TEST_F(DeferredProgramsTest, WithoutAnyTheGroupIsRefusedWithTheReason) {
  for (const std::string_view name : DeferredPrograms::Names()) programs_.LeaveOut(name, "no tracepoints here");
  const absl::Status refused = programs_.demand().Attach();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("no tracepoints here"));
}

TEST_F(DeferredProgramsTest, RunsAreSummedOverCpusByProgram) {
  std::vector<hft_cpu_deferred> cpus(2);
  cpus[0].run_count[HFT_DEFERRED_SOFTIRQ_RAISE] = 3;
  cpus[1].run_count[HFT_DEFERRED_SOFTIRQ_RAISE] = 4;
  cpus[1].run_count[HFT_DEFERRED_THREAD_RUNS] = 9;
  EXPECT_EQ(DeferredPrograms::RunCount("on_softirq_raise", cpus), 7u);
  EXPECT_EQ(DeferredPrograms::RunCount("on_thread_runs", cpus), 9u);
  EXPECT_EQ(DeferredPrograms::RunCount("on_switch", cpus), 0u);
  EXPECT_TRUE(DeferredPrograms::IsOne("on_work_end"));
  EXPECT_FALSE(DeferredPrograms::IsOne("on_switch"));
}

}  // namespace
}  // namespace hftmon
