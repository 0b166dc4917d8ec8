#include "daemon/os/msr_pmu.h"

#include <gmock/gmock.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(MsrPmuTest, EventsAreThoseThatTheHostHas) {
  const FixtureTree host;
  host.Write("/sys/bus/event_source/devices/msr/type", "9\n");
  host.Write("/sys/bus/event_source/devices/msr/events/tsc", "event=0x00\n");
  host.Write("/sys/bus/event_source/devices/msr/events/smi", "event=0x04\n");
  host.Write("/sys/bus/event_source/devices/msr/events/odd", "umask=0x04\n");
  const MsrPmu pmu = MsrPmu::Read(host.root());
  EXPECT_EQ(pmu.type, 9u);
  EXPECT_EQ(pmu.events, (std::map<std::string, uint64_t>{{"tsc", 0}, {"smi", 4}}));
  EXPECT_THAT(pmu.WhyNot("smi"), IsEmpty());
  EXPECT_THAT(pmu.WhyNot("aperf"), HasSubstr("no event aperf"));
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenMsrEvent(pmu, "aperf", 0).status()));
}

TEST(MsrPmuTest, AHostWithoutItSaysSo) {
  const FixtureTree host;
  const MsrPmu pmu = MsrPmu::Read(host.root());
  EXPECT_FALSE(pmu.type.has_value());
  EXPECT_THAT(pmu.WhyNot("tsc"), HasSubstr("no msr PMU"));
}

TEST(MsrPmuTest, AnEventIsOneHexadecimalTerm) {
  EXPECT_EQ(ParseMsrEvent("event=0x1f\n"), 0x1fu);
  EXPECT_EQ(ParseMsrEvent("event=0x"), std::nullopt);
  EXPECT_EQ(ParseMsrEvent("event=0x01,umask=0x02"), std::nullopt);
  EXPECT_EQ(ParseMsrEvent(""), std::nullopt);
}

}  // namespace
}  // namespace hftmon
