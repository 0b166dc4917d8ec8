// Sampling of memory accesses against this kernel, by hardware breakpoints: every access of one word is a sample, which tells thread, CPU,
// code and address as a processor's own sampling does, though neither level nor latency. Needs perf_event_open on another process.
#include "daemon/pmu/memory_sampler.h"

#include <gmock/gmock.h>
#include <linux/hw_breakpoint.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>

#include "daemon/os/thread_ids.h"
#include "daemon/pmu/memory_sampling_events.h"
#include "daemon/pmu/pmu_list.h"
#include "daemon/pmu/processor_model.h"
#include "tests/privileged/harness/workload_run.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

constexpr size_t kPlenty = 1'000'000;
constexpr int64_t kAccesses = 3'000;

const ListThreads kThreadsOf = [](pid_t pid) { return ReadThreadIds(FileRoot(), pid); };

SampledEvent Breakpoint(uint64_t address) {
  SampledEvent event{.name = "breakpoint"};
  event.attributes.type = PERF_TYPE_BREAKPOINT;
  event.attributes.bp_type = HW_BREAKPOINT_RW;
  event.attributes.bp_addr = address;
  event.attributes.bp_len = HW_BREAKPOINT_LEN_8;
  event.attributes.sample_period = 1;
  event.attributes.sample_type =
      PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU | PERF_SAMPLE_DATA_SRC;
  event.attributes.exclude_kernel = 1;
  event.attributes.use_clockid = 1;
  event.attributes.clockid = CLOCK_MONOTONIC;
  return event;
}

size_t DescriptorCount() {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

size_t RingCount() {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("[perf_event]") != std::string::npos ? 1 : 0;
  return count;
}

class MemorySamplerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // A word of this process: whether breakpoints may be had at all.
    alignas(8) static volatile uint64_t own = 0;
    const auto sampler = MemorySampler::OpenProcess(calls_, memory_, kThreadsOf, getpid(), std::vector{Breakpoint(AddressOf(&own))}, {});
    if (absl::IsPermissionDenied(sampler.status()) || absl::IsFailedPrecondition(sampler.status()))
      GTEST_SKIP() << sampler.status().message();
    ASSERT_TRUE(sampler.ok()) << sampler.status();
  }
  static uint64_t AddressOf(const volatile void* word) { return reinterpret_cast<uintptr_t>(word); }
  static uint64_t AddressOf(const WorkloadRun& run) { return run.about()["address"].get<uint64_t>(); }
  absl::StatusOr<MemorySampler> Open(const WorkloadRun& run, size_t ring_pages) {
    return MemorySampler::OpenProcess(calls_, memory_, kThreadsOf, run.pid(), std::vector{Breakpoint(AddressOf(run))},
                                      {.ring_pages = ring_pages});
  }
  static std::vector<MemoryAccess> Drain(MemorySampler& sampler) {
    std::vector<MemoryAccess> accesses;
    sampler.Drain(kPlenty, [&](const MemoryAccess& access) { accesses.push_back(access); });
    return accesses;
  }
  static void Round(WorkloadRun& run, int64_t accesses) {
    ASSERT_TRUE(run.Act(std::to_string(accesses)).is_object());
    ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  }
  // Those of one of the workload's two threads, each of them by its own code.
  static int64_t CountOf(const std::vector<MemoryAccess>& accesses, const WorkloadRun& run, const std::string& who) {
    const nlohmann::json& thread = run.about()[who];
    const auto tid = thread["tid"].get<uint32_t>();
    const auto begin = thread["code"]["begin"].get<uint64_t>();
    const auto end = thread["code"]["end"].get<uint64_t>();
    return std::count_if(accesses.begin(), accesses.end(), [&](const MemoryAccess& access) {
      // The processor stops behind the instruction that accesses.
      return access.tid == tid && access.pid == static_cast<uint32_t>(run.pid()) && access.code_address > begin &&
             access.code_address <= end && access.address == AddressOf(run);
    });
  }

  SystemPerfEventCalls calls_;
  SystemPerfRingMemory memory_;
};

TEST_F(MemorySamplerTest, EveryAccessIsToldWithThreadCodeAndAddress) {
  WorkloadRun run("shared_word", {"--accesses", std::to_string(kAccesses)});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  auto sampler = Open(run, 256);
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  EXPECT_EQ(sampler->thread_count(), 3u);
  Round(run, kAccesses);  // the first takes the argument's number
  EXPECT_TRUE(Drain(*sampler).empty()) << "it is opened switched off";
  ASSERT_TRUE(sampler->Enable().ok());
  const int64_t begin_ns = workload::NowNs();
  Round(run, kAccesses);
  const int64_t end_ns = workload::NowNs();
  ASSERT_TRUE(sampler->Disable().ok());
  Round(run, kAccesses);
  const std::vector<MemoryAccess> accesses = Drain(*sampler);
  EXPECT_EQ(accesses.size(), 2u * kAccesses);
  EXPECT_EQ(CountOf(accesses, run, "storer"), kAccesses);
  EXPECT_EQ(CountOf(accesses, run, "loader"), kAccesses);
  std::map<uint32_t, int64_t> last_ns;
  for (const MemoryAccess& access : accesses) {
    ASSERT_GE(access.time_ns, std::max(begin_ns, last_ns[access.tid]));
    ASSERT_LE(access.time_ns, end_ns);
    ASSERT_TRUE(access.cpu.has_value());
    ASSERT_EQ(access.period, 1u);
    ASSERT_FALSE(access.source.IsAccess()) << "a breakpoint tells no operation";
    last_ns[access.tid] = access.time_ns;
  }
  EXPECT_TRUE(sampler->counts().complete());
  std::printf("%zu accesses of %lld stores and %lld loads, lost %llu\n", accesses.size(), static_cast<long long>(kAccesses),
              static_cast<long long>(kAccesses), static_cast<unsigned long long>(sampler->counts().ring.lost_count));
  EXPECT_EQ(run.End(), 0);
}

