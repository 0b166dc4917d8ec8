#include <gtest/gtest.h>

#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

ModuleResult Syscall(const CheckInputs& inputs, const CheckLimits& limits = CheckLimits()) {
  return ResultOf(CheckModule::kSyscall, inputs, limits);
}

void AddCall(CheckInputs* inputs, const std::string& name, uint64_t count, int64_t longest_ns) {
  v1::CallSum* call = inputs->locks->mutable_threads(0)->add_calls();
  call->set_name(name);
  call->set_count(count);
  call->set_blocked_ns(longest_ns);
  call->set_longest_ns(longest_ns);
}

TEST(SyscallModuleTest, AThreadThatNeverBlocksPasses) {
  const ModuleResult result = Syscall(QuietInputs());
  EXPECT_EQ(result.verdict, CheckVerdict::kPass) << TextOf(result);
  EXPECT_EQ(ValueOf(result, "p99_999_blocked_ns"), 0);
}

TEST(SyscallModuleTest, EachKindOfBlockingFailsUnderItsOwnName) {
  const std::pair<const char*, const char*> kinds[] = {
      {"futex", "futex_wait_count"},  {"futex_wait", "futex_wait_count"}, {"read", "blocking_io_count"}, {"recvfrom", "blocking_io_count"},
      {"fsync", "blocking_io_count"}, {"clock_nanosleep", "sleep_count"}, {"epoll_wait", "sleep_count"}};
  for (const auto& [call, figure] : kinds) {
    CheckInputs inputs = QuietInputs();
    AddCall(&inputs, call, 2, 20'000);
    const ModuleResult result = Syscall(inputs);
    EXPECT_EQ(result.verdict, CheckVerdict::kFail) << call;
    EXPECT_EQ(ValueOf(result, figure), 2) << call;
    EXPECT_EQ(result.violations, 1) << call << "\n" << TextOf(result);
    EXPECT_TRUE(FindingOf(result, figure)->advice.has_value()) << call;
  }
}

TEST(SyscallModuleTest, AThreadThatBlocksAllTheWhileFailsThoughNothingEnded) {
  CheckInputs inputs = QuietInputs();
  v1::Spike* spike = AddSpike("blocked", kDurationNs, "blocked", "", &inputs);
  spike->set_in_progress(true);
  spike->mutable_call()->set_name("futex");
  const ModuleResult result = Syscall(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_EQ(ValueOf(result, "futex_wait_count"), 1);
  EXPECT_EQ(result.worst->actor, "futex");
}

TEST(SyscallModuleTest, ALongBlockIsTheWorstAndNamesTheFile) {
  CheckInputs inputs = QuietInputs();
  AddCall(&inputs, "read", 1, 7'000'000);
  v1::Spike* spike = AddSpike("blocked", 7'000'000, "blocked", "", &inputs);
  spike->mutable_call()->set_name("read");
  spike->mutable_call()->set_file("/data/orders");
  CheckLimits limits;
  ASSERT_TRUE(limits.SetFromJson("{\"max_blocking_io\": 10}").ok());
  const ModuleResult result = Syscall(inputs, limits);
  EXPECT_EQ(result.verdict, CheckVerdict::kFail);
  EXPECT_NE(FindingOf(result, "p99_999_blocked_ns"), nullptr);
  EXPECT_EQ(FindingOf(result, "blocking_io_count"), nullptr);
  EXPECT_EQ(result.worst->actor, "read /data/orders");
}

TEST(SyscallModuleTest, ThreadsWithoutFiguresAreUnavailableAndAWarning) {
  CheckInputs inputs = QuietInputs();
  inputs.locks->mutable_threads(0)->set_available(false);
  inputs.locks->mutable_threads(0)->set_reason("this kernel gives no registers");
  const ModuleResult result = Syscall(inputs);
  EXPECT_EQ(result.verdict, CheckVerdict::kWarn);
  EXPECT_EQ(result.Find("futex_wait_count")->reason, "this kernel gives no registers");
}

}  // namespace
}  // namespace hftmon
