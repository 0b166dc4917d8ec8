// Reading a count from a page: the arithmetic, and that nothing is read where the kernel does not allow it or changes the page meanwhile.
#include "client/marker/hftmon_counter_page.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace hftmon {
namespace {

// What the register holds, and what becomes of the page while it is read.
struct Register {
  uint64_t value = 0;
  uint32_t last_number = 0;
  int read_count = 0;
  std::function<void()> meanwhile = [] {};
};
Register* the_register = nullptr;

bool ReadRegister(uint32_t number, uint64_t* value) {
  if (the_register == nullptr) return false;
  the_register->last_number = number;
  ++the_register->read_count;
  *value = the_register->value;
  the_register->meanwhile();
  return true;
}

class CounterPage : public testing::Test {
 protected:
  CounterPage() {
    page_.capabilities = HFTMON_COUNTER_PAGE_READABLE;
    page_.index = 3;
    page_.pmc_width = 48;
    page_.lock = 4;
    the_register = &register_;
  }
  ~CounterPage() override { the_register = nullptr; }

  hftmon_counter_page_state Read() { return hftmon_counter_page_read(&page_, ReadRegister, &reading_); }
  // The kernel's whole change of a page.
  void Change(const std::function<void()>& change) {
    page_.lock += 1;
    change();
    page_.lock += 1;
  }

