#include "daemon/os/perf_time_page.h"

#include <gtest/gtest.h>
#include <linux/perf_event.h>

#include <vector>

namespace hftmon {
namespace {

class PerfTimePageTest : public ::testing::Test {
 protected:
  PerfTimePageTest() : words_(512) {
    page().cap_user_time_zero = 1;
    page().time_shift = 20;
    page().time_mult = 41'943'040;  // of a counter of 25 MHz
    page().time_zero = 1'000;
  }
  perf_event_mmap_page& page() { return *reinterpret_cast<perf_event_mmap_page*>(words_.data()); }
  std::optional<PerfTimeConversion> Read() { return ReadTimeConversion(std::as_writable_bytes(std::span(words_))); }

  std::vector<uint64_t> words_;
};

TEST_F(PerfTimePageTest, TimeStampsBecomeTheKernelsClock) {
  const auto conversion = Read();
  ASSERT_TRUE(conversion.has_value());
  EXPECT_EQ(conversion->ToNs(0), 1'000);
  EXPECT_EQ(conversion->ToNs(25'000'000), 1'000'001'000);
  EXPECT_EQ(conversion->mask, ~uint64_t{0});
}

TEST_F(PerfTimePageTest, ANarrowCounterGoesOnBehindItsEnd) {
  page().cap_user_time_short = 1;
  page().time_mask = (uint64_t{1} << 56) - 1;
  page().time_cycles = uint64_t{5} << 56 | 100;
  const auto conversion = Read();
  ASSERT_TRUE(conversion.has_value());
  EXPECT_EQ(conversion->base_cycles, uint64_t{5} << 56 | 100);
  EXPECT_EQ(conversion->mask, (uint64_t{1} << 56) - 1);
}

TEST_F(PerfTimePageTest, WhatTheKernelDoesNotGiveOrIsWritingIsAbsent) {
  page().lock = 7;
  EXPECT_FALSE(Read().has_value()) << "it is being written";
  page().lock = 8;
  EXPECT_TRUE(Read().has_value());
  page().time_shift = 64;
  EXPECT_FALSE(Read().has_value());
  page().time_shift = 0;
  page().time_mult = 0;
  EXPECT_FALSE(Read().has_value());
  page().time_mult = 1;
  page().cap_user_time_zero = 0;
  EXPECT_FALSE(Read().has_value());
  EXPECT_FALSE(ReadTimeConversion({}).has_value());
}

}  // namespace
}  // namespace hftmon
