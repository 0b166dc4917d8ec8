// Counter profiles: their figures against exact ones, and what is in none of them.
#include "client/marker/hftmon_counter_profile.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "common/histogram.h"
#include "tests/client/marker/c_counters.h"

namespace hftmon {
namespace {

using Json = nlohmann::json;
using Profile = std::unique_ptr<hftmon_counter_profile, decltype(&hftmon_counter_profile_destroy)>;

constexpr uint64_t kOverlarge = uint64_t{1} << HFT_HISTOGRAM_TOP_LOG2;
constexpr double kPercents[] = {50, 90, 95, 99, 99.9, 99.999};

Profile NewProfile(uint32_t operation_max, uint32_t counter_count) {
  return {hftmon_counter_profile_create(operation_max, counter_count), &hftmon_counter_profile_destroy};
}

hftmon_counters_reading Reading(std::initializer_list<uint64_t> values, uint64_t paused_ns = 0) {
  hftmon_counters_reading reading = {};
  reading.paused_ns = paused_ns;
  for (const uint64_t value : values) reading.values[reading.count++] = value;
  return reading;
}

// An operation of so much of each counter; from near the counters' end, so that they go round.
void Add(const Profile& profile, uint32_t operation, std::initializer_list<uint64_t> amounts, bool error = false) {
  hftmon_counters_reading begin = Reading(amounts, 55);
  hftmon_counters_reading end = begin;
  for (uint32_t i = 0; i < begin.count; ++i) {
    begin.values[i] = uint64_t{0} - 50;
    end.values[i] += begin.values[i];
  }
  hftmon_counter_profile_add(profile.get(), operation, &begin, &end, error);
}

hftmon_counter_figures Read(const Profile& profile, uint32_t operation, uint32_t counter) {
  hftmon_counter_figures figures = {};
  EXPECT_TRUE(hftmon_counter_profile_read(profile.get(), operation, counter, &figures));
  return figures;
}

std::array<int64_t, 6> Percentiles(const hftmon_counter_figures& figures) {
  return {figures.p50, figures.p90, figures.p95, figures.p99, figures.p99_9, figures.p99_999};
}

void ExpectFiguresOf(std::vector<uint64_t> amounts, const hftmon_counter_figures& figures) {
  std::sort(amounts.begin(), amounts.end());
  uint64_t sum = 0;
  for (const uint64_t amount : amounts) sum += amount;
  EXPECT_EQ(figures.count, amounts.size());
  EXPECT_EQ(figures.sum, sum);
  EXPECT_DOUBLE_EQ(figures.mean, static_cast<double>(sum) / static_cast<double>(amounts.size()));
  EXPECT_EQ(figures.min, static_cast<int64_t>(amounts.front()));
  EXPECT_EQ(figures.max, static_cast<int64_t>(amounts.back()));
  for (size_t i = 0; i < std::size(kPercents); ++i) {
    SCOPED_TRACE(kPercents[i]);
    const std::optional<uint64_t> rank = PercentileRank(amounts.size(), kPercents[i]);
    ASSERT_EQ(Percentiles(figures)[i] >= 0, rank.has_value());
    if (!rank) continue;
    const auto exact = static_cast<double>(amounts[*rank - 1]);
    EXPECT_NEAR(static_cast<double>(Percentiles(figures)[i]), exact, exact < 128 ? 0 : exact / 128);
  }
}

TEST(CounterProfile, FiguresAreThoseOfTheAmountsThemselves) {
  const Profile profile = NewProfile(2, 3);
  std::mt19937_64 random(1);
  std::vector<uint64_t> instructions;
  std::vector<uint64_t> misses;
  for (int i = 0; i < 20'000; ++i) {
    instructions.push_back(1'000 + random() % 1'000'000);
    misses.push_back(random() % 8);
    Add(profile, 1, {instructions.back(), 0, misses.back()}, i % 4 == 0);
  }
  ExpectFiguresOf(instructions, Read(profile, 1, 0));
  ExpectFiguresOf(std::vector<uint64_t>(20'000, 0), Read(profile, 1, 1));
  ExpectFiguresOf(misses, Read(profile, 1, 2));
  EXPECT_EQ(Read(profile, 1, 2).error_count, 5'000u);
  EXPECT_EQ(Read(profile, 0, 0).count, 0u) << "another operation has none of them";
}

TEST(CounterProfile, WithoutOperationsThereIsNoAmount) {
  const hftmon_counter_figures figures = Read(NewProfile(1, 1), 0, 0);
  EXPECT_EQ(figures.count, 0u);
  EXPECT_EQ(figures.mean, -1);
  EXPECT_EQ(figures.min, -1);
  EXPECT_EQ(figures.max, -1);
  for (const int64_t value : Percentiles(figures)) EXPECT_EQ(value, -1);
}

TEST(CounterProfile, WhatWasNotCountedWholeIsInNoFigure) {
  const Profile profile = NewProfile(1, 2);
  Add(profile, 0, {10, 20});
  const hftmon_counters_reading begin = Reading({0, 0}, 100);
  const hftmon_counters_reading paused = Reading({999, 999}, 101);
  hftmon_counter_profile_add(profile.get(), 0, &begin, &paused, false);
  hftmon_counter_profile_add_uncounted(profile.get(), 0);
  // Of a handle with fewer counters, or more.
  const hftmon_counters_reading fewer = Reading({999}, 100);
  const hftmon_counters_reading more = Reading({999, 999, 999}, 100);
  hftmon_counter_profile_add(profile.get(), 0, &begin, &fewer, false);
  hftmon_counter_profile_add(profile.get(), 0, &more, &more, false);
  for (const uint32_t counter : {0u, 1u}) {
    const hftmon_counter_figures figures = Read(profile, 0, counter);
    EXPECT_EQ(figures.count, 1u);
    EXPECT_EQ(figures.uncounted_count, 4u);
    EXPECT_EQ(figures.max, 10 * (1 + static_cast<int64_t>(counter)));
  }
}

TEST(CounterProfile, WithoutCountersOperationsAreUncounted) {
  const Profile profile = NewProfile(1, 2);
  count_two(profile.get(), 0, nullptr);
  EXPECT_EQ(Read(profile, 0, 0).uncounted_count, 2u);
  EXPECT_EQ(Read(profile, 0, 0).count, 0u);
}

TEST(CounterProfile, AmountsThatCannotBeTrueAreCountedAndInNoFigure) {
  const Profile profile = NewProfile(1, 2);
  Add(profile, 0, {uint64_t{0} - 1, 5});
  Add(profile, 0, {kOverlarge, 5});
  Add(profile, 0, {kOverlarge - 1, kOverlarge});
  const hftmon_counter_figures first = Read(profile, 0, 0);
  EXPECT_EQ(first.backwards_count, 1u);
  EXPECT_EQ(first.overlarge_count, 1u);
  EXPECT_EQ(first.count, 1u);
  EXPECT_EQ(first.max, static_cast<int64_t>(kOverlarge - 1));
  const hftmon_counter_figures second = Read(profile, 0, 1);
  EXPECT_EQ(second.count, 2u) << "a counter of its own";
  EXPECT_EQ(second.overlarge_count, 1u);
}

TEST(CounterProfile, UnknownOperationsAreCountedAndTouchNothing) {
  const Profile profile = NewProfile(2, 1);
  for (const uint32_t operation : {2u, 3u, std::numeric_limits<uint32_t>::max()}) Add(profile, operation, {100});
  count_two(profile.get(), 2, nullptr);
  EXPECT_EQ(hftmon_counter_profile_unknown_operation_count(profile.get()), 5u);
  EXPECT_EQ(Read(profile, 0, 0).count + Read(profile, 1, 0).count, 0u);
  EXPECT_EQ(Read(profile, 1, 0).uncounted_count, 0u);
}

TEST(CounterProfile, ItsBoundsAreHeld) {
  const std::pair<uint32_t, uint32_t> bad[] = {{0, 1}, {4'097, 1}, {1, 0}, {1, 7}};
  for (const auto& [operation_max, counter_count] : bad) {
    errno = 0;
    EXPECT_EQ(NewProfile(operation_max, counter_count), nullptr);
    EXPECT_EQ(errno, EINVAL);
  }
  const Profile profile = NewProfile(300, 6);
  ASSERT_NE(profile, nullptr);
  for (uint32_t operation = 0; operation < 300; ++operation) Add(profile, operation, {1, 2, 3, 4, 5, operation});
  for (uint32_t operation = 0; operation < 300; ++operation) {
    EXPECT_EQ(Read(profile, operation, 4).sum, 5u);
    EXPECT_EQ(Read(profile, operation, 5).sum, operation);
    EXPECT_EQ(Read(profile, operation, 5).uncounted_count, 0u);
  }
  hftmon_counter_figures figures = {};
  for (const auto& [operation, counter] : {std::pair{300u, 0u}, {0u, 6u}}) {
    errno = 0;
    EXPECT_FALSE(hftmon_counter_profile_read(profile.get(), operation, counter, &figures));
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(figures.max, -1);
  }
}

TEST(CounterProfile, WithoutAProfileNothingHappens) {
  count_two(nullptr, 0, nullptr);
  Add(Profile(nullptr, &hftmon_counter_profile_destroy), 0, {1});
  hftmon_counter_profile_reset(nullptr);
  hftmon_counter_profile_destroy(nullptr);
  hftmon_counter_figures figures = {};
  EXPECT_FALSE(hftmon_counter_profile_read(nullptr, 0, 0, &figures));
  EXPECT_FALSE(hftmon_counter_profile_merge(nullptr, nullptr));
  EXPECT_FALSE(hftmon_counter_profile_write_json(nullptr, nullptr, nullptr, stderr));
  EXPECT_EQ(hftmon_counter_profile_unknown_operation_count(nullptr), 0u);
}

TEST(CounterProfile, ProfilesAreAddedUpAndBeginAnew) {
  const Profile sum = NewProfile(1, 1);
  const Profile other = NewProfile(2, 1);
  Add(sum, 0, {50});
  Add(other, 0, {20}, true);
  Add(other, 0, {kOverlarge});
  count_two(other.get(), 0, nullptr);
  Add(other, 1, {1});
  Add(other, 1, {kOverlarge});
  count_two(other.get(), 1, nullptr);
  Add(other, 9, {1});
  ASSERT_TRUE(hftmon_counter_profile_merge(sum.get(), other.get()));
  hftmon_counter_figures figures = Read(sum, 0, 0);
  EXPECT_EQ(figures.count, 2u);
  EXPECT_EQ(figures.error_count, 1u);
  EXPECT_EQ(figures.uncounted_count, 2u);
  EXPECT_EQ(figures.overlarge_count, 1u);
  EXPECT_EQ(figures.min, 20);
  EXPECT_EQ(figures.max, 50);
  EXPECT_EQ(hftmon_counter_profile_unknown_operation_count(sum.get()), 5u) << "four of operation 1, and what was unknown there";
  EXPECT_EQ(Read(other, 0, 0).count, 1u) << "stays as it is";
  ASSERT_TRUE(hftmon_counter_profile_merge(sum.get(), sum.get()));
  EXPECT_EQ(Read(sum, 0, 0).count, 2u);
  errno = 0;
  EXPECT_FALSE(hftmon_counter_profile_merge(sum.get(), NewProfile(1, 2).get()));
  EXPECT_EQ(errno, EINVAL);
  hftmon_counter_profile_reset(sum.get());
  figures = Read(sum, 0, 0);
  EXPECT_EQ(figures.count + figures.error_count + figures.uncounted_count + figures.overlarge_count, 0u);
  EXPECT_EQ(hftmon_counter_profile_unknown_operation_count(sum.get()), 0u);
}

Json WrittenJson(const Profile& profile, const char* const* names, const hftmon_counter_event* events) {
  char* text = nullptr;
  size_t bytes = 0;
  FILE* const file = open_memstream(&text, &bytes);
  EXPECT_TRUE(hftmon_counter_profile_write_json(profile.get(), names, events, file));
  std::fclose(file);
  const std::string line(text, bytes);
  std::free(text);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  return Json::parse(line);
}

TEST(CounterProfile, JsonNamesOperationsAndCountersAndLeavesOutWhatIsNotThere) {
  const Profile profile = NewProfile(4, 2);
  for (int i = 0; i < 150; ++i) Add(profile, 0, {1'000, i % 3 == 0 ? 1u : 0u}, i < 3);
  count_two(profile.get(), 2, nullptr);
  Add(profile, 4, {1, 1});
  const char* const names[] = {"order \"in\"", "never", nullptr, "never"};
  const hftmon_counter_event events[] = {HFTMON_COUNTER_INSTRUCTIONS, HFTMON_COUNTER_L1D_MISSES};
  const Json json = WrittenJson(profile, names, events);
  ASSERT_EQ(json["operations"].size(), 2u);
  const Json& orders = json["operations"][0];
  EXPECT_EQ(orders["name"], names[0]);
  EXPECT_EQ(orders["pid"], getpid());
  EXPECT_EQ(orders["uncounted_count"], 0);
  const Json& misses = orders["counters"][1];
  EXPECT_EQ(orders["counters"][0]["name"], "instructions");
  EXPECT_EQ(misses["name"], "l1d_misses");
  EXPECT_EQ(misses["count"], 150);
  EXPECT_EQ(misses["error_count"], 3);
  EXPECT_EQ(misses["sum"], 50);
  EXPECT_EQ(misses["mean"], 0.333);
  EXPECT_EQ(misses["p50"], 0);
  EXPECT_EQ(misses["p90"], 1);
  for (const char* key : {"p95", "p99", "p99_9", "p99_999"}) EXPECT_FALSE(misses.contains(key)) << key;
  const Json& uncounted = json["operations"][1];
  EXPECT_EQ(uncounted["name"], "");
  EXPECT_EQ(uncounted["uncounted_count"], 2);
  for (const char* key : {"sum", "mean", "min", "max", "p50"}) EXPECT_FALSE(uncounted["counters"][0].contains(key)) << key;
  EXPECT_EQ(json["unknown_operation_count"], 1);
  EXPECT_EQ(WrittenJson(NewProfile(1, 1), nullptr, nullptr)["operations"], Json::array());
  EXPECT_EQ(WrittenJson(profile, nullptr, nullptr)["operations"][0]["counters"][0]["name"], "");
}

}  // namespace
}  // namespace hftmon