  perf_event_mmap_page page_ = {};
  Register register_;
  hftmon_counter_page_reading reading_ = {.value = 77, .paused_ns = 77};
};

TEST_F(CounterPage, TheCountIsTheOffsetAndTheRegister) {
  page_.offset = 1'000'000;
  register_.value = 234;
  ASSERT_EQ(Read(), HFTMON_COUNTER_PAGE_COUNTING);
  EXPECT_EQ(reading_.value, 1'000'234u);
  EXPECT_EQ(register_.last_number, 2u) << "the index is one more";
  EXPECT_EQ(register_.read_count, 1);
}

// The kernel starts a counter below zero so that it comes to its end in time, and takes that off the offset.
TEST_F(CounterPage, ARegisterIsASignedNumberOfItsWidth) {
  for (const uint16_t width : {32, 40, 48, 63}) {
    const uint64_t start = uint64_t{1} << (width - 1);
    page_.pmc_width = width;
    page_.offset = static_cast<int64_t>(start) + 5'000;
    for (const uint64_t counted : {uint64_t{0}, uint64_t{1}, start - 1, start, start + 99}) {
      // Above the width stands whatever the processor likes.
      register_.value = (start + counted) % (start * 2) | (width == 40 ? uint64_t{0xabc} << 40 : 0);
      ASSERT_EQ(Read(), HFTMON_COUNTER_PAGE_COUNTING);
      EXPECT_EQ(reading_.value, 5'000 + counted) << width << " bits";
    }
  }
}

TEST_F(CounterPage, ARegisterOf64BitsIsTakenAsItIs) {
  page_.pmc_width = 64;
  page_.offset = std::numeric_limits<int64_t>::min();
  register_.value = (uint64_t{1} << 63) + 12;
  ASSERT_EQ(Read(), HFTMON_COUNTER_PAGE_COUNTING);
  EXPECT_EQ(reading_.value, 12u);
}

TEST_F(CounterPage, NoRegisterIsReadWhereThePageDoesNotAllowIt) {
  page_.capabilities = ~HFTMON_COUNTER_PAGE_READABLE;
  EXPECT_EQ(Read(), HFTMON_COUNTER_PAGE_UNREADABLE);
  page_.capabilities = HFTMON_COUNTER_PAGE_READABLE;
  page_.index = 0;
  EXPECT_EQ(Read(), HFTMON_COUNTER_PAGE_PAUSED);
  page_.index = 3;
  for (const uint16_t width : {0, 65, 0xffff}) {
    page_.pmc_width = width;
    EXPECT_EQ(Read(), HFTMON_COUNTER_PAGE_UNREADABLE) << width;
  }
  page_.pmc_width = 48;
  page_.lock = 5;
  EXPECT_EQ(Read(), HFTMON_COUNTER_PAGE_UNSTEADY) << "a change is under way";
  EXPECT_EQ(register_.read_count, 0);
  EXPECT_EQ(reading_.value, 77u) << "what was not read is not written";
  EXPECT_EQ(reading_.paused_ns, 77u);
}

TEST_F(CounterPage, ANumberThatNoProgramReadsIsUnreadable) {
  the_register = nullptr;
  EXPECT_EQ(Read(), HFTMON_COUNTER_PAGE_UNREADABLE);
}

TEST_F(CounterPage, APageThatChangesMeanwhileIsReadAgain) {
  page_.offset = 1'000;
  register_.value = 50;
  register_.meanwhile = [this] {
    if (register_.read_count > 3) return;
    // The counter begins anew, elsewhere.
    Change([this] {
      page_.offset += register_.value;
      page_.index += 1;
      register_.value = 7;
      page_.time_enabled += 10;
    });
  };
  ASSERT_EQ(Read(), HFTMON_COUNTER_PAGE_COUNTING);
  EXPECT_EQ(register_.read_count, 4);
  EXPECT_EQ(register_.last_number, 5u);
  EXPECT_EQ(reading_.value, 1'000u + 50 + 7 + 7 + 7);
  EXPECT_EQ(reading_.paused_ns, 30u);
}

TEST_F(CounterPage, ACounterThatIsTakenAwayMeanwhileIsPaused) {
  register_.meanwhile = [this] { Change([this] { page_.index = 0; }); };
  EXPECT_EQ(Read(), HFTMON_COUNTER_PAGE_PAUSED);
  EXPECT_EQ(register_.read_count, 1);
}

TEST_F(CounterPage, APageThatNeverRestsIsGivenUp) {
  register_.meanwhile = [this] { Change([] {}); };
  EXPECT_EQ(Read(), HFTMON_COUNTER_PAGE_UNSTEADY);
  EXPECT_EQ(register_.read_count, HFTMON_COUNTER_PAGE_ATTEMPTS);
  EXPECT_EQ(reading_.value, 77u);
}

TEST_F(CounterPage, WhatItWasOnAndDidNotCountIsTheDifferenceOfItsTimes) {
  page_.time_enabled = 5'000;
  page_.time_running = 4'400;
  ASSERT_EQ(Read(), HFTMON_COUNTER_PAGE_COUNTING);
  EXPECT_EQ(reading_.paused_ns, 600u);
}

TEST_F(CounterPage, TimesAreUntilTheLastChangeWhereThePageHasNoClock) {
  page_.time_enabled = 5'000;
  page_.time_running = 4'400;
  page_.time_mult = 1;
  hftmon_counter_page_times times = {};
  ASSERT_TRUE(hftmon_counter_page_read_times(&page_, 1'000'000, &times));
  EXPECT_FALSE(times.current);
  EXPECT_EQ(times.enabled_ns, 5'000u);
  EXPECT_EQ(times.running_ns, 4'400u);
}

TEST_F(CounterPage, TimesAreUntilNowWhereItHas) {
  page_.capabilities |= HFTMON_COUNTER_PAGE_TIMED;
  page_.time_enabled = 5'000;
  page_.time_running = 4'400;
  // 3 ns are 8 ticks; the offset takes off what passed until the change, at tick 80,000,003.
  page_.time_shift = 3;
  page_.time_mult = 3;
  page_.time_offset = uint64_t{0} - 30'000'001;
  hftmon_counter_page_times times = {};
  ASSERT_TRUE(hftmon_counter_page_read_times(&page_, 80'000'803, &times));
  EXPECT_TRUE(times.current);
  EXPECT_EQ(times.enabled_ns, 5'300u);
  EXPECT_EQ(times.running_ns, 4'700u);
  page_.index = 0;
  ASSERT_TRUE(hftmon_counter_page_read_times(&page_, 80'000'803, &times));
  EXPECT_EQ(times.enabled_ns, 5'300u);
  EXPECT_EQ(times.running_ns, 4'400u) << "it does not count";
}

TEST_F(CounterPage, AClockOfFewerBitsIsCarriedOn) {
  page_.capabilities |= HFTMON_COUNTER_PAGE_TIMED | HFTMON_COUNTER_PAGE_SHORT_TIME;
  page_.time_mult = 1;
  page_.time_cycles = (uint64_t{3} << 32) - 100;
  page_.time_mask = 0xffff'ffff;
  page_.time_offset = uint64_t{0} - page_.time_cycles;
  hftmon_counter_page_times times = {};
  ASSERT_TRUE(hftmon_counter_page_read_times(&page_, 50, &times));
  EXPECT_EQ(times.enabled_ns, 150u);
}

TEST_F(CounterPage, TimesOfAPageInTheMiddleOfAChangeAreNotRead) {
  page_.lock = 7;
  hftmon_counter_page_times times = {};
  EXPECT_FALSE(hftmon_counter_page_read_times(&page_, 1, &times));
}

}  // namespace
}  // namespace hftmon
