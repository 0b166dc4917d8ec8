#include "daemon/stacks/unwind_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

hft_stack UserRecord() {
  hft_stack record = {};
  record.kernel_problem = HFT_STACK_NOT_ASKED;
  return record;
}

TEST(UnwindProcessTest, AMissingBinaryIsSaidInTheStack) {
  FakeMonotonicClock clock;
  UnwindProcess process("/nonexistent/hftmon-unwind", &clock);
  const Stack stack = process.Unwind(UserRecord());
  EXPECT_EQ(stack.user.state, StackState::kUnavailable);
  EXPECT_THAT(stack.user.reason, HasSubstr("/nonexistent/hftmon-unwind"));
  EXPECT_EQ(stack.kernel.state, StackState::kNotAsked);
}

TEST(UnwindProcessTest, AProcessThatEndsCostsOneStackAndIsCounted) {
  FakeMonotonicClock clock;
  UnwindProcess process("/bin/true", &clock);
  const Stack stack = process.Unwind(UserRecord());
  EXPECT_EQ(stack.user.state, StackState::kUnavailable);
  EXPECT_THAT(stack.user.reason, HasSubstr("unwinding process ended"));
  EXPECT_EQ(process.failure_count(), 1u);
}

}  // namespace
}  // namespace hftmon
