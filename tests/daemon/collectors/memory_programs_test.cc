#include "daemon/collectors/memory_programs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

class MemoryProgramsTest : public ::testing::Test {
 protected:
  MemoryPrograms::Attachment Note(const std::string& what) {
    ++attached_[what];
    attach_order_.push_back(what);
    return MemoryPrograms::Attachment(this, [this, what](void*) {
      if (--attached_[what] == 0) attached_.erase(what);
    });
  }
  MemoryPrograms::Parts Parts() {
    return {.admit = [this](const std::string&) { return quiet_ ? absl::FailedPreconditionError("quiet") : absl::OkStatus(); },
            .online = [this] { return online_; },
            .open_event = [this](FaultEvent, int cpu) -> absl::StatusOr<int> {
              ++opened_;
              if (const auto refused = refused_.find(cpu); refused != refused_.end()) return refused->second;
              return open("/dev/null", O_RDONLY | O_CLOEXEC);
            },
            .attach = [this](const std::string& program) -> absl::StatusOr<MemoryPrograms::Attachment> {
              if (program == broken_) return absl::InternalError("broken");
              return Note(program);
            },
            .attach_to_event = [this](const std::string& program, int fd) -> absl::StatusOr<MemoryPrograms::Attachment> {
              close(fd);
              return Note(program);
            },
            .cpus = [this]() -> std::span<const hft_cpu> { return cpus_; }};
  }
  void SettleUntilPatienceEnds() {
    for (int i = 0; i < DemandProgram::kPatienceTurns; ++i) {
      programs_.demand().Settle();
      programs_.FollowCpus();
    }
  }
  int Events() { return attached_["on_minor_fault"] + attached_["on_major_fault"]; }

  bool quiet_ = false;
  std::string broken_;
  absl::StatusOr<std::vector<int>> online_ = std::vector<int>{0, 1};
  std::map<int, absl::Status> refused_;
  std::vector<hft_cpu> cpus_{4};
  std::map<std::string, int> attached_;
  std::vector<std::string> attach_order_;
  int opened_ = 0;
  MemoryPrograms programs_{Parts()};
};

TEST_F(MemoryProgramsTest, EndsOfEveryCpuAreAttachedBeforeBeginningsAndAllGoTogether) {
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_EQ(attached_, (std::map<std::string, int>{{"on_minor_fault", 2},
                                                   {"on_major_fault", 2},
                                                   {"on_tlb_flush", 1},
                                                   {"on_user_fault", 1},
                                                   {"on_kernel_fault", 1},
                                                   {"on_reclaim_end", 1},
                                                   {"on_group_reclaim_end", 1},
                                                   {"on_compaction_end", 1},
                                                   {"on_migration_end", 1},
                                                   {"on_cross_call_entry", 1},
                                                   {"on_reclaim_begin", 1},
                                                   {"on_group_reclaim_begin", 1},
                                                   {"on_compaction_begin", 1},
                                                   {"on_migration_begin", 1},
                                                   {"on_cross_call", 1},
                                                   {"on_collapse", 1}}));
  const auto place = [this](const std::string& name) { return std::find(attach_order_.begin(), attach_order_.end(), name); };
  EXPECT_LT(place("on_compaction_end"), place("on_compaction_begin"));
  EXPECT_LT(place("on_migration_end"), place("on_migration_begin"));
  EXPECT_LT(place("on_cross_call_entry"), place("on_cross_call"));
  EXPECT_EQ(attach_order_.front(), "on_minor_fault");
  programs_.demand().Want(false);
  SettleUntilPatienceEnds();
  EXPECT_TRUE(attached_.empty());
  EXPECT_FALSE(programs_.attached());
}

TEST_F(MemoryProgramsTest, WhatAKernelHasNotIsLeftOutAndTheRestIsAttached) {
  EXPECT_TRUE(programs_.missing().empty());
  programs_.LeaveOut("on_compaction_begin", "no tracepoint mm_compaction_begin");
  programs_.LeaveOut("on_compaction_end", "no tracepoint mm_compaction_end");
  programs_.LeaveOut("on_cross_call", "no tracepoint csd_queue_cpu");
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_FALSE(attached_.contains("on_compaction_begin"));
  EXPECT_FALSE(attached_.contains("on_compaction_end"));
  EXPECT_FALSE(attached_.contains("on_cross_call"));
  EXPECT_EQ(attached_["on_reclaim_begin"], 1);
  using Parts = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(programs_.missing(), (Parts{{"compaction", "no tracepoint mm_compaction_end"}, {"senders", "no tracepoint csd_queue_cpu"}}));
}

