#include "daemon/pmu/host_event_names.h"

#include <gmock/gmock.h>

#include "tests/daemon/pmu/pmu_trees.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

absl::Status NotToBeOpened(const EventEncoding&) {
  return absl::InternalError("not to be opened");
}

void WriteBlock(const FixtureTree& host, int cpu, int model) {
  host.Write("/proc/cpuinfo", fmt::format("processor\t: {}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: {}\n", cpu, model));
}

TEST(HostEventNamesTest, NamesAreOfTheTreeThatIsRead) {
  const FixtureTree host;
  WriteIntelServer(host);
  const auto names = ReadHostEventNames(host.root(), NotToBeOpened);
  ASSERT_NE(names->pmus().Find("uncore_imc_0"), nullptr);
  const auto loads = names->Encode("cpu/mem-loads/");
  ASSERT_TRUE(loads.ok()) << loads.status();
  EXPECT_EQ(loads->config, 0x1cdu);
  EXPECT_TRUE(absl::IsNotFound(names->Encode("NO_SUCH_EVENT_ANYWHERE").status()));
}

TEST(HostEventNamesTest, AHostOfWhichNothingIsKnownStillAnswers) {
  const FixtureTree host;
  const auto names = ReadHostEventNames(host.root(), NotToBeOpened);
  EXPECT_TRUE(names->Encode("page-faults").ok());
  EXPECT_THAT(names->Encode("cycles").status().message(), HasSubstr("is sysfs mounted"));
}

TEST(HostEventNamesTest, AKindOfCoreIsToldByItsFirstCpuThatIsOnline) {
  const FixtureTree host;
  WriteHybrid(host);
  WriteBlock(host, 17, 0x97);
  const PmuList pmus = PmuList::Read(host.root());
  const auto small = ReadCoreKind(host.root(), *pmus.Find("cpu_atom"));
  ASSERT_TRUE(small.ok()) << small.status();
  EXPECT_EQ(*small, CoreKind::kIntelGracemont);
  EXPECT_TRUE(absl::IsNotFound(ReadCoreKind(host.root(), *pmus.Find("cpu_core")).status()));
}

TEST(HostEventNamesTest, AUnitOfAllCpusIsToldByOneThatIsOnline) {
  const FixtureTree host;
  WriteIntelServer(host);
  const PmuList pmus = PmuList::Read(host.root());
  WriteBlock(host, 3, 143);
  host.Write("/sys/devices/system/cpu/online", "3-4\n");
  const auto kind = ReadCoreKind(host.root(), *pmus.Find("cpu"));
  ASSERT_TRUE(kind.ok()) << kind.status();
  EXPECT_EQ(*kind, CoreKind::kIntelSapphireRapids);
}

}  // namespace
}  // namespace hftmon
