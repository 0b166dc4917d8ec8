// What each level of perf_event_paranoid lets a user without capabilities count. Debian's kernels know a level 3.
#include <string>

#include "daemon/os/file_root.h"
#include "daemon/os/perf_event_error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/events.h"
#include "tests/rig/arm_pmu/guest_machine.h"
#include "tests/rig/arm_pmu/known_loop.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

constexpr CounterPlace kCpu = {.tid = -1, .cpu = 0};

CountedEvent KernelsToo() {
  CountedEvent event = Instructions();
  event.name = "instructions";
  event.attributes.exclude_kernel = 0;
  return event;
}

// "" when it opens, else the message; another error than PERMISSION_DENIED is a failure.
std::string Refusal(const CountedEvent& event, const CounterPlace& place = {}) {
  CounterGroup::Options options;
  if (const absl::StatusOr<int> level = ReadParanoidLevel(FileRoot()); level.ok()) options.facts.paranoid_level = *level;
  const absl::StatusOr<CounterGroup> group = Open({event}, place, options);
  if (group.ok()) return "";
  EXPECT_EQ(group.status().code(), absl::StatusCode::kPermissionDenied) << group.status();
  return std::string(group.status().message());
}

TEST(Permission, AtLevelThreeNothingIsCounted) {
  const ParanoidLevel level(3);
  const Unprivileged user;
  EXPECT_THAT(Refusal(Instructions()), HasSubstr("perf_event_paranoid is 3"));
  EXPECT_THAT(Refusal(Instructions()), HasSubstr("sysctl kernel.perf_event_paranoid=2"));
  EXPECT_THAT(Refusal(Instructions(), kCpu), HasSubstr("perf_event_paranoid is 3"));
}

TEST(Permission, AtLevelTwoTheUsersOwnCodeIs) {
  const ParanoidLevel level(2);
  const Unprivileged user;
  EXPECT_EQ(Refusal(Instructions()), "");
  EXPECT_THAT(Refusal(KernelsToo()), HasSubstr("perf_event_paranoid is 2: without CAP_PERFMON the kernel's own work is not counted"));
  EXPECT_THAT(Refusal(Instructions(), kCpu), HasSubstr("perf_event_paranoid is 2: without CAP_PERFMON a CPU is not counted"));
  absl::StatusOr<CounterGroup> group = Open({Instructions()});
  ASSERT_TRUE(group.ok()) << group.status();
  constexpr uint64_t kRounds = 1'000'000;
  const auto readings = CountDuring(*group, [] { RunRounds(kRounds); });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(NotTheLoop(readings->front(), kRounds), "");
}

TEST(Permission, AtLevelOneTheKernelsWorkIsToo) {
  const ParanoidLevel level(1);
  const Unprivileged user;
  EXPECT_EQ(Refusal(KernelsToo()), "");
  EXPECT_THAT(Refusal(Instructions(), kCpu), HasSubstr("perf_event_paranoid is 1: without CAP_PERFMON a CPU is not counted"));
}

TEST(Permission, BelowItACpuIsToo) {
  for (const int low : {0, -1}) {
    const ParanoidLevel level(low);
    const Unprivileged user;
    EXPECT_EQ(Refusal(KernelsToo()), "");
    EXPECT_EQ(Refusal(KernelsToo(), kCpu), "");
  }
}

TEST(Permission, RootCountsAtAnyLevel) {
  for (const int any : {3, 2, -1}) {
    const ParanoidLevel level(any);
    EXPECT_EQ(Refusal(KernelsToo(), kCpu), "");
  }
}

}  // namespace
}  // namespace hftmon
