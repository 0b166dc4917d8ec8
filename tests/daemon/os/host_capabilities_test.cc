#include "daemon/os/host_capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/ptp_clock.h>
#include <sys/timex.h>

#include <cerrno>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "daemon/os/ptp_clocks.h"
#include "daemon/os/tsc.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

class HostCapabilitiesTest : public ::testing::Test {
 protected:
  // A trading host where everything is there.
  HostCapabilitiesTest() {
    tree_.Write("/sys/kernel/btf/vmlinux", "btf");
    tree_.Write("/proc/self/schedstat", "761532 10615 2\n");
    tree_.Write(kClocksource, std::string(kTscClocksource) + "\n");
    tree_.Write("/proc/sys/kernel/perf_event_paranoid", "2\n");
    tree_.Write("/sys/devices/system/cpu/isolated", "2-5\n");
    tree_.Write("/sys/devices/system/cpu/nohz_full", "2-5\n");
    tree_.Write("/sys/devices/system/node/online", "0-1\n");
    tree_.Write("/sys/fs/cgroup/cgroup.controllers", "cpu\n");
    tree_.Write("/sys/kernel/tracing/events/header_page", "x\n");
    tree_.Write("/sys/bus/event_source/devices/msr/events/tsc", "event=0x00\n");
    tree_.Write("/sys/class/ptp/ptp0/clock_name", "igc\n");
    tree_.MakeDirectory("/sys/class/net/enp1s0/device/ptp/ptp0");
  }

  HostProbes Probes() {
    return {.root = tree_.root(),
            .kernel_release = release_,
            .invariant_tsc = invariant_tsc_,
            .has_capability = [this](unsigned capability) { return capabilities_.contains(capability); },
            .open_hardware_counter = [this] { return pmu_error_; },
            .memory_lock_limit_bytes = [this] { return lock_limit_bytes_; },
            .adjust_clock = [this](timex* clock) { return AdjustClock(clock); },
            .tai_offset_ns = [this] { return tai_offset_ns_; },
            .ptp_calls = &ptp_calls_};
  }

  HostCapability Get(const std::string& name) {
    for (const HostCapability& capability : ReadHostCapabilities(Probes())) {
      if (capability.name == name) return capability;
    }
    ADD_FAILURE() << "no capability " << name;
    return {};
  }

  void ExpectUnavailable(const std::string& name, const std::string& reason, const std::string& mend) {
    const HostCapability capability = Get(name);
    EXPECT_FALSE(capability.available) << name;
    EXPECT_THAT(capability.reason, HasSubstr(reason));
    EXPECT_THAT(capability.mend, HasSubstr(mend));
  }

  int AdjustClock(timex* clock) const {
    EXPECT_EQ(clock->modes, 0u) << "only ever read";
    clock->maxerror = 250;
    return clock_state_;
  }

  // Every driver knows the precise comparison; nothing else is asked for.
  class FakePtpCalls final : public PtpCalls {
   public:
    int Open(const std::string& path) const override {
      EXPECT_EQ(path, "/dev/ptp0");
      return error != 0 ? -error : 5;
    }
    int Control(int fd, unsigned long request, void*) const override {
      EXPECT_EQ(fd, 5);
      EXPECT_EQ(request, PTP_SYS_OFFSET_PRECISE);
      return 0;
    }
    void Close(int fd) const override { EXPECT_EQ(fd, 5); }
    int error = 0;
  };

  static constexpr const char* kClocksource = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  FixtureTree tree_;
  std::string release_ = "6.1.0-18-rt-amd64";
  bool invariant_tsc_ = true;
  std::set<unsigned> capabilities_ = {CAP_BPF, CAP_PERFMON, CAP_IPC_LOCK};
  int pmu_error_ = 0;
  size_t lock_limit_bytes_ = 8u << 20;
  int clock_state_ = TIME_OK;
  int64_t tai_offset_ns_ = 37'000'000'000;
  FakePtpCalls ptp_calls_;
};

