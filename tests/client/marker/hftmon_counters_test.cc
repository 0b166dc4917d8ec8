// Opening a thread's own counters: what is asked of the kernel, what each refusal is told as, and that nothing is left behind.
#include "client/marker/hftmon_counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/marker/c_counters.h"
#include "tests/fakes/fake_counters_host.h"
#include "tests/fakes/system_call_ban.h"

namespace hftmon {
namespace {

using testing::HasSubstr;
using Counters = std::unique_ptr<hftmon_counters, decltype(&hftmon_counters_close)>;

constexpr hftmon_counter_event kCycles = HFTMON_COUNTER_CYCLES;
constexpr hftmon_counter_event kInstructions = HFTMON_COUNTER_INSTRUCTIONS;
constexpr hftmon_counter_event kL1dMisses = HFTMON_COUNTER_L1D_MISSES;
constexpr hftmon_counter_event kPageFaults = {"page_faults", PERF_TYPE_SOFTWARE, 0, PERF_COUNT_SW_PAGE_FAULTS, 0, 0};
constexpr char kParanoid[] = "/proc/sys/kernel/perf_event_paranoid";
constexpr char kDevices[] = "/sys/bus/event_source/devices/";

Counters Open(const FakeCountersHost& host, const std::vector<hftmon_counter_event>& events, hftmon_counters_refusal* why = nullptr) {
  return {hftmon_counters_open_on(host.get(), events.data(), static_cast<uint32_t>(events.size()), why), &hftmon_counters_close};
}

// Of an opening that has to fail, and to leave nothing open or mapped. errno is never 0.
hftmon_counters_refusal Refusal(const FakeCountersHost& host, const std::vector<hftmon_counter_event>& events = {kInstructions}) {
  hftmon_counters_refusal why = {};
  errno = 0;
  const Counters none = Open(host, events, &why);
  const int error = errno;
  EXPECT_EQ(none, nullptr);
  EXPECT_NE(error, 0);
  EXPECT_TRUE(why.error == 0 || error == why.error) << error;
  EXPECT_EQ(host.open_count(), 0u);
  EXPECT_EQ(host.mapped_count(), 0u);
  EXPECT_NE(std::string(why.text), "");
  return why;
}

hftmon_counters_refusal RefusalOf(int error, const std::string& paranoid_level = "2", uint32_t flags = 0) {
  FakeCountersHost host;
  host.WriteFile(kParanoid, paranoid_level);
  host.open_error = [error](const perf_event_attr&, int) { return error; };
  hftmon_counter_event event = kInstructions;
  event.flags = flags;
  const hftmon_counters_refusal why = Refusal(host, {event});
  EXPECT_EQ(why.error, error);
  EXPECT_THAT(why.text, HasSubstr("instructions: "));
  return why;
}

TEST(Counters, AreOneGroupOfUserCodeOfTheCallingThread) {
  FakeCountersHost host;
  {
    hftmon_counters_refusal why = {};
    const Counters counters = Open(host, {kCycles, kInstructions, kL1dMisses}, &why);
    ASSERT_NE(counters, nullptr) << why.text;
    EXPECT_EQ(why.cause, HFTMON_COUNTERS_NO_CAUSE);
    EXPECT_STREQ(why.text, "");
    ASSERT_EQ(host.opened().size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
      const FakeCountersHost::Opened& opened = host.opened()[i];
      EXPECT_EQ(opened.group == -1, i == 0);
      EXPECT_EQ(opened.attributes.disabled, i == 0) << "the others go with the first";
      EXPECT_EQ(opened.attributes.exclude_kernel, 1u);
      EXPECT_EQ(opened.attributes.exclude_hv, 1u);
      EXPECT_EQ(opened.attributes.size, sizeof(perf_event_attr));
      EXPECT_EQ(opened.attributes.inherit, 0u) << "such an event has no page";
      EXPECT_EQ(opened.attributes.sample_period, 0u);
    }
    EXPECT_EQ(host.opened()[2].attributes.type, static_cast<uint32_t>(PERF_TYPE_HW_CACHE));
    EXPECT_EQ(host.opened()[2].attributes.config, 0x10000u) << "level 1, data, reads, misses";
    EXPECT_EQ(host.open_count(), 0u) << "a mapped page keeps its event";
    EXPECT_EQ(host.mapped_count(), 3u);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(counters->pages[i], &host.page(i)) << "in the events' order";
  }
  EXPECT_EQ(host.mapped_count(), 0u);
}

TEST(Counters, WhatAnEventAsksForReachesTheKernel) {
  FakeCountersHost host;
  const hftmon_counter_event raw = {"raw", PERF_TYPE_RAW, HFTMON_COUNTER_KERNEL, 0x1234, 0x5670, 0x9abc};
  ASSERT_NE(Open(host, {raw}), nullptr);
  const perf_event_attr& attributes = host.opened().front().attributes;
  EXPECT_EQ(attributes.type, static_cast<uint32_t>(PERF_TYPE_RAW));
  EXPECT_EQ(attributes.exclude_kernel, 0u);
  EXPECT_EQ(attributes.config, 0x1234u);
  EXPECT_EQ(attributes.config1 & ~uint64_t{3}, 0x5670u);
  EXPECT_EQ(attributes.config2, 0x9abcu);
}

TEST(Counters, OneToSixEventsAreTaken) {
  const FakeCountersHost host;
  EXPECT_NE(Open(host, std::vector<hftmon_counter_event>(6, kInstructions)), nullptr);
  for (const size_t count : {0u, 7u}) {
    EXPECT_EQ(Refusal(host, std::vector<hftmon_counter_event>(count, kInstructions)).error, EINVAL);
  }
  EXPECT_EQ(hftmon_counters_open(nullptr, 1, nullptr), nullptr);
  EXPECT_EQ(errno, EINVAL);
}

TEST(Counters, AMissingEventIsToldFromAMissingPmu) {
  for (const int error : {ENOENT, EOPNOTSUPP, ENODEV}) {
    EXPECT_EQ(RefusalOf(error).cause, HFTMON_COUNTERS_NO_PMU);
    EXPECT_THAT(RefusalOf(error).text, HasSubstr("no hardware PMU"));
    FakeCountersHost host;
    host.open_error = [error](const perf_event_attr& attributes, int) { return attributes.type == PERF_TYPE_HW_CACHE ? error : 0; };
    const hftmon_counters_refusal why = Refusal(host, {kCycles, kL1dMisses});
    EXPECT_EQ(why.cause, HFTMON_COUNTERS_NO_EVENT);
    EXPECT_THAT(why.text, HasSubstr("l1d_misses: this processor's PMU has no such event"));
  }
}

TEST(Counters, EachErrorOfTheKernelHasItsCauseAndItsMend) {
  const struct {
    int error;
    hftmon_counters_cause cause;
    const char* mend;
  } cases[] = {
      {EBUSY, HFTMON_COUNTERS_TAKEN, "end it: perf"},         {EMFILE, HFTMON_COUNTERS_NO_DESCRIPTOR, "LimitNOFILE="},
      {ENFILE, HFTMON_COUNTERS_NO_DESCRIPTOR, "fs.file-max"}, {ENOMEM, HFTMON_COUNTERS_NO_MEMORY, "fewer events"},
      {ENOSPC, HFTMON_COUNTERS_NO_MEMORY, "fewer events"},    {ENOSYS, HFTMON_COUNTERS_NO_KERNEL, "CONFIG_PERF_EVENTS=y"},
      {E2BIG, HFTMON_COUNTERS_NO_KERNEL, "newer kernel"},     {EINVAL, HFTMON_COUNTERS_NO_EVENT, "format folder"},
      {EINTR, HFTMON_COUNTERS_OTHER, "kernel log"},
  };
  for (const auto& [error, cause, mend] : cases) {
    const hftmon_counters_refusal why = RefusalOf(error);
    EXPECT_EQ(why.cause, cause) << why.text;
    EXPECT_THAT(why.text, HasSubstr(mend));
  }
}

TEST(Counters, WhoForbidsIsTold) {
  EXPECT_EQ(RefusalOf(EACCES, "3").cause, HFTMON_COUNTERS_PARANOID);
  EXPECT_THAT(RefusalOf(EACCES, "3").text, HasSubstr("kernel.perf_event_paranoid is 3"));
  EXPECT_THAT(RefusalOf(EACCES, "3").text, HasSubstr("sysctl kernel.perf_event_paranoid=2"));
  EXPECT_EQ(RefusalOf(EACCES, "2", HFTMON_COUNTER_KERNEL).cause, HFTMON_COUNTERS_PARANOID);
  EXPECT_THAT(RefusalOf(EACCES, "2", HFTMON_COUNTER_KERNEL).text, HasSubstr("count user code alone"));
  // The level allows it, or it is not the level's errno.
  EXPECT_EQ(RefusalOf(EACCES, "2").cause, HFTMON_COUNTERS_FORBIDDEN);
  EXPECT_EQ(RefusalOf(EACCES, "1", HFTMON_COUNTER_KERNEL).cause, HFTMON_COUNTERS_FORBIDDEN);
  EXPECT_EQ(RefusalOf(EPERM, "3").cause, HFTMON_COUNTERS_FORBIDDEN);
  EXPECT_THAT(RefusalOf(EPERM, "2").text, HasSubstr("seccomp"));
  EXPECT_EQ(RefusalOf(EACCES, "no number").cause, HFTMON_COUNTERS_FORBIDDEN);
}

TEST(Counters, AGroupWithoutRoomIsToldFromAnEventThatIsNone) {
  FakeCountersHost host;
  host.open_error = [](const perf_event_attr&, int group) { return group == -1 ? 0 : EINVAL; };
  const hftmon_counters_refusal why = Refusal(host, {kCycles, kInstructions});
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_TAKEN);
  EXPECT_THAT(why.text, HasSubstr("instructions: alone it would be counted"));
  host.open_error = [](const perf_event_attr& attributes, int) { return attributes.type == PERF_TYPE_RAW ? EINVAL : 0; };
  EXPECT_EQ(Refusal(host, {kCycles, HFTMON_COUNTER_RAW("raw", 1)}).cause, HFTMON_COUNTERS_NO_EVENT);
}

TEST(Counters, APageThatIsNotMappedIsTold) {
  FakeCountersHost host;
  host.WriteFile("/proc/sys/kernel/perf_event_mlock_kb", "516");
  host.map_error = EPERM;
  const hftmon_counters_refusal why = Refusal(host, {kCycles, kInstructions});
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_NO_MEMORY);
  EXPECT_THAT(why.text, HasSubstr("cycles: its page cannot be mapped"));
  EXPECT_THAT(why.text, HasSubstr("perf_event_mlock_kb is 516"));
  host.map_error = ENOSYS;
  EXPECT_EQ(Refusal(host).cause, HFTMON_COUNTERS_OTHER);
  host.map_error = 0;
  host.enable_error = EIO;
  EXPECT_EQ(Refusal(host).error, EIO);
}

