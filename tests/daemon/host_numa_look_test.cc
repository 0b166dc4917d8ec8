#include "daemon/host_numa_look.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cerrno>
#include <thread>

#include "absl/synchronization/notification.h"
#include "daemon/numa/placement_reader.h"
#include "daemon/service/rich_error.h"
#include "tests/daemon/numa/fake_page_locations.h"
#include "tests/daemon/os/fixture_tree.h"
#include "tests/fakes/fake_monotonic_clock.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;

constexpr uint32_t kPid = 500;
constexpr int64_t kStartNs = 77;
constexpr uint64_t kStart = 0x500000;
constexpr char kMaps[] = "500000-504000 rw-p 00000000 00:00 0 [heap]\n";

std::string ReasonOf(const absl::Status& status) {
  return std::string(status.GetPayload(kErrorReasonPayload).value_or(absl::Cord()));
}

class HostNumaLooksTest : public ::testing::Test {
 protected:
  HostNumaLooksTest() {
    tree_.Write("/sys/devices/system/node/online", "0-1\n");
    for (const char* node : {"0", "1"}) {
      const std::string folder = std::string("/sys/devices/system/node/node") + node;
      tree_.Write(folder + "/cpulist", std::string(node) + "\n");
      tree_.Write(folder + "/meminfo", std::string("Node ") + node + " MemTotal: 1024 kB\n");
      tree_.Write(folder + "/distance", node == std::string("0") ? "10 21\n" : "21 10\n");
    }
    tree_.Write("/sys/devices/system/cpu/online", "0-1\n");
    tree_.Write("/proc/500/maps", kMaps);
    tree_.Write("/proc/500/statm", "100 4 0 0 0 0 0\n");
    tree_.Write("/proc/500/numa_maps", "00500000 bind:1 heap anon=4 dirty=4 N0=1 N1=3 kernelpagesize_kB=4\n");
    tree_.Write("/proc/500/smaps", "");
    locations_.Put(kStart, kStart + 3 * 4'096, 1);
  }
  HostNumaLooks::Parts Parts() {
    return {.files = tree_.root(),
            .locations = &locations_,
            .clock = &clock_,
            .topology = [] { return absl::StatusOr<CpuTopology>(absl::UnavailableError("none")); },
            .admit = [this] { return admitted_; },
            .look_at =
                [this](uint32_t pid, int64_t start_ns) {
                  return runs_ && pid == kPid && start_ns == kStartNs ? SampledProcess::kRuns : SampledProcess::kEnded;
                },
            .cache_lines_unavailable = [] { return std::string("no PMU"); },
            .bandwidth = [](int64_t duration_ns, const std::function<bool(int64_t)>& wait) -> absl::StatusOr<HostBandwidth> {
              if (wait(duration_ns)) return absl::CancelledError("cancelled");
              return HostBandwidth{.groups_unavailable = "not mounted"};
            }};
  }
  static const absl::StatusOr<NumaLook>& Await(const NumaLookRun& run) {
    while (run.Result() == nullptr) std::this_thread::yield();
    return *run.Result();
  }
  static NumaLookPlan Plan() { return {.processes = {{.pid = kPid, .start_boottime_ns = kStartNs}}, .pages_max = 64}; }

  FixtureTree tree_;
  FakePageLocations locations_{kPid};
  FakeMonotonicClock clock_;
  absl::Status admitted_;
  bool runs_ = true;
};

TEST_F(HostNumaLooksTest, ASmallProcessIsReadWholeAndEachPageByItselfWhereTheMapOfPagesIsAskedFor) {
  HostNumaLooks looks(Parts());
  NumaLookPlan plan = Plan();
  {
    const auto run = looks.Begin(plan);
    ASSERT_TRUE(run.ok()) << run.status();
    const auto& look = Await(**run);
    ASSERT_TRUE(look.ok()) << look.status();
    EXPECT_EQ(look->nodes.DistanceOf(0, 1), 21);
    const auto& placement = look->processes[0].placement;
    ASSERT_TRUE(placement.ok()) << placement.status();
    EXPECT_EQ(placement->mappings[0].policy, "bind:1");
    EXPECT_TRUE(placement->pages.empty());
    EXPECT_TRUE(locations_.sizes.empty());
  }
  plan.keep_pages = true;
  const auto run = looks.Begin(plan);
  ASSERT_TRUE(run.ok()) << run.status();
  const auto& placement = Await(**run)->processes[0].placement;
  ASSERT_TRUE(placement.ok()) << placement.status();
  std::vector<int> nodes;
  for (const LocatedPage& page : placement->pages) nodes.push_back(page.node < 0 ? -1 : page.node);
  EXPECT_THAT(nodes, ElementsAre(1, 1, 1, -1));
}

TEST_F(HostNumaLooksTest, WhatAProgramNamesIsLookedAtAndWhyItIsNotAllIsSaid) {
  HostNumaLooks::Parts parts = Parts();
  NamedMemory named{.ranges = {{.start = kStart + 4'096, .end = kStart + 4 * 4'096, .name = "book"}}, .why_missing = {}};
  parts.named_memory = [&named](uint32_t pid) { return pid == kPid ? named : NamedMemory(); };
  HostNumaLooks looks(parts);
  {
    const auto run = looks.Begin(Plan());
    ASSERT_TRUE(run.ok()) << run.status();
    const auto& placement = Await(**run)->processes[0].placement;
    ASSERT_TRUE(placement.ok()) << placement.status();
    ASSERT_EQ(placement->ranges.size(), 1u);
    EXPECT_EQ(placement->ranges[0].name, "book");
    EXPECT_EQ(placement->ranges[0].sampled_count, 3u);
    EXPECT_EQ(placement->ranges[0].absent_count, 1u);
    EXPECT_EQ(placement->mappings.size(), 1u);
    EXPECT_TRUE(placement->unavailable.empty());
  }
  named = {.ranges = {}, .why_missing = "it has no marker file"};
  const auto run = looks.Begin(Plan());
  ASSERT_TRUE(run.ok()) << run.status();
  const auto& placement = Await(**run)->processes[0].placement;
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_TRUE(placement->ranges.empty());
  ASSERT_EQ(placement->unavailable.size(), 1u);
  EXPECT_EQ(placement->unavailable[0].part, "ranges");
  EXPECT_EQ(placement->unavailable[0].reason, "it has no marker file");
}

TEST_F(HostNumaLooksTest, AfterALookAtVeryManyMappingsMemoryIsGivenBackAsSoonAsTheAnswerIsLetGo) {
  int given_back = 0;
  HostNumaLooks::Parts parts = Parts();
  parts.give_back_memory = [&given_back] { ++given_back; };
  HostNumaLooks looks(parts);
  const auto look = [&] {
    const auto run = looks.Begin(Plan());
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE(Await(**run).ok());
    EXPECT_EQ(given_back, 0) << "the answer is still there";
  };
  look();
  EXPECT_EQ(given_back, 0) << "of one mapping there is nothing to give back";
  std::string maps;
  for (size_t i = 0; i <= kWholeMappingsMax; ++i) {
    maps += fmt::format("{:x}-{:x} rw-p 00000000 00:00 0 \n", kStart + i * 0x2000, kStart + i * 0x2000 + 0x1000);
  }
  tree_.Write("/proc/500/maps", maps);
  look();
  EXPECT_EQ(given_back, 1);
}

TEST_F(HostNumaLooksTest, InQuietModeExactIsRefusedAndNumaMapsAreNotReadUnasked) {
  admitted_ = absl::FailedPreconditionError("quiet");
  HostNumaLooks looks(Parts());
  NumaLookPlan plan = Plan();
  plan.exact = true;
  EXPECT_EQ(looks.Begin(plan).status(), admitted_);
  plan.exact = false;
  const auto run = looks.Begin(plan);
  ASSERT_TRUE(run.ok()) << run.status();
  const auto& placement = Await(**run)->processes[0].placement;
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_FALSE(placement->mappings[0].policy.has_value());
  EXPECT_EQ(locations_.asked.size(), 4u);
}

TEST_F(HostNumaLooksTest, ThereIsOneLookAtATimeAndTheNextMayBeginWhenItIsGone) {
  absl::Notification reached;
  absl::Notification go;
  locations_.on_call = [&](size_t) {
    reached.Notify();
    go.WaitForNotification();
    return 0;
  };
  HostNumaLooks looks(Parts());
  NumaLookPlan plan = Plan();
  plan.keep_pages = true;
  auto run = looks.Begin(plan);
  ASSERT_TRUE(run.ok()) << run.status();
  reached.WaitForNotification();
  const absl::Status second = looks.Begin(plan).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(second), "SAMPLING");
  go.Notify();
  EXPECT_TRUE(Await(**run).ok());
  run->reset();
  locations_.on_call = nullptr;
  EXPECT_TRUE(looks.Begin(plan).ok());
}

