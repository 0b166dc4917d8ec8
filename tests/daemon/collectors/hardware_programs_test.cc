#include "daemon/collectors/hardware_programs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <set>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HardwareProgramsTest : public ::testing::Test {
 protected:
  HardwarePrograms::Parts Parts() {
    return {.admit = [this](const std::string&) { return quiet_ ? absl::FailedPreconditionError("quiet") : absl::OkStatus(); },
            .online = [this] { return online_; },
            .open_event = [this](const std::string& event, int cpu) -> absl::StatusOr<int> {
              if (event == refused_) return absl::PermissionDeniedError("not you");
              if (cpu == offline_) return absl::NotFoundError("offline");
              ++opened_;
              return open("/dev/null", O_RDONLY | O_CLOEXEC);
            },
            .put_event = [this](uint32_t place, int fd) -> absl::Status {
              if (fd >= 0) close(fd);
              if (fd >= 0) {
                EXPECT_TRUE(places_.insert(place).second) << place;
              } else {
                EXPECT_EQ(places_.erase(place), 1u) << place;
                EXPECT_THAT(attached_, IsEmpty()) << "a program may still read it";
              }
              return absl::OkStatus();
            },
            .attach = [this](const std::string& program) -> absl::StatusOr<HardwarePrograms::Attachment> {
              if (program == broken_) return absl::InternalError("broken");
              attached_.insert(program);
              return HardwarePrograms::Attachment(this, [this, program](void*) { attached_.erase(program); });
            },
            .cpus = [this]() -> std::span<hft_cpu_hardware> { return cpus_; }};
  }
  void SettleUntilPatienceEnds() {
    programs_.demand().Want(false);
    for (int i = 0; i < DemandProgram::kPatienceTurns; ++i) programs_.demand().Settle();
  }
  void TakeReading(size_t cpu, uint32_t known) {
    hft_hardware_reading& reading = cpus_[cpu].readings[cpus_[cpu].position++ % HFT_HARDWARE_READINGS];
    reading = {.sequence = static_cast<uint32_t>(cpus_[cpu].position), .known = known};
  }

  bool quiet_ = false;
  std::string broken_;
  std::string refused_;
  int offline_ = -1;
  absl::StatusOr<std::vector<int>> online_ = std::vector<int>{0, 1};
  std::vector<hft_cpu_hardware> cpus_{4};
  std::set<uint32_t> places_;
  std::set<std::string> attached_;
  int opened_ = 0;
  HardwarePrograms programs_{Parts()};
};

TEST_F(HardwareProgramsTest, EachCpuHasItsCountersAndAllGoWithTheProgramsAndEachIsCounted) {
  programs_.LeaveOut("smi", "no smi");
  programs_.LeaveOut("on_machine_check", "no machine checks");
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_THAT(places_, ElementsAre(0, 1, 2, 4, 5, 6));
  EXPECT_THAT(attached_, ElementsAre("on_frequency", "on_hardware_tick", "on_idle"));
  EXPECT_EQ(programs_.cross_call_count(), 6u);
  EXPECT_EQ(programs_.WhyNot("smi"), "no smi");
  EXPECT_EQ(programs_.WhyNot("on_machine_check"), "no machine checks");
  EXPECT_THAT(programs_.WhyNot("tsc"), IsEmpty());
  SettleUntilPatienceEnds();
  EXPECT_THAT(places_, IsEmpty());
  EXPECT_THAT(attached_, IsEmpty());
  EXPECT_EQ(programs_.cross_call_count(), 12u) << "closing interrupts too";
}

TEST_F(HardwareProgramsTest, ACounterThatIsRefusedLeavesTheRest) {
  refused_ = "aperf";
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_THAT(places_, ElementsAre(0, 2, 3, 4, 6, 7));
  EXPECT_THAT(programs_.WhyNot("aperf"), HasSubstr("not you"));
  SettleUntilPatienceEnds();
  refused_.clear();
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_THAT(programs_.WhyNot("aperf"), IsEmpty()) << "of the last attaching";
}

TEST_F(HardwareProgramsTest, AProgramThatCannotBeAttachedTakesAllAway) {
  broken_ = "on_idle";
  EXPECT_FALSE(programs_.demand().Attach().ok());
  EXPECT_THAT(places_, IsEmpty());
  EXPECT_THAT(attached_, IsEmpty());
}

TEST_F(HardwareProgramsTest, InQuietModeNothingIsOpenedOrClosed) {
  quiet_ = true;
  EXPECT_FALSE(programs_.demand().Attach().ok());
  EXPECT_EQ(opened_, 0);
  quiet_ = false;
  ASSERT_TRUE(programs_.demand().Attach().ok());
  quiet_ = true;
  online_ = std::vector<int>{0};
  programs_.FollowCpus();
  SettleUntilPatienceEnds();
  EXPECT_EQ(places_.size(), 8u);
}

TEST_F(HardwareProgramsTest, ACpuThatComesGetsItsCountersAndOneThatGoesLosesThem) {
  ASSERT_TRUE(programs_.demand().Attach().ok());
  attached_.clear();  // closing for one CPU does not wait for the programs
  online_ = std::vector<int>{1, 3};
  programs_.FollowCpus();
  EXPECT_THAT(places_, ElementsAre(4, 5, 6, 7, 12, 13, 14, 15));
}

TEST_F(HardwareProgramsTest, CountersThatDiedBetweenTwoLooksAreKnownByAReadingWithoutThem) {
  ASSERT_TRUE(programs_.demand().Attach().ok());
  attached_.clear();
  const int opened = opened_;
  TakeReading(0, 0xf);
  TakeReading(1, 0x3);
  programs_.FollowCpus();
  EXPECT_EQ(opened_, opened + 4) << "of CPU 1";
  programs_.FollowCpus();
  EXPECT_EQ(opened_, opened + 4) << "no new reading says anything";
}

TEST_F(HardwareProgramsTest, WhatWasReadBeforeIsForgottenAndRunCountsStay) {
  cpus_[0].tick_count = 5;
  cpus_[1].tick_count = 6;
  TakeReading(0, 0xf);
  cpus_[0].idle[2] = {.count = 3, .duration_ns = 4, .longest_ns = 2};
  cpus_[0].frequency_change_count = 9;
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_EQ(cpus_[0].position, 0u);
  EXPECT_EQ(cpus_[0].readings[0].sequence, 0u);
  EXPECT_EQ(cpus_[0].idle[2].count, 0u);
  EXPECT_EQ(cpus_[0].frequency_change_count, 0u);
  EXPECT_EQ(HardwarePrograms::RunCount("on_hardware_tick", cpus_), 11u);
  EXPECT_EQ(HardwarePrograms::RunCount("on_switch", cpus_), 0u);
  EXPECT_TRUE(HardwarePrograms::IsOne("on_idle"));
  EXPECT_FALSE(HardwarePrograms::IsOne("on_switch"));
}

}  // namespace
}  // namespace hftmon