TEST(Counters, WhereTheAdministratorHasSwitchedReadingOffItIsSaid) {
  {
    FakeCountersHost host;
    host.index = 0;  // as arm64 has it
    host.WriteFile("/proc/sys/kernel/perf_user_access", "0");
    const hftmon_counters_refusal why = Refusal(host);
    EXPECT_EQ(why.cause, HFTMON_COUNTERS_NO_USER_ACCESS);
    EXPECT_THAT(why.text, HasSubstr("sysctl kernel.perf_user_access=1"));
  }
  for (const std::string pmu : {"cpu", "cpu_core", "cpu_atom"}) {
    FakeCountersHost host;
    host.capabilities = 0;  // as x86 has it
    host.WriteFile(kDevices + pmu + "/rdpmc", "0");
    const hftmon_counters_refusal why = Refusal(host);
    EXPECT_EQ(why.cause, HFTMON_COUNTERS_NO_USER_ACCESS);
    EXPECT_THAT(why.text, HasSubstr("echo 1 > " + (kDevices + pmu) + "/rdpmc"));
    host.WriteFile(kDevices + pmu + "/rdpmc", "1");
    EXPECT_EQ(Refusal(host).cause, HFTMON_COUNTERS_NOT_A_REGISTER);
  }
}

TEST(Counters, AnEventThatTheKernelCountsIsInNoRegister) {
  FakeCountersHost host;
  host.capabilities = 0;
  host.index = 0;
  const hftmon_counters_refusal why = Refusal(host, {kPageFaults});
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_NOT_A_REGISTER);
  EXPECT_THAT(why.text, HasSubstr("page_faults: the kernel counts this event, and no register has it"));
}