TEST_F(HostNumaLooksTest, AnotherProcessOfTheNumberIsNotLookedAtAndTheHostIsToldAllTheSame) {
  runs_ = false;
  HostNumaLooks looks(Parts());
  const auto run = looks.Begin(Plan());
  ASSERT_TRUE(run.ok()) << run.status();
  const auto& look = Await(**run);
  ASSERT_TRUE(look.ok()) << look.status();
  EXPECT_EQ(look->nodes.nodes.size(), 2u);
  EXPECT_TRUE(absl::IsNotFound(look->processes[0].placement.status()));
  EXPECT_TRUE(locations_.sizes.empty());
}

TEST_F(HostNumaLooksTest, CancellingEndsItAtTheNextPause) {
  tree_.Write("/proc/500/maps", "500000-700000 rw-p 00000000 00:00 0 [heap]\n");
  NumaLookRun* running = nullptr;
  absl::Notification begun;
  locations_.on_call = [&](size_t) {
    begun.WaitForNotification();
    running->Cancel();
    return 0;
  };
  HostNumaLooks looks(Parts());
  NumaLookPlan plan = Plan();
  plan.keep_pages = true;
  const auto run = looks.Begin(plan);
  ASSERT_TRUE(run.ok()) << run.status();
  running = run->get();
  begun.Notify();
  EXPECT_TRUE(absl::IsCancelled(Await(**run).status()));
  EXPECT_EQ(locations_.sizes.size(), 1u);
}

