#include "daemon/pmu/pfm_encoder.h"

#include <gmock/gmock.h>

#include <thread>

namespace hftmon {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// The kernel's generic events are there on every host.
TEST(PfmEncoderTest, KernelEventsAreEncodedByTheLibrarysNames) {
  const auto switches = EncodeByLibrary("PERF_COUNT_SW_CONTEXT_SWITCHES");
  ASSERT_TRUE(switches.ok()) << switches.status();
  EXPECT_EQ(*switches, (EventEncoding{.name = "PERF_COUNT_SW_CONTEXT_SWITCHES", .type = 1, .config = 3}));
  const auto loads = EncodeByLibrary("L1-DCACHE-LOAD-MISSES");
  ASSERT_TRUE(loads.ok()) << loads.status();
  EXPECT_EQ(loads->type, 3u);
  EXPECT_EQ(loads->config, 0x10000u);
}

TEST(PfmEncoderTest, OnlyWhatIsNamedCounts) {
  const auto user = EncodeByLibrary("perf::PERF_COUNT_HW_INSTRUCTIONS:u");
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_FALSE(user->exclude_user);
  EXPECT_TRUE(user->exclude_kernel);
  EXPECT_TRUE(user->exclude_hypervisor);
  const auto all = EncodeByLibrary("perf::PERF_COUNT_HW_INSTRUCTIONS");
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_FALSE(all->exclude_user || all->exclude_kernel || all->exclude_hypervisor);
}

TEST(PfmEncoderTest, AnUnknownNameIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(EncodeByLibrary("NO_SUCH_EVENT").status()));
  EXPECT_TRUE(absl::IsNotFound(EncodeByLibrary("PERF_COUNT_SW_CONTEXT_SWITCHES:NO_SUCH_MASK").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeByLibrary("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeByLibrary(std::string_view("cycles\0", 7)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeByLibrary(std::string(5000, 'A')).status()));
}

TEST(PfmEncoderTest, HowToOpenAnEventIsNotInItsName) {
  for (const char* name : {"PERF_COUNT_HW_CPU_CYCLES:period=100", "PERF_COUNT_HW_CPU_CYCLES:FREQ=4000", "PERF_COUNT_HW_CPU_CYCLES:u:pinned",
                           "PERF_COUNT_HW_CPU_CYCLES:excl=1", "PERF_COUNT_HW_CPU_CYCLES:cpu=3", "PERF_COUNT_HW_CPU_CYCLES:mh=0"}) {
    const absl::Status status = EncodeByLibrary(name).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name;
    EXPECT_THAT(status.message(), HasSubstr("leave it out")) << name;
  }
}

TEST(PfmEncoderTest, NamesHaveTheKernelsEvents) {
  EXPECT_THAT(LibraryEventNames(), Contains("PERF_COUNT_SW_CONTEXT_SWITCHES"));
}

TEST(PfmEncoderTest, ManyThreadsMayAsk) {
  std::vector<std::thread> threads;
  std::vector<int> right(4, 0);
  for (size_t i = 0; i < right.size(); ++i) {
    threads.emplace_back([&right, i] {
      for (int round = 0; round < 50; ++round) {
        const auto encoding = EncodeByLibrary("PERF_COUNT_SW_PAGE_FAULTS");
        right[i] += encoding.ok() && encoding->config == 2 ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(right, ::testing::Each(50));
}

}  // namespace
}  // namespace hftmon