TEST(Counters, AGroupThatDoesNotCountIsNoHandle) {
  FakeCountersHost host;
  host.index = 0;
  const hftmon_counters_refusal why = Refusal(host, {kCycles, kInstructions});
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_TAKEN);
  EXPECT_THAT(why.text, HasSubstr("fewer events"));
}

// The fake's registers are none of this processor's, so only pages that are not to be read are.
TEST(Counters, WhileTheKernelHasTakenThemAwayNothingIsRead) {
  FakeCountersHost host;
  const Counters counters = Open(host, {kCycles, kInstructions});
  ASSERT_NE(counters, nullptr);
  hftmon_counters_refusal why = {};
  hftmon_counters_explain(counters.get(), &why);
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_NO_CAUSE) << why.text;
  host.page(0).index = 0;
  hftmon_counters_reading reading = {};
  EXPECT_FALSE(hftmon_counters_read(counters.get(), &reading));
  EXPECT_FALSE(hftmon_counters_own_cost(counters.get(), &reading));
  hftmon_counters_explain(counters.get(), &why);
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_TAKEN);
  host.WriteFile("/proc/sys/kernel/perf_user_access", "0");
  hftmon_counters_explain(counters.get(), &why);
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_NO_USER_ACCESS);
  host.page(0).lock = 1;
  EXPECT_FALSE(hftmon_counters_read(counters.get(), &reading));
  hftmon_counters_explain(counters.get(), &why);
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_UNSTEADY);
}

