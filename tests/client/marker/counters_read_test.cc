// A thread's readings and its operations' figures, from pages and registers whose contents are known: x86's instruction is emulated.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "client/marker/hftmon_counter_profile.h"
#include "tests/fakes/emulated_registers.h"
#include "tests/fakes/fake_counters_host.h"

namespace hftmon {
namespace {

constexpr uint32_t kFixed = uint32_t{1} << 30;  // how rdpmc numbers the registers of one event alone
constexpr uint64_t kSign = uint64_t{1} << 47;

class CountersRead : public testing::Test {
 protected:
  void SetUp() override {
    if (!registers_.Works()) GTEST_SKIP() << "rdpmc is not refused here, or it is no x86: see tests/rig/arm-pmu";
    hftmon_counters_refusal why = {};
    const std::vector<hftmon_counter_event> events = {HFTMON_COUNTER_L1D_MISSES, HFTMON_COUNTER_INSTRUCTIONS};
    counters_ = hftmon_counters_open_on(host_.get(), events.data(), 2, &why);
    ASSERT_NE(counters_, nullptr) << why.text;
    host_.page(0).index = 3;
    host_.page(1).index = kFixed + 1;
    host_.page(1).offset = static_cast<int64_t>(kSign);
    registers_.values = {{2, 40}, {kFixed, kSign + 7'000'000'000}};
  }
  void TearDown() override { hftmon_counters_close(counters_); }

  // The group had no registers for a while, and got others.
  void Pause() {
    for (const size_t i : {0u, 1u}) {
      host_.page(i).lock += 2;
      host_.page(i).time_enabled += 1'000;
    }
  }

  FakeCountersHost host_;
  EmulatedRegisters registers_;
  hftmon_counters* counters_ = nullptr;
};

TEST_F(CountersRead, EachEventIsReadFromItsRegister) {
  hftmon_counters_reading reading = {};
  ASSERT_TRUE(hftmon_counters_read(counters_, &reading));
  EXPECT_EQ(reading.count, 2u);
  EXPECT_EQ(reading.values[0], 40u);
  EXPECT_EQ(reading.values[1], 7'000'000'000u) << "more than the lower half of the register";
  EXPECT_EQ(reading.paused_ns, 0u);
  EXPECT_EQ(registers_.read_count, 2);
}

TEST_F(CountersRead, OneEventThatIsPausedIsNoReading) {
  host_.page(1).index = 0;
  hftmon_counters_reading reading = {};
  EXPECT_FALSE(hftmon_counters_read(counters_, &reading));
}

TEST_F(CountersRead, TwoReadingsAreWholeUnlessThereWasAPause) {
  hftmon_counters_reading first = {};
  hftmon_counters_reading second = {};
  ASSERT_TRUE(hftmon_counters_read(counters_, &first));
  // Time that it counted is no pause.
  for (const size_t i : {0u, 1u}) {
    host_.page(i).time_enabled += 500;
    host_.page(i).time_running += 500;
  }
  ASSERT_TRUE(hftmon_counters_read(counters_, &second));
  EXPECT_TRUE(hftmon_counters_whole(&first, &second));
  Pause();
  ASSERT_TRUE(hftmon_counters_read(counters_, &second));
  EXPECT_FALSE(hftmon_counters_whole(&first, &second));
  EXPECT_EQ(second.paused_ns, 2'000u) << "of both events";
}

TEST_F(CountersRead, ItsOwnCostIsTheLeastOfPairs) {
  // The first pairs and the last ones are interrupted.
  registers_.step = [](int read_count) { return read_count < 40 || read_count > 200 ? uint64_t{400} : uint64_t{25}; };
  hftmon_counters_reading cost = {.paused_ns = 1, .values = {1, 1}, .count = 0};
  ASSERT_TRUE(hftmon_counters_own_cost(counters_, &cost));
  EXPECT_EQ(cost.count, 2u);
  EXPECT_EQ(cost.values[0], 25u);
  EXPECT_EQ(cost.values[1], 25u);
  EXPECT_EQ(cost.paused_ns, 0u);
  EXPECT_EQ(registers_.read_count, 64 * 2 * 2);
}

TEST_F(CountersRead, OperationsAreAddedUpAndThoseWithAPauseAreNot) {
  const std::unique_ptr<hftmon_counter_profile, decltype(&hftmon_counter_profile_destroy)> profile(hftmon_counter_profile_create(1, 2),
                                                                                                   &hftmon_counter_profile_destroy);
  for (uint64_t operation = 1; operation <= 30; ++operation) {
    hftmon_counter_span span;
    hftmon_counter_profile_begin(counters_, &span);
    registers_.values[2] += operation;
    registers_.values[kFixed] += 1'000 * operation;
    if (operation % 10 == 0) Pause();
    if (operation % 10 == 5) {
      hftmon_counter_profile_end_error(profile.get(), 0, counters_, &span);
    } else {
      hftmon_counter_profile_end(profile.get(), 0, counters_, &span);
    }
  }
  // Begun without registers, ended with them, and the other way round.
  hftmon_counter_span span;
  host_.page(0).index = 0;
  hftmon_counter_profile_begin(counters_, &span);
  host_.page(0).index = 3;
  hftmon_counter_profile_end(profile.get(), 0, counters_, &span);
  hftmon_counter_profile_begin(counters_, &span);
  host_.page(0).index = 0;
  hftmon_counter_profile_end(profile.get(), 0, counters_, &span);
  for (const uint32_t counter : {0u, 1u}) {
    const uint64_t unit = counter == 0 ? 1 : 1'000;
    hftmon_counter_figures figures = {};
    ASSERT_TRUE(hftmon_counter_profile_read(profile.get(), 0, counter, &figures));
    EXPECT_EQ(figures.count, 27u);
    EXPECT_EQ(figures.error_count, 3u);
    EXPECT_EQ(figures.uncounted_count, 5u);
    EXPECT_EQ(figures.sum, unit * (30 * 31 / 2 - 10 - 20 - 30));
    EXPECT_EQ(figures.min, static_cast<int64_t>(unit));
    EXPECT_EQ(figures.max, static_cast<int64_t>(unit * 29));
  }
}

}  // namespace
}  // namespace hftmon
