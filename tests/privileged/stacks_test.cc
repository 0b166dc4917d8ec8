// Stacks of sleeps whose call chain is known.
#include <sys/wait.h>

#include <filesystem>

#include "tests/privileged/harness/eventually.h"
#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kBlockedNs = 1'000'000;

class StacksTest : public PrivilegedTest {
 protected:
  absl::Status Attach(pid_t pid, v1::StackChoice stacks) {
    v1::AttachRequest request;
    request.add_pids(pid);
    request.mutable_options()->set_blocked_threshold_ns(kBlockedNs);
    request.mutable_options()->set_stacks(stacks);
    return daemon_.client().Attach(request).status();
  }

  // Those of the process's blocked spikes that have a stack, once all ten do.
  std::vector<v1::Stack> Stacks(pid_t pid) {
    std::vector<v1::Stack> stacks;
    Eventually([&] {
      stacks.clear();
      const auto answer = daemon_.Spikes(pid, 0, kBlockedNs);
      if (!answer.ok()) return false;
      for (const v1::Spike& spike : answer->spikes()) {
        if (spike.kind() == "blocked" && spike.has_stack()) stacks.push_back(spike.stack());
      }
      return stacks.size() >= 10;
    });
    return stacks;
  }

  static std::vector<std::string> Chain(const v1::StackPart& part) {
    std::vector<std::string> names;
    for (const v1::StackFrame& frame : part.frames()) {
      if (frame.symbol().starts_with("chain_")) names.push_back(frame.symbol());
    }
    return names;
  }

  static bool Has(const v1::StackPart& part, const std::string& symbol) {
    for (const v1::StackFrame& frame : part.frames()) {
      if (frame.symbol().find(symbol) != std::string::npos) return true;
    }
    return false;
  }
};

TEST_F(StacksTest, ASleepShowsItsCallChainInOrderAndItsPlaceInTheKernel) {
  SwitchWitness witness;
  WorkloadRun run("deep_sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid(), v1::STACK_CHOICE_BOTH).ok());
  ASSERT_TRUE(run.Act().is_object());
  const std::vector<v1::Stack> stacks = Stacks(run.pid());
  // Two sleeps are one where the host hid the switch between them.
  ASSERT_GE(stacks.size() + witness.UnseenSwitchIns(run.pid()), 10u);
  for (const v1::Stack& stack : stacks) {
    SCOPED_TRACE(stack.DebugString());
    if (!Has(stack.kernel(), "nanosleep")) continue;  // what the session itself waits for
    EXPECT_THAT(Chain(stack.user()), ElementsAre("chain_five", "chain_four", "chain_three", "chain_two", "chain_one"));
    EXPECT_EQ(stack.user().state(), "complete") << stack.user().reason();
    EXPECT_TRUE(Has(stack.user(), "main"));
    EXPECT_GT(stack.record_ns(), 0);
    EXPECT_GT(stack.copy_ns(), 0);
  }
  const auto sleeps = std::count_if(stacks.begin(), stacks.end(), [](const v1::Stack& stack) { return Has(stack.kernel(), "nanosleep"); });
  EXPECT_LE(sleeps, 10);
  EXPECT_GE(static_cast<uint64_t>(sleeps) + witness.UnseenSwitchIns(run.pid()), 10u);
}

TEST_F(StacksTest, WhatIsNotAskedForIsNotThere) {
  SwitchWitness witness;
  WorkloadRun run("deep_sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid(), v1::STACK_CHOICE_KERNEL).ok());
  ASSERT_TRUE(run.Act().is_object());
  const std::vector<v1::Stack> stacks = Stacks(run.pid());
  // Two sleeps are one where the host hid the switch between them.
  ASSERT_GE(stacks.size() + witness.UnseenSwitchIns(run.pid()), 10u);
  ASSERT_FALSE(stacks.empty());
  for (const v1::Stack& stack : stacks) {
    EXPECT_TRUE(stack.has_kernel());
    EXPECT_FALSE(stack.has_user());
    EXPECT_EQ(stack.copy_ns(), 0);
  }
}

TEST_F(StacksTest, AStackDeeperThanTheCopySaysThatItIsTruncated) {
  SwitchWitness witness;
  WorkloadRun run("deep_sleeper", {"--cpu", CpuArgument(), "--deep"});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid(), v1::STACK_CHOICE_BOTH).ok());
  ASSERT_TRUE(run.Act().is_object());
  int sleep_count = 0;
  for (const v1::Stack& stack : Stacks(run.pid())) {
    if (!Has(stack.kernel(), "nanosleep")) continue;
    SCOPED_TRACE(stack.DebugString());
    ++sleep_count;
    EXPECT_EQ(stack.user().state(), "truncated");
    EXPECT_THAT(stack.user().reason(), HasSubstr("bytes that were copied"));
    EXPECT_THAT(Chain(stack.user()), ElementsAre("chain_five", "chain_four", "chain_three_deep"));
  }
  EXPECT_GT(sleep_count, 0);
  EXPECT_LE(sleep_count, 10);
  // As above: where the host hid a switch two sleeps are one.
  EXPECT_GE(static_cast<uint64_t>(sleep_count) + witness.UnseenSwitchIns(run.pid()), 10u);
}

TEST_F(StacksTest, ABinaryOfAnotherMountNamespaceIsTheOneThatIsRead) {
  // In the host's namespace another program lies under the name that this one runs by.
  const std::string decoy = daemon_.folder() + "/decoy";
  std::filesystem::copy_file("/bin/true", decoy);
  WorkloadRun run("deep_sleeper", {"--cpu", CpuArgument()},
                  {"unshare", "-m", "sh", "-c", "mount --bind \"$0\" " + decoy + " && exec " + decoy + " \"$@\""});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid(), v1::STACK_CHOICE_BOTH).ok());
  ASSERT_TRUE(run.Act().is_object());
  int sleep_count = 0;
  for (const v1::Stack& stack : Stacks(run.pid())) {
    if (!Has(stack.kernel(), "nanosleep")) continue;
    SCOPED_TRACE(stack.DebugString());
    ++sleep_count;
    EXPECT_THAT(Chain(stack.user()), ElementsAre("chain_five", "chain_four", "chain_three", "chain_two", "chain_one"));
  }
  EXPECT_EQ(sleep_count, 10);
}

TEST_F(StacksTest, AStrippedBinaryGivesModuleAndOffset) {
  const std::string stripped = daemon_.folder() + "/stripped";
  WorkloadRun run("deep_sleeper", {"--cpu", CpuArgument()},
                  {"sh", "-c", "strip -o " + stripped + " \"$0\" && exec " + stripped + " \"$@\""});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid(), v1::STACK_CHOICE_BOTH).ok());
  ASSERT_TRUE(run.Act().is_object());
  int sleep_count = 0;
  for (const v1::Stack& stack : Stacks(run.pid())) {
    if (!Has(stack.kernel(), "nanosleep")) continue;
    SCOPED_TRACE(stack.DebugString());
    ++sleep_count;
    EXPECT_EQ(stack.user().state(), "complete") << stack.user().reason();
    const int frames =
        static_cast<int>(std::count_if(stack.user().frames().begin(), stack.user().frames().end(), [&](const v1::StackFrame& frame) {
          return frame.module() == stripped && frame.symbol().empty() && frame.module_offset() > 0;
        }));
    EXPECT_GE(frames, 5);
  }
  EXPECT_EQ(sleep_count, 10);
}

}  // namespace
}  // namespace hftmon::testing
