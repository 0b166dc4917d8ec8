#include "daemon/stacks/stack_codec.h"

#include <gtest/gtest.h>

#include <random>

namespace hftmon {
namespace {

Stack Example() {
  Stack stack;
  stack.kernel = {StackState::kUnavailable, "kptr_restrict", {}};
  stack.user = {StackState::kTruncated, "deep", {{0x1234, "f(int, char)", 4, "/lib/a b.so", 0x234}, {0x99, "", 0, "", 0}}};
  return stack;
}

TEST(StackCodecTest, WhatIsEncodedComesBack) {
  const auto decoded = DecodeStack(EncodeStack(Example()));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->kernel.state, StackState::kUnavailable);
  EXPECT_EQ(decoded->kernel.reason, "kptr_restrict");
  EXPECT_EQ(decoded->user.state, StackState::kTruncated);
  ASSERT_EQ(decoded->user.frames.size(), 2u);
  EXPECT_EQ(decoded->user.frames[0].symbol, "f(int, char)");
  EXPECT_EQ(decoded->user.frames[0].module, "/lib/a b.so");
  EXPECT_EQ(decoded->user.frames[0].address, 0x1234u);
  EXPECT_EQ(decoded->user.frames[0].module_offset, 0x234u);
}

TEST(StackCodecTest, ANameWithSeparatorsCannotForgeAFrame) {
  Stack stack = Example();
  stack.user.frames[0].symbol = "evil\nframe\t1\t1\t1\tforged\tmodule";
  const auto decoded = DecodeStack(EncodeStack(stack));
  ASSERT_TRUE(decoded.has_value());
  ASSERT_EQ(decoded->user.frames.size(), 2u);
  EXPECT_EQ(decoded->user.frames[0].symbol, "evil?frame?1?1?1?forged?module");
}

TEST(StackCodecTest, NonsenseIsRefused) {
  for (const char* text : {"", "part\t1\t\n", "frame\t1\t1\t1\ta\tb\n", "part\t9\t\npart\t1\t\n", "part\t1\t\npart\t1\t\npart\t1\t\n",
                           "part\t1\t\nframe\tx\t1\t1\ta\tb\npart\t1\t\n"}) {
    EXPECT_FALSE(DecodeStack(text).has_value()) << text;
  }
}

TEST(StackCodecTest, DamagedTextIsRefusedOrStaysWithinTheBounds) {
  std::mt19937 random(1);
  const std::string whole = EncodeStack(Example());
  for (int round = 0; round < 5'000; ++round) {
    std::string text = whole;
    for (int i = 0; i < 3; ++i) text[random() % text.size()] = static_cast<char>(random());
    const auto decoded = DecodeStack(text);
    if (!decoded.has_value()) continue;
    EXPECT_LE(decoded->user.frames.size() + decoded->kernel.frames.size(), 2u);
  }
}

}  // namespace
}  // namespace hftmon
