#include "daemon/stacks/kernel_stack_names.h"

#include <gtest/gtest.h>
#include <linux/types.h>

#include <filesystem>
#include <fstream>

#include "daemon/bpf/kernel_time_events.h"

namespace hftmon {
namespace {

class KernelStackNamesTest : public ::testing::Test {
 protected:
  KernelStackNamesTest() {
    std::ofstream(path_)
        << "ff00 t bpf_prog_22_on_cross_call\t[bpf]\nff10 T bpf_trace_run4\nff20 t smp_call_function_many_cond\nff30 T __x64_sys_munmap\n";
    stacks_[1] = {0xff01, 0xff11, 0xff21, 0xff31};
    stacks_[2] = std::vector<uint64_t>(HFT_SENDER_STACK_FRAMES, 0xff31);
    stacks_[3] = {};
  }
  ~KernelStackNamesTest() override { std::filesystem::remove(path_); }

  const std::string path_ = testing::TempDir() + "kernel_stack_names_test." + std::to_string(getpid());
  std::map<int32_t, std::vector<uint64_t>> stacks_;
  int read_count_ = 0;
  KernelStackNames names_{[this](int32_t stack) {
                            ++read_count_;
                            return stacks_[stack];
                          },
                          path_};
};

TEST_F(KernelStackNamesTest, AStackIsNamedOnceWithoutTheWayToTheProgramThatTookIt) {
  const StackPart part = names_.Find(1);
  EXPECT_EQ(part.state, StackState::kComplete);
  ASSERT_EQ(part.frames.size(), 2u);
  EXPECT_EQ(part.frames[0].symbol, "smp_call_function_many_cond");
  EXPECT_EQ(part.frames[1].symbol, "__x64_sys_munmap");
  EXPECT_EQ(part.frames[1].symbol_offset, 1u);
  EXPECT_EQ(names_.Find(1).frames.size(), 2u);
  EXPECT_EQ(read_count_, 1);
}

TEST_F(KernelStackNamesTest, OneThatFillsItsPlaceMayBeDeeper) {
  EXPECT_EQ(names_.Find(2).state, StackState::kTruncated);
  EXPECT_FALSE(names_.Find(2).reason.empty());
}

TEST_F(KernelStackNamesTest, WhatCannotBeHadHasAReasonAndIsTriedAgain) {
  EXPECT_EQ(names_.Find(-1).state, StackState::kUnavailable);
  EXPECT_FALSE(names_.Find(-1).reason.empty());
  EXPECT_EQ(names_.Find(3).state, StackState::kUnavailable);
  EXPECT_FALSE(names_.Find(3).reason.empty());
  stacks_[3] = {0xff31};
  EXPECT_EQ(names_.Find(3).state, StackState::kComplete);
}

TEST_F(KernelStackNamesTest, WhereTheKernelGivesNoAddressesNoFrameIsShown) {
  KernelStackNames none([this](int32_t stack) { return stacks_[stack]; }, path_ + ".none");
  EXPECT_EQ(none.Find(1).state, StackState::kUnavailable);
  EXPECT_TRUE(none.Find(1).frames.empty());
}

}  // namespace
}  // namespace hftmon
