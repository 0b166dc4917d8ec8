#include "daemon/pmu/pmu_list.h"

#include <gmock/gmock.h>

#include "tests/daemon/pmu/pmu_trees.h"

namespace hftmon {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::SizeIs;

TEST(PmuListTest, AnIntelServerHasOneKindOfCore) {
  const FixtureTree host;
  WriteIntelServer(host);
  const PmuList list = PmuList::Read(host.root());
  EXPECT_THAT(list.reason, IsEmpty());
  ASSERT_THAT(list.Cores(), SizeIs(1));
  const Pmu& cpu = *list.Cores()[0];
  EXPECT_EQ(cpu.name, "cpu");
  EXPECT_EQ(cpu.type, 4u);
  EXPECT_EQ(cpu.precise_max, 3);
  EXPECT_TRUE(cpu.per_thread);
  EXPECT_THAT(cpu.cpus, IsEmpty());
  EXPECT_EQ(cpu.events.at("mem-loads"), "event=0xcd,umask=0x1,ldlat=3");
  EXPECT_EQ(list.OfType(13), list.Find("uncore_imc_0"));
  EXPECT_EQ(list.OfType(99), nullptr);
}

TEST(PmuListTest, AnUncoreUnitIsOpenedOnTheCpusOfItsMask) {
  const FixtureTree host;
  WriteIntelServer(host);
  const PmuList list = PmuList::Read(host.root());
  const Pmu* memory = list.Find("uncore_imc_0");
  ASSERT_NE(memory, nullptr);
  EXPECT_FALSE(memory->core);
  EXPECT_FALSE(memory->per_thread);
  EXPECT_THAT(memory->cpus, ElementsAre(0, 16));
  EXPECT_THAT(memory->events, Contains(Key("cas_count_read")));
  EXPECT_THAT(memory->events, Not(Contains(Key("cas_count_read.unit"))));
  EXPECT_EQ(memory->unread_count, 0u);
}

TEST(PmuListTest, HybridCoresHaveAUnitForEachKind) {
  const FixtureTree host;
  WriteHybrid(host);
  const PmuList list = PmuList::Read(host.root());
  ASSERT_THAT(list.Cores(), SizeIs(2));
  EXPECT_EQ(list.Cores()[0]->name, "cpu_atom");
  EXPECT_THAT(list.Cores()[0]->cpus, ElementsAre(16, 17, 18, 19, 20, 21, 22, 23));
  EXPECT_EQ(list.Cores()[1]->name, "cpu_core");
}

TEST(PmuListTest, ArmsSamplingUnitIsOpenedOnThreads) {
  const FixtureTree host;
  WriteArm(host);
  const PmuList list = PmuList::Read(host.root());
  const Pmu* sampling = list.Find("arm_spe_0");
  ASSERT_NE(sampling, nullptr);
  EXPECT_FALSE(sampling->core);
  EXPECT_TRUE(sampling->per_thread);
  EXPECT_THAT(sampling->cpus, ElementsAre(0, 1));
  EXPECT_EQ(list.Find("armv8_pmuv3")->precise_max, std::nullopt);
}

TEST(PmuListTest, AHostWithoutProcessorCountersHasNoCores) {
  const FixtureTree host;
  WriteKernelPmus(host);
  const PmuList list = PmuList::Read(host.root());
  EXPECT_THAT(list.Cores(), IsEmpty());
  EXPECT_THAT(list.reason, IsEmpty());
  EXPECT_THAT(list.pmus, SizeIs(2));
}

TEST(PmuListTest, AHostWithoutSysfsSaysSo) {
  const FixtureTree host;
  const PmuList list = PmuList::Read(host.root());
  EXPECT_THAT(list.pmus, IsEmpty());
  EXPECT_THAT(list.reason, HasSubstr("event_source/devices"));
}

TEST(PmuListTest, WhatIsNotUnderstoodIsLeftOutAndCounted) {
  const FixtureTree host;
  WritePmu(host, "odd", {{"type", "none"}});
  WritePmu(host, "cpu",
           {{"type", "4"},
            {"caps/max_precise", "9"},
            {"format/event", "config:0-7"},
            {"format/bad", "config:70"},
            {"events/huge", std::string(5000, 'x')},
            {"cpumask", "zero"}});
  const PmuList list = PmuList::Read(host.root());
  EXPECT_EQ(list.unread_count, 1u);
  ASSERT_THAT(list.pmus, SizeIs(1));
  EXPECT_EQ(list.pmus[0].unread_count, 3u);
  EXPECT_THAT(list.pmus[0].fields, SizeIs(1));
  EXPECT_EQ(list.pmus[0].precise_max, std::nullopt);
}

TEST(PmuListTest, CpusThatAreNotUnderstoodAreCountedAndTheUnitStaysWhatItIs) {
  for (const std::string& cpus : {std::string("0-7,high"), std::string(5000, '1')}) {
    SCOPED_TRACE(cpus.substr(0, 10));
    const FixtureTree host;
    WritePmu(host, "cpu_core", {{"type", "4"}, {"cpus", cpus}});
    WritePmu(host, "cpu_atom", {{"type", "10"}, {"cpus", "8-11"}});
    WritePmu(host, "uncore_imc_0", {{"type", "13"}, {"cpumask", cpus}});
    const PmuList list = PmuList::Read(host.root());
    ASSERT_THAT(list.pmus, SizeIs(3));
    ASSERT_THAT(list.Cores(), SizeIs(2));
    const Pmu& damaged = *list.Find("cpu_core");
    EXPECT_TRUE(damaged.per_thread);
    EXPECT_THAT(damaged.cpus, IsEmpty());
    EXPECT_EQ(damaged.unread_count, 1u);
    EXPECT_EQ(list.Find("cpu_atom")->unread_count, 0u);
    const Pmu& uncore = *list.Find("uncore_imc_0");
    EXPECT_FALSE(uncore.core);
    EXPECT_FALSE(uncore.per_thread) << "it must not be opened on a thread";
    EXPECT_EQ(uncore.unread_count, 1u);
  }
}

}  // namespace
}  // namespace hftmon
