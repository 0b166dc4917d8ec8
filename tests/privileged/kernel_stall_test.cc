// Waits for the kernel's own locks, reclaim and compaction against what the stalled thread knows itself.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/privileged/harness/memory_cgroup.h"
#include "tests/privileged/memory_answer.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int64_t kThresholdNs = 20'000;
constexpr uint64_t kFileBytes = 96u << 20;

class KernelStallTest : public PrivilegedTest {
 protected:
  static uint64_t BytesOf(const std::string& kind) {
    if (kind == "reclaim") return kFileBytes;
    return kind == "mutex" ? 1u << 20 : 32u << 20;  // of a pipe, what every user may have
  }
  std::unique_ptr<WorkloadRun> Stalled(const std::string& kind, int count, const std::string& group, const std::string& cgroup = "") {
    auto run = std::make_unique<WorkloadRun>(
        "kernel_stalled", std::vector<std::string>{"--cpu", CpuArgument(), "--kind", kind, "--count", std::to_string(count), "--bytes",
                                                   std::to_string(BytesOf(kind)), "--cgroup", cgroup});
    EXPECT_TRUE(run->about().is_object());
    refused_ = run->about().is_object() ? run->about()["refused"].get<std::string>() : "it did not start";
    if (!refused_.empty()) return run;
    v1::AttachRequest request;
    request.add_pids(run->pid());
    request.mutable_options()->set_spike_threshold_ns(kThresholdNs);
    request.mutable_options()->add_probe_groups(group);
    const auto attached = daemon_.client().Attach(request);
    if (attached.status().code() == absl::StatusCode::kFailedPrecondition) refused_ = std::string(attached.status().message());
    EXPECT_TRUE(attached.ok() || !refused_.empty()) << attached.status();
    return run;
  }
  std::vector<v1::Spike> SpikesOf(pid_t pid, pid_t tid, const std::string& kind) const {
    std::vector<v1::Spike> spikes;
    const auto answer = daemon_.Spikes(pid);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return spikes;
    for (const v1::Spike& spike : answer->spikes()) {
      if (spike.kind() != kind || spike.thread().tid() != tid) continue;
      ExpectExactBudget(spike);
      spikes.push_back(spike);
    }
    return spikes;
  }
  v1::ThreadCalls LocksOf(pid_t pid, pid_t tid) const {
    v1::QueryLocksRequest request;
    request.add_pids(pid);
    request.add_tids(tid);
    const auto answer = daemon_.client().QueryLocks(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() && answer->threads_size() == 1 ? answer->threads(0) : v1::ThreadCalls();
  }
  // Huge pages that others made of the process's.
  uint64_t CollapsesOf(pid_t pid) const {
    v1::QueryMemoryRequest request;
    request.add_pids(pid);
    const auto answer = daemon_.client().QueryMemory(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() && answer->collapses_size() == 1 ? answer->collapses(0).count() : 0;
  }
  static int64_t ElapsedNs(const json& truth) {
    int64_t sum_ns = 0;
    for (const json& stall : truth["stalls"]) sum_ns += stall[1].get<int64_t>() - stall[0].get<int64_t>();
    return sum_ns;
  }

  std::string refused_;
};

// What the daemon said of the waits for a lock that another thread held for a known time.
struct ToldWaits {
  int waited = 0;
  int told = 0;
  int close = 0;  // as long as they were
  int named = 0;  // with their holder
  int spun = 0;   // mostly on its CPU
};

class KernelLockKindsTest : public KernelStallTest, public ::testing::WithParamInterface<std::string> {
 protected:
  ToldWaits Compare(const json& truth, const std::vector<v1::Spike>& spikes, pid_t holder_tid) const {
    ToldWaits waits;
    for (const json& stall : truth["stalls"]) {
      const auto start_ns = stall[0].get<int64_t>();
      const auto held_until_ns = stall[2].get<int64_t>();
      // The other side's clock ends a hold late where it lost its CPU then, this one's ends a wait late likewise.
      const int64_t wait_ns = std::min(held_until_ns, stall[1].get<int64_t>()) - start_ns;
      if (wait_ns < 3 * kThresholdNs) continue;  // it had not begun yet, kept from its CPU, or was already done
      ++waits.waited;
      const auto spike = std::find_if(spikes.begin(), spikes.end(), [&](const v1::Spike& one) {
        return one.start_monotonic_ns() >= start_ns && one.start_monotonic_ns() <= held_until_ns && one.duration_ns() > wait_ns / 2;
      });
      if (spike == spikes.end()) continue;
      ++waits.told;
      waits.close += Agrees(spike->duration_ns(), wait_ns) ? 1 : 0;
      waits.named += spike->kernel_lock().holder().tid() == holder_tid ? 1 : 0;
      waits.spun += spike->causes(0).kind() == "kernel_lock" ? 1 : 0;
      EXPECT_EQ(spike->kernel_lock().type(), GetParam());
      EXPECT_EQ(spike->kernel_lock().access(), GetParam() == "rwsem" ? "writing" : "");
    }
    std::printf("%s: %d waits, %d told, %d as long as they were, %d with their holder, %d mostly spun\n", GetParam().c_str(), waits.waited,
                waits.told, waits.close, waits.named, waits.spun);
    return waits;
  }
};

TEST_P(KernelLockKindsTest, AWaitForALockOfTheKernelIsASpikeThatNamesWhoHeldIt) {
  const auto run = Stalled(GetParam(), 40, "kernel_locks");
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const pid_t tid = truth["tid"];
  const ToldWaits waits = Compare(truth, SpikesOf(run->pid(), tid, "kernel_lock"), run->about()["other_tid"]);
  if (waits.waited < 20) GTEST_SKIP() << "only " << waits.waited << " of 40 times the other thread held the lock long enough";
  EXPECT_GE(waits.told * 100, waits.waited * 95);
  EXPECT_GE(waits.close * 100, waits.waited * 90);
  EXPECT_GE(waits.named * 100, waits.waited * 90) << "with PREEMPT_RT a lock has no such word";
  if (GetParam() == "rwsem") {
    EXPECT_EQ(waits.spun, 0) << "its holder does not run";
  }
  const v1::KernelLocksOfThread sums = LocksOf(run->pid(), tid).kernel_locks();
  ASSERT_TRUE(sums.available()) << sums.reason();
  ASSERT_GE(sums.sums_size(), 1);
  EXPECT_EQ(sums.sums(0).type(), GetParam());
  EXPECT_GE(sums.sums(0).count(), static_cast<uint64_t>(waits.told));
  EXPECT_LE(sums.sums(0).duration_ns(), ElapsedNs(truth));
}

INSTANTIATE_TEST_SUITE_P(Locks, KernelLockKindsTest, ::testing::Values("mutex", "rwsem"));

TEST_F(KernelStallTest, CompactionIsToldAsLongAsItTook) {
  const auto run = Stalled("compact", 5, "memory");
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const v1::ThreadMemory thread = MemoryOfThread(daemon_, run->pid(), truth["tid"]);
  ASSERT_TRUE(thread.available()) << thread.reason();
  const int64_t elapsed_ns = ElapsedNs(truth);
  std::printf("%llu compactions of %lld us in writes of %lld us\n", static_cast<unsigned long long>(thread.compaction().count()),
              static_cast<long long>(thread.compaction().duration_ns() / 1'000), static_cast<long long>(elapsed_ns / 1'000));
  if (thread.compaction().count() == 0) GTEST_SKIP() << "this kernel found nothing to compact";
  EXPECT_LE(thread.compaction().duration_ns(), elapsed_ns);
  EXPECT_GE(thread.compaction().duration_ns() * 8, elapsed_ns) << "compacting is most of what the write does";
  int64_t longest_ns = 0;
  for (const v1::Spike& spike : SpikesOf(run->pid(), truth["tid"], "compaction")) {
    longest_ns = std::max(longest_ns, spike.duration_ns());
    EXPECT_TRUE(std::any_of(spike.causes().begin(), spike.causes().end(), [](const v1::Cause& cause) {
      return cause.kind() == "compaction";
    })) << spike.ShortDebugString();
  }
  if (thread.compaction().longest_ns() > kThresholdNs) {
    EXPECT_EQ(longest_ns, thread.compaction().longest_ns());
  }
}

TEST_F(KernelStallTest, PagesThatACompactionMovesAreCountedAsThePassesOfIt) {
  const auto run = Stalled("compact", 5, "memory");
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const std::string missing = MissingPartOfMemory(daemon_, run->pid(), "migration");
  if (!missing.empty()) GTEST_SKIP() << missing;
  const v1::ThreadMemory thread = MemoryOfThread(daemon_, run->pid(), truth["tid"]);
  ASSERT_TRUE(thread.available()) << thread.reason();
  const v1::PageMigrations& moved = thread.migrations();
  std::printf("%llu passes moved %llu pages, %llu not, in %lld us of %lld us of compaction\n",
              static_cast<unsigned long long>(thread.migration().count()), static_cast<unsigned long long>(moved.moved_page_count()),
              static_cast<unsigned long long>(moved.failed_page_count()), static_cast<long long>(thread.migration().duration_ns() / 1'000),
              static_cast<long long>(thread.compaction().duration_ns() / 1'000));
  if (thread.migration().count() == 0) GTEST_SKIP() << "this kernel found nothing to move";
  EXPECT_GT(moved.moved_page_count() + moved.failed_page_count(), 0u);
  ASSERT_EQ(moved.reasons().size(), 1u);
  EXPECT_EQ(moved.reasons().begin()->first, "compaction");
  EXPECT_EQ(moved.reasons().begin()->second, thread.migration().count());
  EXPECT_LE(thread.migration().duration_ns(), thread.compaction().duration_ns()) << "it is a part of it";
  // Told by themselves, and as a part of the compaction that they were in.
  const std::vector<v1::Spike> passes = SpikesOf(run->pid(), truth["tid"], "migration");
  int64_t longest_ns = 0;
  for (const v1::Spike& spike : passes) longest_ns = std::max(longest_ns, spike.duration_ns());
  if (thread.migration().longest_ns() > kThresholdNs) {
    EXPECT_EQ(longest_ns, thread.migration().longest_ns());
  }
  int64_t within_ns = 0;
  for (const v1::Spike& spike : SpikesOf(run->pid(), truth["tid"], "compaction")) {
    for (const v1::Cause& cause : spike.causes()) within_ns += cause.kind() == "migration" ? cause.duration_ns() : 0;
  }
  EXPECT_LE(within_ns, thread.migration().duration_ns());
  if (!passes.empty()) {
    EXPECT_GT(within_ns, 0);
  }
}

TEST_F(KernelStallTest, HugePagesThatTheThreadMakesItselfAreCounted) {
  const auto run = Stalled("collapse", 20, "memory");
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const std::string missing = MissingPartOfMemory(daemon_, run->pid(), "collapse");
  if (!missing.empty()) GTEST_SKIP() << missing;
  const v1::ThreadMemory thread = MemoryOfThread(daemon_, run->pid(), truth["tid"]);
  ASSERT_TRUE(thread.available()) << thread.reason();
  const auto made = truth["collapse_count"].get<uint64_t>();
  std::printf("%llu of 20 huge pages were made; %llu told, %llu failed\n", static_cast<unsigned long long>(made),
              static_cast<unsigned long long>(thread.collapse_count()), static_cast<unsigned long long>(thread.failed_collapse_count()));
  EXPECT_EQ(thread.collapse_count() == 0, made == 0);
  if (made == 0) GTEST_SKIP() << "this kernel made no huge page (MADV_COLLAPSE is Linux 6.1's)";
  // Where huge pages are the rule khugepaged may have been there first.
  EXPECT_LE(thread.collapse_count(), made);
  EXPECT_GE(thread.collapse_count() + CollapsesOf(run->pid()), made);
}

TEST_F(KernelStallTest, WhatTheKernelBalancesBetweenNodesIsToldOrWhyNot) {
  const auto run = Stalled("collapse", 1, "memory");
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  v1::QueryMemoryRequest request;
  const auto answer = daemon_.client().QueryMemory(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const std::string missing = MissingPartOfMemory(daemon_, run->pid(), "numa");
  EXPECT_NE(answer->has_numa(), !missing.empty()) << "one of the two";
  std::ifstream file("/proc/sys/kernel/numa_balancing");
  int in_force = 0;
  file >> in_force;
  const bool one_node = !std::filesystem::exists("/sys/devices/system/node/node1");
  EXPECT_EQ(answer->has_numa(), in_force != 0 && !one_node) << missing;
  run->Act();
}

TEST_F(KernelStallTest, ReclaimForACgroupThatIsTooSmallIsTold) {
  const MemoryCgroup small(24u << 20);
  if (small.folder().empty()) GTEST_SKIP() << "no memory cgroup can be made here";
  auto run = Stalled("reclaim", 1, "memory", small.folder());
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const v1::ThreadMemory thread = MemoryOfThread(daemon_, run->pid(), truth["tid"]);
  ASSERT_TRUE(thread.available()) << thread.reason();
  const int64_t elapsed_ns = ElapsedNs(truth);
  std::printf("%llu reclaims of %lld us in reads of %lld us\n", static_cast<unsigned long long>(thread.reclaim().count()),
              static_cast<long long>(thread.reclaim().duration_ns() / 1'000), static_cast<long long>(elapsed_ns / 1'000));
  // A file of four times its size goes through it: at least a reclaim for each 4 MiB.
  EXPECT_GE(thread.reclaim().count(), 16u);
  EXPECT_LE(thread.reclaim().duration_ns(), elapsed_ns);
  EXPECT_GT(thread.reclaim().duration_ns(), 0);
  run.reset();  // the cgroup can go when nobody is in it
}

}  // namespace
}  // namespace hftmon::testing
