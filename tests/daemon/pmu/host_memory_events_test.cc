#include "daemon/pmu/host_memory_events.h"

#include <gmock/gmock.h>

#include "tests/daemon/pmu/pmu_trees.h"
#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kSkylake[] = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nstepping\t: 4\n";

class HostMemoryEventsTest : public ::testing::Test {
 protected:
  HostMemoryEventsTest() {
    WriteIntelServer(host_);
    host_.Write("/sys/devices/system/cpu/online", "0-1\n");
    host_.Write("/proc/cpuinfo", kSkylake);
  }
  absl::StatusOr<std::vector<SampledEvent>> Events(const FakePerfEvents::Kernel& kernel, const PerfEventRefusalFacts& facts = {}) {
    FakePerfEvents calls(kernel);
    return HostMemoryEvents(host_.root(), calls, facts, {.load_latency_cycles = 50, .period = 1'009});
  }

  FixtureTree host_;
};

TEST_F(HostMemoryEventsTest, TheyAreReadyToBeOpened) {
  const auto events = Events(FakePerfEvents::Host(4));
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_THAT(*events, SizeIs(2));
  EXPECT_EQ(events->front().name, "cpu/mem-loads,ldlat=50/P");
  EXPECT_EQ(events->front().attributes.sample_period, 1'009u);
  EXPECT_NE(events->front().attributes.sample_type & PERF_SAMPLE_DATA_SRC, 0u);
}

TEST_F(HostMemoryEventsTest, WhereNoCounterCanBeOpenedTheReasonIsTheCountersWhateverIsListed) {
  const auto events = Events({});
  EXPECT_TRUE(absl::IsFailedPrecondition(events.status())) << events.status();
  EXPECT_THAT(std::string(events.status().message()), HasSubstr("no hardware PMU"));
}

TEST_F(HostMemoryEventsTest, AProcessorThatSamplesNoneGivesTheReason) {
  host_.Write("/proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nstepping\t: 1\n");
  const auto events = Events(FakePerfEvents::Host(4));
  EXPECT_TRUE(absl::IsFailedPrecondition(events.status())) << events.status();
  EXPECT_THAT(std::string(events.status().message()), HasSubstr("ibs_op"));
  EXPECT_EQ(RefusalOf(events.status()).reason, "there is no PMU ibs_op");
  EXPECT_THAT(RefusalOf(events.status()).mend, HasSubstr("in the firmware"));
}

TEST_F(HostMemoryEventsTest, OfTwoKindsOfArmCoreEachTellsItsOwnCodes) {
  FixtureTree host;
  WriteBigLittle(host);
  WriteSpe(host, "arm_spe_0", "12", "0-3");
  WriteSpe(host, "arm_spe_1", "13", "4-5");
  host.Write("/sys/devices/system/cpu/online", "0-3,5\n");
  host.Write("/proc/cpuinfo",
             "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n\nprocessor\t: 5\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n");
  FakePerfEvents calls(FakePerfEvents::Host(4));
  const auto events = HostMemoryEvents(host.root(), calls, {}, {});
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_THAT(*events, SizeIs(2));
  EXPECT_EQ((*events)[0].spe, SpeSourceEncoding::kUnknown) << "a Cortex-A53 writes none that are known";
  EXPECT_EQ((*events)[1].spe, SpeSourceEncoding::kArm) << "CPU 4 is offline, 5 is a Neoverse V1";
}

}  // namespace
}  // namespace hftmon
