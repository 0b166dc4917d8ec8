#include "daemon/numa/bandwidth_events.h"

#include <gmock/gmock.h>

#include <map>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr ProcessorModel kZen3{.vendor = ProcessorVendor::kAmd, .family = 0x19, .model = 0x1};
constexpr ProcessorModel kZen4{.vendor = ProcessorVendor::kAmd, .family = 0x19, .model = 0x11};
constexpr ProcessorModel kZen5{.vendor = ProcessorVendor::kAmd, .family = 0x1a, .model = 0x2};

class BandwidthEventsTest : public ::testing::Test {
 protected:
  void Pmu(const std::string& name, const char* type, const char* cpumask) {
    Write(name, "type", type);
    if (*cpumask != '\0') Write(name, "cpumask", cpumask);
  }
  void Write(const std::string& pmu, const std::string& file, std::string_view text) {
    tree_.Write("/sys/bus/event_source/devices/" + pmu + "/" + file, text);
  }
  // As drivers/perf and arch/x86/events/intel/uncore_snbep.c write it.
  void Imc(const std::string& name, const char* type) {
    Pmu(name, type, "0,16\n");
    Write(name, "format/event", "config:0-7\n");
    Write(name, "format/umask", "config:8-15\n");
    Write(name, "events/clockticks", "event=0xff,umask=0x00\n");
    Write(name, "events/cas_count_read", "event=0x04,umask=0x03\n");
    Write(name, "events/cas_count_read.scale", "6.103515625e-5\n");
    Write(name, "events/cas_count_read.unit", "MiB\n");
    Write(name, "events/cas_count_write", "event=0x04,umask=0x0c\n");
    Write(name, "events/cas_count_write.scale", "6.103515625e-5\n");
    Write(name, "events/cas_count_write.unit", "MiB\n");
  }
  // Since Zen 4 event and umask are wider.
  void Fabric(bool wide) {
    Pmu("amd_df", "11\n", "0\n");
    Write("amd_df", "format/event", wide ? "config:0-7,32-37\n" : "config:0-7,32-35,59-60\n");
    Write("amd_df", "format/umask", wide ? "config:8-15,24-27\n" : "config:8-15\n");
  }
  BandwidthEvents Find(const std::optional<ProcessorModel>& model = std::nullopt) {
    return FindBandwidthEvents(tree_.root(), PmuList::Read(tree_.root()), model);
  }
  static std::map<TrafficKind, int> KindsOf(const BandwidthEvents& found) {
    std::map<TrafficKind, int> kinds;
    for (const BandwidthEvent& event : found.events) ++kinds[event.kind];
    return kinds;
  }

  FixtureTree tree_;
};

TEST_F(BandwidthEventsTest, ControllersOfIntelServersTellReadsAndWritesByTheKernelsScale) {
  Imc("uncore_imc_0", "20\n");
  Imc("uncore_imc_1", "21\n");
  const BandwidthEvents found = Find();
  ASSERT_EQ(found.events.size(), 4u);
  const BandwidthEvent& read = found.events[0];
  EXPECT_EQ(read.source, "uncore_imc");
  EXPECT_EQ(read.kind, TrafficKind::kRead);
  EXPECT_EQ(read.encoding.name, "uncore_imc_0/cas_count_read/");
  EXPECT_EQ(read.encoding.type, 20u);
  EXPECT_EQ(read.encoding.config, 0x0304u);
  EXPECT_THAT(read.encoding.cpus, ElementsAre(0, 16));
  EXPECT_DOUBLE_EQ(read.bytes, 64);
  EXPECT_EQ(found.events[1].kind, TrafficKind::kWrite);
  EXPECT_EQ(found.events[3].encoding.config, 0x0c04u);
  EXPECT_THAT(found.reasons, IsEmpty());
}

TEST_F(BandwidthEventsTest, SubChannelsAreSummedAndFreeRunningCountersAreNotCountedTwice) {
  Imc("uncore_imc_0", "20\n");
  for (const char* event : {"cas_count_read_sch0", "cas_count_read_sch1"})
    Write("uncore_imc_1", std::string("events/") + event, "event=0x5\n");
  Pmu("uncore_imc_1", "21\n", "0\n");
  Write("uncore_imc_1", "format/event", "config:0-7\n");
  Pmu("uncore_imc_free_running_0", "30\n", "0\n");
  Write("uncore_imc_free_running_0", "events/read", "event=0xff,umask=0x20\n");
  EXPECT_EQ(KindsOf(Find()), (std::map<TrafficKind, int>{{TrafficKind::kRead, 3}, {TrafficKind::kWrite, 1}}));
}

