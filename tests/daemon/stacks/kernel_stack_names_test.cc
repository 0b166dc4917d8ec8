#include "daemon/stacks/kernel_stack_names.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

class FakeUnwinder : public StackUnwinder {
 public:
  Stack Unwind(const hft_stack& record) override {
    ++count;
    Stack stack;
    stack.kernel.state = available ? StackState::kComplete : StackState::kUnavailable;
    EXPECT_EQ(record.kernel_problem, HFT_STACK_FINE);
    EXPECT_EQ(record.user_problem, HFT_STACK_NOT_ASKED);
    for (int i = 0; i < record.kernel_depth; ++i) stack.kernel.frames.push_back({.address = record.kernel[i], .symbol = {}, .module = {}});
    return stack;
  }

  int count = 0;
  bool available = true;
};

class KernelStackNamesTest : public ::testing::Test {
 protected:
  FakeUnwinder unwinder_;
  KernelStackNames names_{
      [](int32_t stack) { return stack == 9 ? std::vector<uint64_t>{} : std::vector<uint64_t>(static_cast<size_t>(stack), 0xff01); },
      &unwinder_};
};

TEST_F(KernelStackNamesTest, AStackIsNamedOnce) {
  EXPECT_EQ(names_.Find(3).frames.size(), 3u);
  EXPECT_EQ(names_.Find(3).frames[2].address, 0xff01u);
  EXPECT_EQ(unwinder_.count, 1);
  EXPECT_EQ(names_.Find(100).frames.size(), static_cast<size_t>(HFT_STACK_KERNEL_FRAMES)) << "no more than a record holds";
}

TEST_F(KernelStackNamesTest, WhatCannotBeHadHasAReasonAndIsTriedAgain) {
  EXPECT_EQ(names_.Find(-1).state, StackState::kUnavailable);
  EXPECT_FALSE(names_.Find(-1).reason.empty());
  EXPECT_FALSE(names_.Find(9).reason.empty());
  EXPECT_EQ(unwinder_.count, 0);
  unwinder_.available = false;
  EXPECT_EQ(names_.Find(3).state, StackState::kUnavailable);
  unwinder_.available = true;
  EXPECT_EQ(names_.Find(3).state, StackState::kComplete);
}

}  // namespace
}  // namespace hftmon
