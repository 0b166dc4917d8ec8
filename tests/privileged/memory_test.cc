// Page faults and TLB flushes against what the faulting thread knows itself.
#include <algorithm>
#include <string>

#include "tests/privileged/harness/disturbance_witness.h"
#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int64_t kThresholdNs = 20'000;

class MemoryTest : public PrivilegedTest {
 protected:
  // A workload that is watched with "memory" and faults when it is told to; no process when it cannot be made here.
  std::unique_ptr<WorkloadRun> Faulter(const std::string& kind, int count, int64_t threshold_ns = kThresholdNs) {
    auto run = std::make_unique<WorkloadRun>(
        "page_faulter", std::vector<std::string>{"--cpu", CpuArgument(), "--kind", kind, "--count", std::to_string(count)});
    EXPECT_TRUE(run->about().is_object());
    refused_ = run->about().is_object() ? run->about()["refused"].get<std::string>() : "it did not start";
    if (!refused_.empty()) return run;
    v1::AttachRequest request;
    request.add_pids(run->pid());
    request.mutable_options()->set_spike_threshold_ns(threshold_ns);
    request.mutable_options()->add_probe_groups("memory");
    const auto attached = daemon_.client().Attach(request);
    EXPECT_TRUE(attached.ok()) << attached.status();
    return run;
  }
  v1::QueryMemoryResponse Memory(pid_t pid) const {
    v1::QueryMemoryRequest request;
    request.add_pids(pid);
    const auto answer = daemon_.client().QueryMemory(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::QueryMemoryResponse();
  }
  v1::ThreadMemory ThreadOf(pid_t pid, pid_t tid) const {
    const v1::QueryMemoryResponse answer = Memory(pid);
    for (const v1::ThreadMemory& thread : answer.threads()) {
      if (thread.thread().tid() == tid) return thread;
    }
    ADD_FAILURE() << "no thread " << tid;
    return {};
  }
  // Spikes of the kind fault of the thread, each with an exact budget.
  std::vector<v1::Spike> Faults(pid_t pid, pid_t tid) const {
    std::vector<v1::Spike> spikes;
    const auto answer = daemon_.Spikes(pid);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return spikes;
    EXPECT_EQ(answer->lost_records(), 0u);
    for (const v1::Spike& spike : answer->spikes()) {
      if (spike.kind() != "fault" || spike.thread().tid() != tid) continue;
      ExpectExactBudget(spike);
      spikes.push_back(spike);
    }
    return spikes;
  }
  static int64_t CauseNs(const v1::Spike& spike, const std::string& kind) {
    int64_t sum_ns = 0;
    for (const v1::Cause& cause : spike.causes()) sum_ns += cause.kind() == kind ? cause.duration_ns() : 0;
    return sum_ns;
  }
  // The spike within that touch; null: none.
  static const v1::Spike* Within(const std::vector<v1::Spike>& spikes, const json& touch) {
    for (const v1::Spike& spike : spikes) {
      if (spike.start_monotonic_ns() >= touch[0].get<int64_t>() &&
          spike.start_monotonic_ns() + spike.duration_ns() <= touch[1].get<int64_t>()) {
        return &spike;
      }
    }
    return nullptr;
  }
  // How much of its touch each spike has, in thousandths: those above the threshold that have one.
  static std::vector<int64_t> PermilleOfTouches(const std::vector<v1::Spike>& spikes, const json& truth) {
    std::vector<int64_t> permille;
    for (const json& touch : truth["faults"]) {
      const int64_t touch_ns = touch[1].get<int64_t>() - touch[0].get<int64_t>();
      if (const v1::Spike* spike = Within(spikes, touch)) permille.push_back(spike->duration_ns() * 1000 / touch_ns);
    }
    std::sort(permille.begin(), permille.end());
    return permille;
  }

  std::string refused_;
};

TEST_F(MemoryTest, MinorFaultsOfTheThreadsOwnCodeAreCountedAsTheKernelCountsThem) {
  const auto run = Faulter("touch", 5'000);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const pid_t tid = run->about()["tid"];
  const v1::ThreadMemory before = ThreadOf(run->pid(), tid);
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const v1::ThreadMemory after = ThreadOf(run->pid(), tid);
  ASSERT_TRUE(after.available()) << after.reason();
  EXPECT_GE(truth["minor_count"].get<int64_t>(), 5'000);
  const auto told = static_cast<int64_t>(after.user_minor().count() + after.kernel_minor().count() - before.user_minor().count() -
                                         before.kernel_minor().count());
  // Beside its touches it may meet a page of its own code for the first time, before or after it asks for its own count.
  EXPECT_GE(told, truth["minor_count"].get<int64_t>());
  EXPECT_LE(told, truth["minor_count"].get<int64_t>() + 20);
  EXPECT_GE(after.user_minor().count(), 5'000u);
  int64_t touched_ns = 0;
  for (const json& touch : truth["faults"]) touched_ns += touch[1].get<int64_t>() - touch[0].get<int64_t>();
  const int64_t told_ns = after.user_minor().duration_ns() - before.user_minor().duration_ns();
  std::printf("5,000 touches took %lld us, their faults %lld us\n", static_cast<long long>(touched_ns / 1'000),
              static_cast<long long>(told_ns / 1'000));
  EXPECT_LE(told_ns, touched_ns + 20 * kThresholdNs);
  EXPECT_GE(told_ns * 2, touched_ns) << "the way in and out of the kernel is not most of a fault";
}

TEST_F(MemoryTest, FaultsOfASystemCallAreTheKernels) {
  const auto run = Faulter("copy", 2'000);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const v1::ThreadMemory thread = ThreadOf(run->pid(), truth["tid"]);
  EXPECT_GE(thread.kernel_minor().count(), 2'000u);
  EXPECT_LE(thread.user_minor().count(), 50u);
}

TEST_F(MemoryTest, AHugePagesFaultIsASpikeAsLongAsTheThreadSaw) {
  const auto run = Faulter("huge", 40);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const std::vector<v1::Spike> spikes = Faults(run->pid(), truth["tid"]);
  const std::vector<int64_t> permille = PermilleOfTouches(spikes, truth);
  if (permille.size() < 20) GTEST_SKIP() << "only " << permille.size() << " of 40 huge pages were had at the fault";
  std::printf("%zu faults above 20 us, median %.1f %% of the touch\n", permille.size(),
              static_cast<double>(permille[permille.size() / 2]) / 10);
  EXPECT_GE(permille[permille.size() / 2], 950);
  EXPECT_LE(permille.back(), 1000);
  const auto start = run->about()["start"].get<uint64_t>();
  for (const v1::Spike& spike : spikes) {
    if (spike.fault().address() < start) continue;
    EXPECT_FALSE(spike.fault().major()) << spike.ShortDebugString();
    EXPECT_FALSE(spike.fault().in_kernel());
    EXPECT_EQ(spike.fault().mapping(), "anonymous");
  }
  const v1::QueryMemoryResponse memory = Memory(run->pid());
  ASSERT_GE(memory.mappings_size(), 1);
  EXPECT_EQ(memory.mappings(0).mapping(), "anonymous");
  EXPECT_GE(memory.mappings(0).count(), 20u);
  EXPECT_EQ(memory.fault_floor_ns(), kThresholdNs);
}

TEST_F(MemoryTest, APageThatIsReadFromTheDiskIsAMajorFaultAndBlockedForIt) {
  const auto run = Faulter("file", 60);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const v1::ThreadMemory thread = ThreadOf(run->pid(), truth["tid"]);
  const auto told = static_cast<int64_t>(thread.user_major().count() + thread.kernel_major().count());
  EXPECT_GE(told, truth["major_count"].get<int64_t>());
  EXPECT_LE(told, truth["major_count"].get<int64_t>() + 20);
  EXPECT_GE(thread.user_major().count(), 40u);
  EXPECT_GT(thread.user_major().off_cpu_ns(), 0);
  for (const v1::Spike& spike : Faults(run->pid(), truth["tid"])) {
    if (spike.fault().address() < run->about()["start"].get<uint64_t>() || !spike.fault().major()) continue;
    EXPECT_EQ(spike.fault().mapping(), "file");
    EXPECT_NE(spike.fault().file().find("page_faulter"), std::string::npos) << spike.fault().file();
  }
}

TEST_F(MemoryTest, WhatAFaultWaitsForIsBlockedTime) {
  const auto run = Faulter("awaited", 40);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const SwitchWitness witness;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const std::vector<v1::Spike> spikes = Faults(run->pid(), truth["tid"]);
  int named = 0;
  for (const json& touch : truth["faults"]) {
    const v1::Spike* spike = Within(spikes, touch);
    ASSERT_NE(spike, nullptr) << touch;
    EXPECT_GE(spike->duration_ns(), 2'000'000);
    if (CauseNs(*spike, "blocked") * 100 < spike->duration_ns() * 80) continue;
    ++named;
    EXPECT_NE(spike->causes(0).evidence().find("page fault"), std::string::npos) << spike->causes(0).evidence();
  }
  const uint64_t hidden = witness.UnseenSwitchIns(truth["tid"]);
  std::printf("%d of 40 faults that waited 2 ms name it; %llu switches to the thread were hidden\n", named,
              static_cast<unsigned long long>(hidden));
  // Where the kernel showed no program the end of the wait it is not known to be one: see SwitchWitness.
  EXPECT_GE(named + static_cast<int>(hidden), 38);
}

TEST_F(MemoryTest, ShootdownsAreToldOfWhomTheyHitAndOfWhoSentThem) {
  const auto run = Faulter("shootdown", 500);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const int cpu = std::stoi(CpuArgument());
  const int64_t before = ReadCpuInterrupts(cpu).tlb;
  const json truth = run->Act();
  const int64_t received = ReadCpuInterrupts(cpu).tlb - before;  // others' on that CPU are in it
  ASSERT_TRUE(truth.is_object());
  const v1::ThreadMemory victim = ThreadOf(run->pid(), truth["tid"]);
  const v1::ThreadMemory sender = ThreadOf(run->pid(), run->about()["other_tid"]);
  std::printf("500 changes: %llu sent, %llu shootdowns, its CPU received %lld\n",
              static_cast<unsigned long long>(sender.tlb().sent_count()),
              static_cast<unsigned long long>(victim.tlb().remote_shootdown_count()), static_cast<long long>(received));
  EXPECT_GE(sender.tlb().sent_count(), 450u);
  EXPECT_LE(sender.tlb().sent_count(), 600u);
  // One to whom the hypervisor gave no CPU then is flushed by the hypervisor: no IPI. What did come the kernel counts too.
  if (received < 250) GTEST_SKIP() << "the hypervisor flushed most of them itself: " << received << " of 500 came as interrupts";
  EXPECT_GE(static_cast<int64_t>(victim.tlb().remote_shootdown_count()), std::min<int64_t>(received, 500) - 60);
  EXPECT_LE(victim.tlb().remote_shootdown_count(), 600u);
  EXPECT_EQ(victim.tlb().sent_count(), 0u);
}

std::string WhyNoSenders(const v1::QueryMemoryResponse& memory) {
  for (const v1::UnavailablePart& part : memory.unavailable()) {
    if (part.part() == "senders") return part.reason();
  }
  return "";
}

// The functions of the stacks from which that thread sent, one after the other.
std::string SenderFunctions(const v1::ThreadMemory& victim, pid_t sender) {
  std::string functions;
  for (const v1::ShootdownSender& one : victim.senders()) {
    if (one.tid() != sender) continue;
    for (const v1::StackFrame& frame : one.stack().frames()) functions += frame.symbol() + " ";
    functions += one.stack().reason();
  }
  return functions;
}

class ShootdownSendersTest : public MemoryTest, public ::testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(ShootdownSendersTest, TheThreadThatSendsThemIsNamedWithItsWayThroughTheKernel) {
  const auto [kind, call] = GetParam();
  const auto run = Faulter(kind, 500, 1'000);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  if (const std::string why = WhyNoSenders(Memory(run->pid())); !why.empty()) GTEST_SKIP() << why;
  const v1::ThreadMemory victim = ThreadOf(run->pid(), truth["tid"]);
  const pid_t sender = run->about()["other_tid"];
  const uint64_t sent = ThreadOf(run->pid(), sender).tlb().sent_count();
  uint64_t named = 0;
  uint64_t told = victim.other_sender_count() + victim.unknown_sender_count();
  for (const v1::ShootdownSender& one : victim.senders()) {
    told += one.count();
    if (one.tid() != sender) continue;
    named += one.count();
    EXPECT_EQ(one.comm(), "fault_helper");
    EXPECT_EQ(one.pid(), run->pid());
  }
  std::printf("%s: %llu shootdowns, %llu of them named with their sender, %llu without\n", kind,
              static_cast<unsigned long long>(victim.tlb().remote_shootdown_count()), static_cast<unsigned long long>(named),
              static_cast<unsigned long long>(victim.unknown_sender_count()));
  EXPECT_EQ(told, victim.tlb().remote_shootdown_count()) << "each is in one row, or counted";
  // Who is off its CPU meanwhile, or whose virtual CPU is, is not interrupted.
  if (victim.tlb().remote_shootdown_count() < 100) GTEST_SKIP() << "the thread was rarely on its CPU";
  EXPECT_LE(named, sent + 20);
  EXPECT_GE(named * 100, victim.tlb().remote_shootdown_count() * 95);
  const std::string functions = SenderFunctions(victim, sender);
  std::printf("%s\n", functions.c_str());
  EXPECT_NE(functions.find("flush_tlb_mm_range"), std::string::npos) << functions;
  EXPECT_NE(functions.find(call), std::string::npos) << functions;
  const CommandResult shown = daemon_.Hftmon({"memory", "-p", std::to_string(run->pid())});
  EXPECT_NE(shown.output.find("fault_helper[" + std::to_string(sender) + "]"), std::string::npos) << shown.output;
}

TEST_P(ShootdownSendersTest, ASpikeOfInterruptsNamesWhoSentThem) {
  const auto run = Faulter(GetParam().first, 500, 1'000);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  if (const std::string why = WhyNoSenders(Memory(run->pid())); !why.empty()) GTEST_SKIP() << why;
  const auto answer = daemon_.Spikes(run->pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  int with_call = 0;
  int named = 0;
  for (const v1::Spike& spike : answer->spikes()) {
    if (spike.thread().tid() != truth["tid"].get<int>() || spike.kind() != "interrupted" || spike.in_progress()) continue;
    ExpectExactBudget(spike);
    const auto cause = std::find_if(spike.causes().begin(), spike.causes().end(),
                                    [](const v1::Cause& one) { return one.actor().name() == "call_function"; });
    if (cause == spike.causes().end()) continue;
    ++with_call;
    if (cause->actor().tid() == 0) continue;
    ++named;
    EXPECT_EQ(cause->actor().tid(), run->about()["other_tid"].get<int>()) << spike.ShortDebugString();
    EXPECT_EQ(cause->actor().comm(), "fault_helper");
    EXPECT_NE(cause->evidence().find("sent by fault_helper"), std::string::npos) << cause->evidence();
  }
  std::printf("%d spikes with call_function, %d with its sender\n", with_call, named);
  if (with_call < 20) GTEST_SKIP() << "only " << with_call << " interrupts by cross-calls were longer than 1 us";
  // Other cross-calls have no flush in them, and a CPU remembers the last 64: a daemon that was kept from its CPU finds older ones gone.
  EXPECT_GE(named * 100, with_call * 60);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ShootdownSendersTest,
                         ::testing::Values(std::pair<const char*, const char*>{"shootdown", "munmap"},
                                           std::pair<const char*, const char*>{"protect", "mprotect"}),
                         [](const auto& kind) { return std::string(kind.param.first); });

TEST_F(MemoryTest, WhoDoesNotAskIsToldSoAndTheProgramsGoWithTheLastWhoDoes) {
  const auto run = Faulter("touch", 100);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const auto attached = [&] {
    const auto status = daemon_.client().GetStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    if (!status.ok()) return false;
    for (const v1::ProbeStatus& probe : status->probes()) {
      if (probe.name() == "on_minor_fault") return !probe.detached();
    }
    return false;
  };
  EXPECT_TRUE(attached());
  v1::UpdateTargetRequest update;
  update.set_pid(run->pid());
  update.mutable_options();
  update.mutable_options_mask()->add_paths("probe_groups");
  ASSERT_TRUE(daemon_.client().UpdateTarget(update).ok());
  const v1::ThreadMemory thread = ThreadOf(run->pid(), run->about()["tid"]);
  EXPECT_FALSE(thread.available());
  EXPECT_NE(thread.reason().find("--probes memory"), std::string::npos);
  EXPECT_TRUE(Eventually([&] { return !attached(); })) << "nobody asks any more";
  run->Act();
}

}  // namespace
}  // namespace hftmon::testing