TEST_F(BandwidthEventsTest, AControllerWithoutItsEventsOrCpumaskSaysSo) {
  Pmu("uncore_imc_0", "20\n", "0\n");
  Imc("uncore_imc_1", "21\n");
  std::filesystem::remove(tree_.path() + "/sys/bus/event_source/devices/uncore_imc_1/cpumask");
  const BandwidthEvents found = Find();
  EXPECT_THAT(found.events, IsEmpty());
  ASSERT_EQ(found.reasons.size(), 3u);
  EXPECT_THAT(found.reasons[0], HasSubstr("lists none of cas_count_read"));
  EXPECT_THAT(found.reasons[1], HasSubstr("uncore_imc_1: the kernel does not tell on which CPUs"));
  EXPECT_TRUE(found.incomplete.contains("uncore_imc")) << "a sum of the other controllers is low";
}

TEST_F(BandwidthEventsTest, OldFabricsTellChannelsInOneAndLinksOut) {
  Fabric(false);
  const BandwidthEvents found = Find(kZen3);
  EXPECT_EQ(KindsOf(found), (std::map<TrafficKind, int>{{TrafficKind::kBoth, 8}, {TrafficKind::kLink, 4}}));
  EXPECT_EQ(found.events[1].link, 1);
  EXPECT_EQ(found.events[1].bytes, 32);
  // Event 0x807: its low byte in bits 0-7, the rest from bit 32 on.
  EXPECT_EQ(found.events[1].encoding.config, (uint64_t{0x8} << 32) | 0x0207u);
  EXPECT_EQ(found.events[4].encoding.config, 0x3807u);
}

TEST_F(BandwidthEventsTest, NewFabricsTellBothWaysUnlessTheControllersDo) {
  Fabric(true);
  for (const ProcessorModel& model : {kZen4, kZen5}) {
    const BandwidthEvents found = Find(model);
    EXPECT_EQ(KindsOf(found), (std::map<TrafficKind, int>{{TrafficKind::kRead, 12}, {TrafficKind::kWrite, 12}}));
    // Channel 4 is event 0x11f, umask 0xffe: as perf encodes local_or_remote_socket_read_data_beats_dram_4.
    EXPECT_EQ(found.events[8].encoding.config, (uint64_t{1} << 32) | 0x0f00fe1fu);
  }
  Pmu("amd_umc_0", "40\n", "0\n");
  Write("amd_umc_0", "format/event", "config:0-7\n");
  Write("amd_umc_0", "format/rdwrmask", "config:8-9\n");
  const BandwidthEvents found = Find(kZen4);
  ASSERT_EQ(found.events.size(), 2u);
  EXPECT_EQ(found.events[0].source, "amd_umc");
  EXPECT_EQ(found.events[0].encoding.config, 0x010au);
  EXPECT_EQ(found.events[1].encoding.config, 0x020au);
}

TEST_F(BandwidthEventsTest, AFabricOfAnUnknownProcessorGivesNothing) {
  Fabric(false);
  const BandwidthEvents found = Find();
  EXPECT_THAT(found.events, IsEmpty());
  EXPECT_THAT(found.reasons[0], HasSubstr("amd_df: which processor this is is not known"));
}

TEST_F(BandwidthEventsTest, LinksOfIntelAndMeshesOfArm) {
  Pmu("uncore_upi_2", "50\n", "0,16\n");
  Write("uncore_upi_2", "format/event", "config:0-7\n");
  Write("uncore_upi_2", "format/umask", "config:8-15\n");
  Pmu("arm_cmn_0", "60\n", "0\n");
  Write("arm_cmn_0", "format/type", "config:0-15\n");
  Write("arm_cmn_0", "format/eventid", "config:16-26\n");
  Write("arm_cmn_0", "events/hnf_mc_reqs", "type=0x5,eventid=0xd\n");
  const BandwidthEvents found = Find();
  ASSERT_EQ(found.events.size(), 2u);
  EXPECT_EQ(found.events[0].kind, TrafficKind::kBoth);
  EXPECT_EQ(found.events[0].encoding.config, 0xd0005u);
  EXPECT_EQ(found.events[1].kind, TrafficKind::kLink);
  EXPECT_EQ(found.events[1].link, 2);
  EXPECT_EQ(found.events[1].encoding.config, 0x0f02u);
  EXPECT_NEAR(found.events[1].bytes * 9, 64, 1e-9);
}

TEST_F(BandwidthEventsTest, WhatTheHostHasInsteadIsNamed) {
  Pmu("software", "1\n", "");
  Pmu("msr", "9\n", "");
  const BandwidthEvents found = Find();
  EXPECT_THAT(found.events, IsEmpty());
  EXPECT_EQ(found.others, "msr, software");
}

}  // namespace
}  // namespace hftmon
