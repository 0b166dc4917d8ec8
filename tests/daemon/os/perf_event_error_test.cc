#include "daemon/os/perf_event_error.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <string>

#include "daemon/os/perf_event_calls.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PerfEventErrorTest, AnErrorNamesTheThingTheCauseAndTheMend) {
  const absl::Status status = PerfEventError("page faults of CPU 3", ExplainPerfEventError(EMFILE, {.tid = -1, .cpu = 3}));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("page faults of CPU 3: "), HasSubstr("Too many open files"), HasSubstr("LimitNOFILE=")));
}

TEST(PerfEventErrorTest, ReasonAndMendOfAStatusAreToldApartAgain) {
  const PerfEventRefusal refusal = ExplainPerfEventError(EMFILE, {});
  const PerfEventRefusal alone = RefusalOf(StatusOf(refusal));
  EXPECT_EQ(alone.code, refusal.code);
  EXPECT_EQ(alone.reason, refusal.reason);
  EXPECT_EQ(alone.mend, refusal.mend);
  const absl::Status status = PerfEventError("event 3", refusal);
  EXPECT_EQ(std::string(status.message()), "event 3: " + refusal.reason + ": " + refusal.mend);
  EXPECT_EQ(RefusalOf(status).reason, "event 3: " + refusal.reason);
  EXPECT_EQ(RefusalOf(status).mend, refusal.mend);
  const PerfEventRefusal other = RefusalOf(absl::NotFoundError("no file: mount it"));
  EXPECT_EQ(other.reason, "no file: mount it");
  EXPECT_EQ(other.mend, "");
}

TEST(PerfEventErrorTest, EveryErrnoHasAReasonAndAMend) {
  for (int error = 1; error < 134; ++error) {
    for (const int cpu : {-1, 2}) {
      const PerfEventRefusal refusal =
          ExplainPerfEventError(error, {.attributes = CycleAttributes(), .tid = cpu == -1 ? 0 : -1, .cpu = cpu});
      EXPECT_NE(refusal.code, absl::StatusCode::kOk) << error;
      EXPECT_FALSE(refusal.reason.empty()) << error;
      EXPECT_FALSE(refusal.mend.empty()) << error;
    }
  }
}

TEST(PerfEventErrorTest, WhatSamplesIsRefusedForThatAndWhatCountsForWantOfAPmu) {
  PerfEventRequest request{.attributes = CycleAttributes()};
  EXPECT_THAT(ExplainPerfEventError(EOPNOTSUPP, request).reason, HasSubstr("no hardware PMU"));
  request.attributes.sample_period = 1'000;
  EXPECT_THAT(ExplainPerfEventError(EOPNOTSUPP, request).reason, AllOf(HasSubstr("sample"), Not(HasSubstr("no hardware PMU"))));
  request.attributes.sample_period = 0;
  request.attributes.precise_ip = 2;
  EXPECT_THAT(ExplainPerfEventError(EOPNOTSUPP, request).mend, HasSubstr("less precision"));
}

TEST(PerfEventErrorTest, WithoutKnowledgeOfAPmuAnEventIsNotSaidToBeMissingForSure) {
  PerfEventRequest request{.attributes = CycleAttributes()};
  request.attributes.config = PERF_COUNT_HW_CACHE_MISSES;
  EXPECT_THAT(ExplainPerfEventError(ENOENT, request).reason, HasSubstr("no hardware PMU, or one without such an event"));
  EXPECT_THAT(ExplainPerfEventError(ENOENT, request, {.hardware_pmu = true}).reason, HasSubstr("this processor has no such event"));
  EXPECT_THAT(ExplainPerfEventError(ENOENT, request, {.hardware_pmu = false}).reason, HasSubstr("a virtual machine without one"));
  request.attributes.config = (uint64_t{10} << 32) | PERF_COUNT_HW_CPU_CYCLES;
  EXPECT_THAT(ExplainPerfEventError(ENOENT, request).reason, HasSubstr("a virtual machine without one")) << "a hybrid processor's cycles";
}

TEST(PerfEventErrorTest, TheParanoidLevelIsTheFilesNumber) {
  const FixtureTree host;
  EXPECT_TRUE(absl::IsNotFound(ReadParanoidLevel(host.root()).status()));
  host.Write("/proc/sys/kernel/perf_event_paranoid", "-1\n");
  EXPECT_EQ(*ReadParanoidLevel(host.root()), -1);
  host.Write("/proc/sys/kernel/perf_event_paranoid", "high\n");
  EXPECT_TRUE(absl::IsInvalidArgument(ReadParanoidLevel(host.root()).status()));
}

// On the kernel that runs this, whichever it is.
TEST(SystemPerfEventCallsTest, AnErrnoComesBackNegativeAndTheCallersAttributesStay) {
  SystemPerfEventCalls calls;
  perf_event_attr attributes = {};
  attributes.size = 60;  // shorter than the first kernel's
  const int opened = calls.Open(attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  EXPECT_LT(opened, 0);
  EXPECT_EQ(attributes.size, 60u);
  std::byte byte;
  EXPECT_EQ(calls.Read(-1, std::span(&byte, 1)), -EBADF);
  EXPECT_EQ(calls.Control(-1, PERF_EVENT_IOC_ENABLE, 0), -EBADF);
}

}  // namespace
}  // namespace hftmon