TEST_F(HostCapabilitiesTest, OnACompleteHostEverythingIsAvailableAndNothingNeedsAMend) {
  for (const HostCapability& capability : ReadHostCapabilities(Probes())) {
    EXPECT_TRUE(capability.available) << capability.name << ": " << capability.reason;
    EXPECT_EQ(capability.mend, "") << capability.name;
    EXPECT_NE(capability.reason, "") << capability.name;
  }
}

TEST_F(HostCapabilitiesTest, OnAnEmptyHostNothingIsAvailableAndEverythingHasReasonAndMend) {
  std::filesystem::remove_all(tree_.path() + "/sys");
  std::filesystem::remove_all(tree_.path() + "/proc");
  release_ = "?";
  invariant_tsc_ = false;
  capabilities_ = {};
  pmu_error_ = ENOENT;
  clock_state_ = -EPERM;
  tai_offset_ns_ = 0;
  std::set<std::string> names;
  for (const HostCapability& capability : ReadHostCapabilities(Probes())) {
    EXPECT_FALSE(capability.available) << capability.name;
    EXPECT_NE(capability.reason, "") << capability.name;
    EXPECT_NE(capability.mend, "") << capability.name;
    EXPECT_TRUE(names.insert(capability.name).second) << capability.name;
  }
  EXPECT_EQ(names.size(), 18u);
}

TEST_F(HostCapabilitiesTest, TheRequiredOnesAreThoseWithoutWhichNothingWorks) {
  std::vector<std::string> required;
  for (const HostCapability& capability : ReadHostCapabilities(Probes())) {
    if (capability.required) required.push_back(capability.name);
  }
  EXPECT_THAT(required, ::testing::ElementsAre("btf", "kernel_version", "bpf_privileges", "sched_info"));
}

TEST_F(HostCapabilitiesTest, AKernelBefore512IsTooOld) {
  for (const char* release : {"5.12", "5.12.0-rc1", "5.15.0-91-generic", "6.0", "10.1"}) {
    release_ = release;
    EXPECT_TRUE(Get("kernel_version").available) << release;
  }
  for (const char* release : {"5.11.22", "4.19.0-26-amd64", "5.9"}) {
    release_ = release;
    ExpectUnavailable("kernel_version", release, "at least 5.12");
  }
  release_ = "linux";
  ExpectUnavailable("kernel_version", "no kernel version", "at least 5.12");
}

TEST_F(HostCapabilitiesTest, ASchedstatThatStandsAtZeroAccountsNothing) {
  tree_.Write("/proc/self/schedstat", "0 0 0\n");
  ExpectUnavailable("sched_info", "stands at 0", "CONFIG_SCHED_INFO");
}

TEST_F(HostCapabilitiesTest, AnotherClockSourceIsNamed) {
  tree_.Write(kClocksource, "kvm-clock\n");
  ExpectUnavailable("clocksource_tsc", "kvm-clock", "echo ");
}

TEST_F(HostCapabilitiesTest, AMissingPmuAndARefusedOneAreDifferentThings) {
  pmu_error_ = ENOENT;
  ExpectUnavailable("hardware_pmu", "no hardware PMU", "bare machine");
  pmu_error_ = EACCES;
  ExpectUnavailable("hardware_pmu", "refused", "let seccomp pass perf_event_open");
  pmu_error_ = EMFILE;
  ExpectUnavailable("hardware_pmu", "Too many open files", "LimitNOFILE");
}

TEST_F(HostCapabilitiesTest, ARefusedPmuIsExplainedByTheLevelThatWasRead) {
  constexpr const char* kLevelFile = "/proc/sys/kernel/perf_event_paranoid";
  pmu_error_ = EACCES;
  ExpectUnavailable("hardware_pmu", "perf_event_paranoid is 2 and does not bind the caller", "security module");
  capabilities_ = {};
  ExpectUnavailable("hardware_pmu", "perf_event_paranoid is 2: without CAP_PERFMON", "sysctl kernel.perf_event_paranoid=1");
  tree_.Write(kLevelFile, "3\n");
  capabilities_ = {CAP_PERFMON};
  ExpectUnavailable("hardware_pmu", "perf_event_paranoid is 3: kernels that know this level", "sysctl kernel.perf_event_paranoid=2");
  capabilities_ = {CAP_SYS_ADMIN};
  ExpectUnavailable("hardware_pmu", "perf_event_paranoid is 3 and does not bind the caller", "security module");
  tree_.Write(kLevelFile, "high\n");
  ExpectUnavailable("hardware_pmu", "see perf_event_paranoid", "sysctl kernel.perf_event_paranoid=2");
}