TEST_F(MemoryProgramsTest, InQuietModeNothingIsOpenedAttachedOrDetachedAndAfterwardsNothingIsTwice) {
  quiet_ = true;
  EXPECT_FALSE(programs_.demand().Attach().ok());
  EXPECT_EQ(opened_, 0);
  quiet_ = false;
  ASSERT_TRUE(programs_.demand().Attach().ok());
  const int opened = opened_;
  quiet_ = true;
  programs_.demand().Want(false);
  online_ = std::vector<int>{0, 1, 2};
  SettleUntilPatienceEnds();
  SettleUntilPatienceEnds();
  EXPECT_EQ(opened_, opened);
  EXPECT_EQ(Events(), 4) << "put off";
  quiet_ = false;
  ASSERT_TRUE(programs_.demand().Attach().ok());
  programs_.FollowCpus();
  EXPECT_EQ(Events(), 6) << "those of the CPU that came meanwhile, and no other twice";
}

TEST_F(MemoryProgramsTest, ACpuThatGoesAndComesBackGetsNewEvents) {
  ASSERT_TRUE(programs_.demand().Attach().ok());
  online_ = std::vector<int>{0};
  programs_.FollowCpus();
  EXPECT_EQ(Events(), 2);
  online_ = std::vector<int>{0, 1};
  programs_.FollowCpus();
  EXPECT_EQ(Events(), 4);
}

TEST_F(MemoryProgramsTest, EventsThatDiedBetweenTwoLooksAreKnownByFaultsThatDoNotEnd) {
  ASSERT_TRUE(programs_.demand().Attach().ok());
  const int opened = opened_;
  cpus_[1].user_fault_count = 5'000;
  cpus_[1].minor_fault_count = 4'990;
  programs_.FollowCpus();
  EXPECT_EQ(opened_, opened) << "they end";
  for (const uint64_t count : {5'400, 5'800}) {
    cpus_[1].user_fault_count = count;
    programs_.FollowCpus();
    EXPECT_EQ(opened_, opened) << "a few may end in signals";
  }
  cpus_[1].user_fault_count = 6'200;
  programs_.FollowCpus();
  EXPECT_EQ(opened_, opened + 2);
  EXPECT_EQ(Events(), 4);
}

TEST_F(MemoryProgramsTest, ACpuThatWentOfflineMeanwhileIsLeftOutAndOtherErrorsRefuseAll) {
  refused_[1] = absl::NotFoundError("offline");
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_EQ(Events(), 2);
  MemoryPrograms other(Parts());
  refused_[1] = absl::ResourceExhaustedError("descriptors");
  EXPECT_EQ(other.demand().Attach(), refused_[1]);
  EXPECT_EQ(Events(), 2) << "of the first";
}

TEST_F(MemoryProgramsTest, WhatFailsLeavesNothingAttached) {
  broken_ = "on_user_fault";
  EXPECT_FALSE(programs_.demand().Attach().ok());
  EXPECT_TRUE(attached_.empty());
  broken_ = "";
  EXPECT_TRUE(programs_.demand().Attach().ok());
}

TEST_F(MemoryProgramsTest, WhereEventsAreRefusedTheGroupIsNotAvailable) {
  programs_.TryEvents();
  EXPECT_EQ(programs_.refusal(), "");
  refused_[0] = absl::PermissionDeniedError("give hftmond CAP_PERFMON");
  programs_.TryEvents();
  EXPECT_THAT(programs_.refusal(), HasSubstr("CAP_PERFMON"));
  const absl::Status status = programs_.demand().Attach();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("CAP_PERFMON"));
}

TEST_F(MemoryProgramsTest, RunCountsAreSummedOverCpus) {
  cpus_[0].tlb_flush_count = 3;
  cpus_[3].tlb_flush_count = 4;
  EXPECT_EQ(MemoryPrograms::RunCount("on_tlb_flush", cpus_), 7u);
  EXPECT_EQ(MemoryPrograms::RunCount("on_switch", cpus_), 0u);
  EXPECT_TRUE(MemoryPrograms::IsOne("on_minor_fault"));
  EXPECT_FALSE(MemoryPrograms::IsOne("on_waking"));
}

}  // namespace
}  // namespace hftmon
