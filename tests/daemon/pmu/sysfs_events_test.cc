#include "daemon/pmu/sysfs_events.h"

#include <gmock/gmock.h>

#include "tests/daemon/pmu/pmu_trees.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

class SysfsEventsTest : public ::testing::Test {
 protected:
  SysfsEventsTest() {
    WriteIntelServer(host_);
    WritePmu(host_, "odd",
             {{"type", "20"},
              {"format/domain", "config:0-3"},
              {"events/asks", "domain=?"},
              {"events/strange", "event=0x1;event=0x2"},
              {"events/wide", "domain=0x10"},
              {"events/lost", "place=1"}});
    list_ = PmuList::Read(host_.root());
  }
  const Pmu& Of(std::string_view name) const { return *list_.Find(name); }
  EventEncoding Encoded(std::string_view pmu, std::string_view terms) const {
    const auto encoding = EncodePmuTerms(Of(pmu), terms);
    EXPECT_TRUE(encoding.ok()) << terms << ": " << encoding.status();
    return encoding.value_or(EventEncoding());
  }
  absl::Status Refused(std::string_view pmu, std::string_view terms) const { return EncodePmuTerms(Of(pmu), terms).status(); }

  const FixtureTree host_;
  PmuList list_;
};

TEST_F(SysfsEventsTest, ANamedEventIsTheKernelsOwnText) {
  EXPECT_EQ(Encoded("cpu", "mem-loads"), (EventEncoding{.pmu = "cpu", .type = 4, .config = 0x1cd, .config1 = 3}));
}

TEST_F(SysfsEventsTest, AValueGivenOverridesTheNamedEventsWhereverItStands) {
  EXPECT_EQ(Encoded("cpu", "mem-loads,ldlat=30").config1, 30u);
  EXPECT_EQ(Encoded("cpu", "ldlat=30,mem-loads").config1, 30u);
  EXPECT_FALSE(Encoded("cpu", "mem-loads,ldlat=30").number_unchecked);
  EXPECT_TRUE(Encoded("cpu", "mem-loads,umask=2").number_unchecked);
  EXPECT_EQ(Encoded("cpu", "mem-loads,umask=2").config, 0x2cdu);
}

TEST_F(SysfsEventsTest, NumbersGoToTheirBits) {
  const EventEncoding encoding = Encoded("cpu", "event=0xa3,umask=4,cmask=4,inv,any=0");
  EXPECT_EQ(encoding.config, 0x48004a3u);
  EXPECT_TRUE(encoding.number_unchecked);
  EXPECT_EQ(Encoded("cpu", "config=0x1cd,config1=30").config1, 30u);
}

TEST_F(SysfsEventsTest, AnUncoreEventIsOpenedOnItsCpus) {
  const EventEncoding encoding = Encoded("uncore_imc_0", "cas_count_read");
  EXPECT_EQ(encoding.config, 0x304u);
  EXPECT_FALSE(encoding.per_thread);
  EXPECT_EQ(encoding.cpus, (std::vector<int>{0, 16}));
}

TEST_F(SysfsEventsTest, AnUnknownNameListsNearOnes) {
  const absl::Status status = Refused("cpu", "mem-lads");
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(), HasSubstr("PMU cpu has no event or field 'mem-lads': near are mem-loads"));
  EXPECT_TRUE(absl::IsNotFound(Refused("cpu", "evnt=1")));
}

TEST_F(SysfsEventsTest, WhatDoesNotFitIsRefused) {
  EXPECT_THAT(Refused("cpu", "event=0x100").message(), HasSubstr("event=0x100 does not fit the 8 bits of PMU cpu: 0xff at most"));
  for (const char* terms : {"", "event", "mem-loads,mem-stores", "ldlat=1,offcore_rsp=2", "config=1,event=2", "inv=2", "event=?"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Refused("cpu", terms))) << terms;
  }
}

TEST_F(SysfsEventsTest, AValueThatTheEventAsksForMustBeGiven) {
  EXPECT_THAT(Refused("odd", "asks").message(), HasSubstr("domain=NUMBER"));
  EXPECT_EQ(Encoded("odd", "asks,domain=5").config, 5u);
}

TEST_F(SysfsEventsTest, ATextOfTheKernelsThatIsNotUnderstoodIsNotGuessedAt) {
  EXPECT_TRUE(absl::IsFailedPrecondition(Refused("odd", "strange")));
  EXPECT_TRUE(absl::IsFailedPrecondition(Refused("odd", "lost")));
  EXPECT_TRUE(absl::IsInvalidArgument(Refused("odd", "wide")));
}

}  // namespace
}  // namespace hftmon