TEST_F(HostCapabilitiesTest, ParanoidThreeNeedsMoreThanPerfmon) {
  tree_.Write("/proc/sys/kernel/perf_event_paranoid", "3\n");
  ExpectUnavailable("perf_event_paranoid", "CAP_PERFMON is not enough", "sysctl kernel.perf_event_paranoid=2");
  capabilities_.insert(CAP_SYS_ADMIN);
  EXPECT_TRUE(Get("perf_event_paranoid").available);
  capabilities_ = {};
  tree_.Write("/proc/sys/kernel/perf_event_paranoid", "1\n");
  ExpectUnavailable("perf_event_paranoid", "without CAP_PERFMON", "CAP_PERFMON");
  tree_.Write("/proc/sys/kernel/perf_event_paranoid", "-1\n");
  EXPECT_TRUE(Get("perf_event_paranoid").available);
}

TEST_F(HostCapabilitiesTest, AHostWithOneNodeHasNothingRemote) {
  tree_.Write("/sys/devices/system/node/online", "0\n");
  ExpectUnavailable("numa_nodes", "one node", "one socket");
}

TEST_F(HostCapabilitiesTest, NoIsolatedCpuIsSaid) {
  tree_.Write("/sys/devices/system/cpu/isolated", "\n");
  tree_.Write("/sys/devices/system/cpu/nohz_full", " (null)\n");
  ExpectUnavailable("isolated_cpus", "no CPU is isolated", "isolcpus=");
  ExpectUnavailable("nohz_full", "without the timer tick", "nohz_full=");
}

TEST_F(HostCapabilitiesTest, ASmallLockLimitWithoutTheCapabilityIsNotEnough) {
  capabilities_.erase(CAP_IPC_LOCK);
  ExpectUnavailable("memory_lock_limit", "8192 KiB", "LimitMEMLOCK=");
  lock_limit_bytes_ = 64u << 20;
  EXPECT_TRUE(Get("memory_lock_limit").available);
  lock_limit_bytes_ = SIZE_MAX;
  EXPECT_TRUE(Get("memory_lock_limit").available);
}

TEST_F(HostCapabilitiesTest, APtpClockIsListedWithItsDriverAndInterfaces) {
  EXPECT_EQ(Get("ptp_clocks").reason, "/dev/ptp0 (igc, enp1s0), precise");
  ptp_calls_.error = EACCES;
  ExpectUnavailable("ptp_clocks", "/dev/ptp0: Permission denied", "ptp_kvm");
}

TEST_F(HostCapabilitiesTest, AnUnsynchronisedClockAndAMissingTaiOffsetAreSaid) {
  EXPECT_EQ(Get("clock_synchronised").reason, "to UTC within 250us");
  EXPECT_EQ(Get("tai_offset").reason, "TAI is UTC + 37 s");
  clock_state_ = TIME_ERROR;
  tai_offset_ns_ = 0;
  ExpectUnavailable("clock_synchronised", "STA_UNSYNC", "chronyd");
  ExpectUnavailable("tai_offset", "no TAI offset", "phc2sys");
}

TEST_F(HostCapabilitiesTest, MissingPrivilegesAreNamed) {
  capabilities_ = {CAP_BPF};
  ExpectUnavailable("bpf_privileges", "CAP_PERFMON", "AmbientCapabilities");
}

TEST_F(HostCapabilitiesTest, ThisHostAnswersForEveryName) {
  for (const HostCapability& capability : ReadHostCapabilities(SystemHostProbes())) {
    EXPECT_NE(capability.reason, "") << capability.name;
    EXPECT_EQ(capability.available, capability.mend.empty()) << capability.name;
    ::testing::Test::RecordProperty(capability.name, (capability.available ? "yes: " : "no: ") + capability.reason);
  }
}

}  // namespace
}  // namespace hftmon