TEST_F(MemorySamplerTest, ARingThatIsDrainedNowAndThenGoesRoundAndLosesNothing) {
  WorkloadRun run("shared_word", {"--accesses", "0"});
  ASSERT_TRUE(run.about().is_object());
  auto sampler = Open(run, 1);
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  ASSERT_TRUE(sampler->Enable().ok());
  Round(run, 0);
  // Of 64 bytes each: 50 fit, and rounds do not divide the page.
  constexpr int kRounds = 40;
  constexpr int64_t kEach = 50;
  std::vector<MemoryAccess> all;
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(run.Act(std::to_string(kEach)).is_object());
    const std::vector<MemoryAccess> accesses = Drain(*sampler);
    all.insert(all.end(), accesses.begin(), accesses.end());
  }
  EXPECT_EQ(CountOf(all, run, "storer"), kRounds * kEach);
  EXPECT_EQ(CountOf(all, run, "loader"), kRounds * kEach);
  EXPECT_EQ(all.size(), 2u * kRounds * kEach);
  EXPECT_TRUE(sampler->counts().complete());
}

TEST_F(MemorySamplerTest, WhatFoundNoRoomIsCountedToTheDigit) {
  WorkloadRun run("shared_word", {"--accesses", std::to_string(kAccesses)});
  ASSERT_TRUE(run.about().is_object());
  auto sampler = Open(run, 1);
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  ASSERT_TRUE(sampler->Enable().ok());
  Round(run, kAccesses);
  const size_t told = Drain(*sampler).size();
  EXPECT_LT(told, 2u * kAccesses);
  // The kernel tells a loss with the next record that finds room.
  Round(run, 1);
  const size_t later = Drain(*sampler).size();
  EXPECT_EQ(later, 2u);
  const MemorySamplerCounts counts = sampler->counts();
  EXPECT_EQ(told + later + counts.ring.lost_count, 2u * (kAccesses + 1));
  EXPECT_EQ(counts.ring.damage_count, 0u);
  EXPECT_FALSE(counts.complete());
  std::printf("%zu told and %llu lost of %lld\n", told + later, static_cast<unsigned long long>(counts.ring.lost_count),
              static_cast<long long>(2 * (kAccesses + 1)));
}

TEST_F(MemorySamplerTest, ACpusAccessesAreThoseThatWereMadeThere) {
  const int cpu = workload::ChooseCpu(-1);
  WorkloadRun run("shared_word", {"--accesses", std::to_string(kAccesses), "--cpu", std::to_string(cpu)});
  ASSERT_TRUE(run.about().is_object());
  auto sampler = MemorySampler::OpenCpu(calls_, memory_, cpu, std::vector{Breakpoint(AddressOf(run))}, {.ring_pages = 256});
  if (absl::IsPermissionDenied(sampler.status())) GTEST_SKIP() << sampler.status().message();
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  ASSERT_TRUE(sampler->Enable().ok());
  Round(run, kAccesses);
  const std::vector<MemoryAccess> accesses = Drain(*sampler);
  EXPECT_EQ(CountOf(accesses, run, "storer"), kAccesses);
  EXPECT_EQ(CountOf(accesses, run, "loader"), kAccesses);
  for (const MemoryAccess& access : accesses) ASSERT_EQ(access.cpu, static_cast<uint32_t>(cpu));
  EXPECT_TRUE(sampler->counts().complete());
}

TEST_F(MemorySamplerTest, NeitherDescriptorsNorRingsAreLeft) {
  WorkloadRun run("shared_word");
  ASSERT_TRUE(run.about().is_object());
  const size_t descriptors = DescriptorCount();
  ASSERT_EQ(RingCount(), 0u);
  for (int i = 0; i < 20; ++i) {
    auto sampler = Open(run, 4);
    ASSERT_TRUE(sampler.ok()) << sampler.status();
    ASSERT_TRUE(sampler->Enable().ok());
    EXPECT_EQ(DescriptorCount(), descriptors + 3);
    EXPECT_EQ(RingCount(), 3u);
    const auto refused = Open(run, size_t{1} << 17);
    EXPECT_FALSE(refused.ok());
  }
  EXPECT_EQ(DescriptorCount(), descriptors);
  EXPECT_EQ(RingCount(), 0u);
}

TEST_F(MemorySamplerTest, ThisProcessorsOwnEventsAreOpenedOrGiveTheReason) {
  const FileRoot root;
  const auto model = ReadProcessorModel(root, workload::ChooseCpu(-1));
  ASSERT_TRUE(model.ok()) << model.status();
  const auto events = MemorySamplingEvents(PmuList::Read(root), *model, {});
  if (!events.ok()) {
    EXPECT_TRUE(absl::IsFailedPrecondition(events.status()));
    GTEST_SKIP() << events.status().message();
  }
  WorkloadRun run("shared_word");
  ASSERT_TRUE(run.about().is_object());
  const auto sampler = MemorySampler::OpenProcess(calls_, memory_, kThreadsOf, run.pid(), SampledEventsOf(*events), {});
  ASSERT_TRUE(sampler.ok()) << sampler.status();
}

}  // namespace
}  // namespace hftmon::testing
