// What CounterGroup::Open says of each way in which the kernel refuses.
#include <gmock/gmock.h>

#include <cerrno>
#include <optional>
#include <string>

#include "daemon/pmu/counter_group.h"
#include "tests/daemon/pmu/counted_events.h"
#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr pid_t kThread = 500;
constexpr pid_t kForeign = 900;

absl::Status Try(const FakePerfEvents::Kernel& rules, const CounterPlace& place, const CountedEvent& event,
                 const CounterGroup::Options& options = {}) {
  FakePerfEvents kernel(rules);
  kernel.AddThread(kThread, kThread);
  kernel.AddThread(kForeign, kForeign, true);
  return CounterGroup::Open(kernel, place, std::vector{event}, options).status();
}

void ExpectRefused(const absl::Status& status, absl::StatusCode code, const std::string& reason, const std::string& mend) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(reason), HasSubstr(mend)));
}

TEST(CounterRefusalTest, AGuestWithoutPmuAndAProcessorWithoutTheEventAreToldApart) {
  const FakePerfEvents::Kernel guest;
  ExpectRefused(Try(guest, {.tid = kThread}, Instructions()), absl::StatusCode::kFailedPrecondition,
                "instructions of thread 500: no hardware PMU", "hypervisor pass the PMU through");
  FakePerfEvents::Kernel poor = FakePerfEvents::Host(4);
  poor.pmus[0].missing = {PERF_COUNT_HW_CACHE_REFERENCES};
  ExpectRefused(Try(poor, {.tid = kThread}, MakeEvent("cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES)),
                absl::StatusCode::kFailedPrecondition, "cache-references of thread 500: this processor has no such event", "another event");
  ExpectRefused(Try(guest, {.tid = kThread}, MakeEvent("new", PERF_TYPE_SOFTWARE, 1'000)), absl::StatusCode::kFailedPrecondition,
                "no software event 1000", "newer kernel");
  ExpectRefused(Try(guest, {.tid = -1, .cpu = 0}, MakeEvent("uncore", 23, 0x35)), absl::StatusCode::kFailedPrecondition,
                "PMU 23 is not there", "/sys/bus/event_source/devices");
}

// Who may count what, by level, as the caller has neither capability.
TEST(CounterRefusalTest, EachParanoidLevelRefusesForItsOwnReason) {
  FakePerfEvents::Kernel kernel = FakePerfEvents::Host(4);
  kernel.perfmon = false;
  CountedEvent user_only = Cycles();
  user_only.attributes.exclude_kernel = 1;
  const CountedEvent tracepoint = MakeEvent("sched_switch", PERF_TYPE_TRACEPOINT, 314);
  kernel.pmus.push_back({.type = PERF_TYPE_TRACEPOINT, .core = false});
  struct Row {
    int level;
    CounterPlace place;
    CountedEvent event;
    std::string reason;  // empty: it is allowed
    std::string mend;
  };
  const CounterPlace own{.tid = kThread};
  const CounterPlace cpu{.tid = -1, .cpu = 0};
  const CounterPlace foreign{.tid = kForeign};
  for (const Row& row :
       {Row{-1, own, Cycles(), "", ""}, Row{-1, cpu, Cycles(), "", ""}, Row{-1, own, tracepoint, "", ""},
        Row{-1, foreign, Cycles(), "thread 900 is another user's", "CAP_PERFMON"}, Row{0, own, Cycles(), "", ""},
        Row{0, cpu, Cycles(), "", ""}, Row{0, own, tracepoint, "is 0: without CAP_PERFMON tracepoints", "perf_event_paranoid=-1"},
        Row{1, own, Cycles(), "", ""}, Row{1, cpu, Cycles(), "is 1: without CAP_PERFMON a CPU is not counted", "perf_event_paranoid=0"},
        Row{2, own, user_only, "", ""}, Row{2, own, Cycles(), "is 2: without CAP_PERFMON the kernel's own work", "user code alone (:u)"},
        Row{2, cpu, user_only, "is 2: without CAP_PERFMON a CPU is not counted", "perf_event_paranoid=0"},
        Row{2, foreign, user_only, "thread 900 is another user's", "CAP_SYS_PTRACE"},
        Row{3, own, user_only, "is 3: kernels that know this level ask for CAP_SYS_ADMIN", "perf_event_paranoid=2"}}) {
    SCOPED_TRACE(std::to_string(row.level) + " " + row.place.ToString() + " " + row.event.name);
    kernel.paranoid = row.level;
    kernel.knows_paranoid_3 = true;
    const absl::Status status = Try(kernel, row.place, row.event, {.facts = {.paranoid_level = row.level}});
    if (row.reason.empty()) {
      EXPECT_TRUE(status.ok()) << status;
    } else {
      ExpectRefused(status, absl::StatusCode::kPermissionDenied, row.reason, row.mend);
    }
  }
}

TEST(CounterRefusalTest, CapPerfmonIsEnoughButAtTheDistributionsLevel3) {
  FakePerfEvents::Kernel kernel = FakePerfEvents::Host(4);
  kernel.paranoid = 3;
  EXPECT_TRUE(Try(kernel, {.tid = -1, .cpu = 0}, Cycles()).ok()) << "to other kernels 3 is as 2";
  kernel.knows_paranoid_3 = true;
  ExpectRefused(Try(kernel, {.tid = -1, .cpu = 0}, Cycles(), {.facts = {.paranoid_level = 3}}), absl::StatusCode::kPermissionDenied,
                "CAP_PERFMON is not enough", "perf_event_paranoid=2");
  ExpectRefused(Try(kernel, {.tid = kThread}, Cycles()), absl::StatusCode::kPermissionDenied, "see perf_event_paranoid", "CAP_SYS_ADMIN");
  kernel.sys_admin = true;
  EXPECT_TRUE(Try(kernel, {.tid = -1, .cpu = 0}, Cycles()).ok());
}

TEST(CounterRefusalTest, WhatIsNotThereIsNotFound) {
  FakePerfEvents::Kernel kernel = FakePerfEvents::Host(4);
  ExpectRefused(Try(kernel, {.tid = 77}, Cycles()), absl::StatusCode::kNotFound, "cycles of thread 77: the thread has ended", "runs");
  kernel.cpus = {0};
  ExpectRefused(Try(kernel, {.tid = -1, .cpu = 1}, Cycles()), absl::StatusCode::kNotFound, "CPU 1 is offline", "cpu1/online");
}

TEST(CounterRefusalTest, DescriptorsThatRunOutLeaveNothingOpen) {
  FakePerfEvents::Kernel rules = FakePerfEvents::Host(4);
  rules.descriptors_max = 3;
  FakePerfEvents kernel(rules);
  kernel.AddThread(kThread, kThread);
  const auto group = CounterGroup::Open(kernel, {.tid = kThread}, RawEvents(4), {});
  ExpectRefused(group.status(), absl::StatusCode::kResourceExhausted, "raw4 of thread 500: no descriptor is left", "LimitNOFILE");
  EXPECT_EQ(kernel.open_count(), 0u);
}

TEST(CounterRefusalTest, OtherErrnosKeepTheirMeaning) {
  struct Row {
    int error;
    absl::StatusCode code;
    std::string reason;
    std::string mend;
  };
  for (const Row& row : {Row{EBUSY, absl::StatusCode::kResourceExhausted, "another user holds the counters", "end it"},
                         Row{E2BIG, absl::StatusCode::kFailedPrecondition, "does not know yet", "newer kernel"},
                         Row{ENOSYS, absl::StatusCode::kFailedPrecondition, "counts no events", "CONFIG_PERF_EVENTS"},
                         Row{ENOMEM, absl::StatusCode::kResourceExhausted, "no room", "fewer"},
                         Row{EOPNOTSUPP, absl::StatusCode::kFailedPrecondition, "no hardware PMU", "bare machine"},
                         Row{EPERM, absl::StatusCode::kPermissionDenied, "Operation not permitted", "seccomp"},
                         Row{EIO, absl::StatusCode::kFailedPrecondition, "Input/output error", "kernel log"}}) {
    FakePerfEvents kernel(FakePerfEvents::Host(4));
    kernel.FailOpens({row.error});
    ExpectRefused(CounterGroup::Open(kernel, {.tid = 0}, std::vector{Cycles()}, {}).status(), row.code, row.reason, row.mend);
  }
}

TEST(CounterRefusalTest, AnEncodingThatIsRefusedAloneIsNotCalledAMatterOfRoom) {
  FakePerfEvents kernel(FakePerfEvents::Host(4));
  kernel.FailOpens({0, EINVAL, EINVAL});
  const auto group = CounterGroup::Open(kernel, {.tid = 0}, RawEvents(2), {});
  ExpectRefused(group.status(), absl::StatusCode::kInvalidArgument, "does not take the event as it is encoded: type 4, config 0x2",
                "format");
}

TEST(CounterRefusalTest, ACallThatASignalInterruptsIsMadeAgainButNotForEver) {
  FakePerfEvents kernel(FakePerfEvents::Host(4));
  kernel.FailOpens({EINTR, EAGAIN, 0});
  EXPECT_TRUE(CounterGroup::Open(kernel, {.tid = 0}, RawEvents(1), {}).ok());
  kernel.FailOpens(std::deque<int>(7, EINTR));
  EXPECT_TRUE(CounterGroup::Open(kernel, {.tid = 0}, RawEvents(1), {}).ok());
  kernel.FailOpens(std::deque<int>(8, EAGAIN));
  EXPECT_FALSE(CounterGroup::Open(kernel, {.tid = 0}, RawEvents(1), {}).ok());
  kernel.FailOpens(std::deque<int>(100, EINTR));
  EXPECT_FALSE(CounterGroup::Open(kernel, {.tid = 0}, RawEvents(1), {}).ok());
}

TEST(CounterRefusalTest, KernelsBefore6DoNotTellLostSamples) {
  FakePerfEvents::Kernel old = FakePerfEvents::Host(4);
  old.tells_lost = false;
  FakePerfEvents kernel(old);
  auto group = CounterGroup::Open(kernel, {.tid = 0}, RawEvents(2), {});
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE(group->Enable().ok());
  kernel.Run(FakePerfEvents::kCaller, 0, 1'000'000);
  const auto readings = group->Read();
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ((*readings)[1].lost, std::nullopt);
  EXPECT_TRUE((*readings)[1].exact());
}

TEST(CounterRefusalTest, WhatIsNoGroupIsRefusedBeforeTheKernelIsAsked) {
  FakePerfEvents kernel(FakePerfEvents::Host(4));
  kernel.BeforeOpen([](const perf_event_attr&, pid_t) { ADD_FAILURE() << "the kernel is asked"; });
  const auto code = [&](const CounterPlace& place, size_t events, CounterHeirs heirs) {
    return CounterGroup::Open(kernel, place, RawEvents(events), {.heirs = heirs}).status().code();
  };
  EXPECT_EQ(code({}, 0, CounterHeirs::kNobody), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({}, kGroupEventsMax + 1, CounterHeirs::kNobody), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.tid = -1, .cpu = -1}, 1, CounterHeirs::kNobody), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.tid = -2, .cpu = 0}, 1, CounterHeirs::kNobody), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.tid = -1, .cpu = 0}, 1, CounterHeirs::kThreads), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace hftmon