TEST_F(HostNumaLooksTest, BandwidthsAreMeasuredWhereTheyWereAskedForAndEndWithTheLook) {
  HostNumaLooks looks(Parts());
  NumaLookPlan plan = Plan();
  {
    const auto run = looks.Begin(plan);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_FALSE(Await(**run)->bandwidth.has_value());
  }
  plan.bandwidth_ns = 1;
  {
    const auto run = looks.Begin(plan);
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE(Await(**run)->bandwidth.has_value());
    EXPECT_EQ((*run)->Result()->value().bandwidth->groups_unavailable, "not mounted");
    EXPECT_EQ((*run)->Result()->value().processes.size(), 1u);
  }
  plan.bandwidth_ns = int64_t{3'600'000'000'000};
  const auto run = looks.Begin(plan);
  ASSERT_TRUE(run.ok()) << run.status();
  (*run)->Cancel();
  EXPECT_EQ(Await(**run).status().code(), absl::StatusCode::kCancelled);
}

class NoStacks final : public StackUnwinder {
 public:
  Stack Unwind(const hft_stack& /*record*/) override { return {}; }
};

TEST_F(HostNumaLooksTest, GrowthIsLookedForOnlyWhereItIsAskedForAndARefusalOfTheKernelIsTold) {
  FakeSamplingEvents kernel;
  kernel.threads = {static_cast<pid_t>(kPid)};
  absl::Status admitted = absl::FailedPreconditionError("off");
  HostNumaLooks::Parts parts = Parts();
  parts.growth = {.calls = &kernel,
                  .memory = &kernel,
                  .clock = &clock_,
                  .threads = [&kernel](pid_t) { return kernel.List(); },
                  .facts = [] { return PerfEventRefusalFacts(); },
                  .mappings = [this](uint32_t pid) { return ProcMaps::Read(tree_.root(), static_cast<pid_t>(pid)); },
                  .unwinder = [] { return std::make_unique<NoStacks>(); },
                  .admit = [&admitted] { return admitted; },
                  .look_at = parts.look_at};
  HostNumaLooks looks(std::move(parts));
  NumaLookPlan plan = Plan();
  plan.growth_ns = 1;
  EXPECT_EQ(looks.Begin(plan).status(), admitted);
  admitted = absl::OkStatus();
  kernel.open_errors = {EACCES};
  {
    const auto run = looks.Begin(plan);
    ASSERT_TRUE(run.ok()) << run.status();
    const auto& look = Await(**run);
    ASSERT_TRUE(look.ok()) << look.status();
    EXPECT_TRUE(look->processes[0].placement.ok()) << "the rest is told all the same";
    ASSERT_TRUE(look->processes[0].growth.has_value());
    EXPECT_NE(look->processes[0].growth->unavailable, "");
    EXPECT_EQ(look->processes[0].growth->begin_mono_ns, 0);
  }
  plan.growth_ns = 0;
  const auto run = looks.Begin(plan);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_FALSE(Await(**run)->processes[0].growth.has_value());
  EXPECT_TRUE(kernel.events().empty());
}

}  // namespace
}  // namespace hftmon