TEST(Counters, AnotherThreadDoesNotRead) {
  FakeCountersHost host;
  const Counters counters = Open(host, {kInstructions});
  ASSERT_NE(counters, nullptr);
  std::thread([&] {
    hftmon_counters_reading reading = {};
    hftmon_counter_page_times times = {};
    hftmon_counters_refusal why = {};
    EXPECT_FALSE(hftmon_counters_read(counters.get(), &reading));
    EXPECT_FALSE(hftmon_counters_read_times(counters.get(), &times));
    hftmon_counters_explain(counters.get(), &why);
    EXPECT_EQ(why.cause, HFTMON_COUNTERS_OTHER_THREAD);
  }).join();
  hftmon_counter_page_times times = {};
  EXPECT_TRUE(hftmon_counters_read_times(counters.get(), &times));
}

TEST(Counters, AForkedChildHasNone) {
  FakeCountersHost host;
  const Counters counters = Open(host, {kInstructions});
  ASSERT_NE(counters, nullptr);
  const pid_t child = fork();
  if (child == 0) {
    hftmon_counters_reading reading;
    hftmon_counters_refusal why;
    const bool read = hftmon_counters_read(counters.get(), &reading) || hftmon_counters_own_cost(counters.get(), &reading);
    hftmon_counters_explain(counters.get(), &why);
    hftmon_counters_close(counters.get());
    _exit(read ? 1 : why.cause == HFTMON_COUNTERS_CLOSED && host.mapped_count() == 1 ? 42 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST(Counters, WithoutAHandleNothingHappens) {
  hftmon_counters_reading reading = {};
  hftmon_counter_page_times times = {};
  hftmon_counters_refusal why = {};
  EXPECT_FALSE(hftmon_counters_read(nullptr, &reading));
  EXPECT_FALSE(hftmon_counters_read_times(nullptr, &times));
  EXPECT_FALSE(hftmon_counters_own_cost(nullptr, &reading));
  hftmon_counters_close(nullptr);
  hftmon_counters_explain(nullptr, &why);
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_CLOSED);
  hftmon_counters_explain(nullptr, nullptr);
}

class HybridHost : public FakeCountersHost {
 public:
  HybridHost() {
    for (const auto& [name, cpus, type] : {std::tuple{"cpu_core", "0-3,8", "4"}, {"cpu_atom", "4-7", "10"}}) {
      WriteFile(std::string(kDevices) + name + "/cpus", cpus);
      WriteFile(std::string(kDevices) + name + "/type", type);
    }
    WriteFile(std::string(kDevices) + "uncore_imc/cpumask", "0");
    WriteFile(std::string(kDevices) + "uncore_imc/type", "20");
  }
  void Pin(const std::vector<size_t>& cpus) {
    CPU_ZERO(&allowed);
    for (const size_t cpu : cpus) CPU_SET(cpu, &allowed);
  }
};

TEST(Counters, AThreadOfOneKindOfCoresCountsWithTheirPmu) {
  for (const auto& [cpus, type] : {std::pair<std::vector<size_t>, uint64_t>{{0, 3, 8}, 4}, {{4}, 10}, {{4, 5, 6, 7}, 10}}) {
    HybridHost host;
    host.Pin(cpus);
    hftmon_counters_refusal why = {};
    const hftmon_counter_event chosen = {"chosen", PERF_TYPE_HARDWARE, 0, uint64_t{77} << 32, 0, 0};
    ASSERT_NE(Open(host, {kCycles, kL1dMisses, HFTMON_COUNTER_RAW("raw", 5), chosen}, &why), nullptr) << why.text;
    EXPECT_EQ(host.opened()[0].attributes.config, type << 32);
    EXPECT_EQ(host.opened()[1].attributes.config, type << 32 | 0x10000);
    EXPECT_EQ(host.opened()[2].attributes.config, 5u);
    EXPECT_EQ(host.opened()[2].attributes.type, type);
    EXPECT_EQ(host.opened()[3].attributes.config, uint64_t{77} << 32) << "the program's own choice";
  }
}

TEST(Counters, AThreadThatMayRunOnSeveralKindsIsAskedToBePinned) {
  for (const std::vector<size_t>& cpus : {std::vector<size_t>{3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8}, {9}, {}}) {
    HybridHost host;
    host.Pin(cpus);
    const hftmon_counters_refusal why = Refusal(host);
    EXPECT_EQ(why.cause, HFTMON_COUNTERS_SEVERAL_KINDS);
    EXPECT_THAT(why.text, HasSubstr("pin it to those of one kind before it opens"));
    EXPECT_THAT(why.text, testing::AnyOf(HasSubstr("cpu_core (CPUs 0-3,8)"), HasSubstr("cpu_atom (CPUs 4-7)")));
  }
}

TEST(Counters, CoresThatAreAlikeNeedNoPinning) {
  FakeCountersHost host;
  host.WriteFile(std::string(kDevices) + "armv8_pmuv3/cpus", "0-3");
  host.WriteFile(std::string(kDevices) + "armv8_pmuv3/type", "8");
  ASSERT_NE(Open(host, {kCycles}), nullptr);
  EXPECT_EQ(host.opened()[0].attributes.config, 0u);
}

bool HostHasCycles() {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  const long descriptor = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (descriptor >= 0) close(static_cast<int>(descriptor));
  return descriptor >= 0 || errno != ENOENT;
}

TEST(Counters, AHostWithoutAPmuSaysSoOfEachNamedEvent) {
  if (HostHasCycles()) GTEST_SKIP() << "this host has a PMU, or does not tell";
  hftmon_counters_refusal why = {};
  EXPECT_EQ(open_each_named(&why), 0u);
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_NO_PMU);
  EXPECT_EQ(why.error, ENOENT);
  EXPECT_THAT(why.text, HasSubstr("raw: no hardware PMU"));
}

// The kernel's own page of a software event, not the fake's.
TEST(Counters, AHostsSoftwareEventIsInNoRegister) {
  hftmon_counters_refusal why = {};
  hftmon_counters* const counters = hftmon_counters_open(&kPageFaults, 1, &why);
  EXPECT_EQ(counters, nullptr);
  if (why.cause == HFTMON_COUNTERS_PARANOID || why.cause == HFTMON_COUNTERS_FORBIDDEN || why.cause == HFTMON_COUNTERS_NO_KERNEL) {
    GTEST_SKIP() << why.text;
  }
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_NOT_A_REGISTER) << why.text;
}

TEST(Counters, AHostWithAPmuIsReadWithoutSystemCalls) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer makes system calls of its own";
#endif
  hftmon_counters_refusal why = {};
  const Counters counters(hftmon_counters_open(&kInstructions, 1, &why), &hftmon_counters_close);
  if (counters == nullptr) GTEST_SKIP() << why.text;
  const int ended = WithoutSystemCalls([] {
    hftmon_counters* const own = hftmon_counters_open(&kInstructions, 1, nullptr);
    if (own == nullptr || !ForbidSystemCalls()) return 77;
    hftmon_counters_reading begin;
    hftmon_counters_reading end;
    if (!hftmon_counters_read(own, &begin)) return 1;
    for (int i = 0; i < 100'000; ++i) asm volatile("nop; nop; nop");
    if (!hftmon_counters_read(own, &end)) return 2;
    return !hftmon_counters_whole(&begin, &end) || end.values[0] - begin.values[0] >= 300'000 ? 42 : 3;
  });
  if (ended == 77) GTEST_SKIP() << "this kernel filters no system calls, or gave the child no counters";
  EXPECT_EQ(ended, 42);
}

}  // namespace
}  // namespace hftmon
