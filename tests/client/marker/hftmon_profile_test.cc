// Profiles: their figures against exact ones, what is in no figure, and that adding is nothing but memory.
#include "client/marker/hftmon_profile.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/histogram.h"
#include "tests/client/marker/c_profile.h"
#include "tests/fakes/system_call_ban.h"

namespace hftmon {
namespace {

using Json = nlohmann::json;
using Profile = std::unique_ptr<hftmon_profile, decltype(&hftmon_profile_destroy)>;

constexpr uint64_t kOverlongTicks = uint64_t{1} << HFT_HISTOGRAM_TOP_LOG2;
constexpr double kPercents[] = {50, 90, 95, 99, 99.9, 99.999};

Profile NewProfile(uint32_t operation_max) {
  return {hftmon_profile_create(operation_max), &hftmon_profile_destroy};
}

hftmon_profile_figures Read(const Profile& profile, uint32_t operation) {
  hftmon_profile_figures figures;
  EXPECT_TRUE(hftmon_profile_read(profile.get(), operation, &figures));
  return figures;
}

std::array<int64_t, 6> Percentiles(const hftmon_profile_figures& figures) {
  return {figures.p50_ns, figures.p90_ns, figures.p95_ns, figures.p99_ns, figures.p99_9_ns, figures.p99_999_ns};
}

void Add(const Profile& profile, uint32_t operation, uint64_t ticks, bool error = false) {
  hftmon_profile_add(profile.get(), operation, 1'000'000, 1'000'000 + ticks, error);
}

// Over all octaves alike, 1 tick to 2^30.
std::vector<uint64_t> RandomTicks(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> ticks;
  for (size_t i = 0; i < count; ++i) ticks.push_back(static_cast<uint64_t>(std::exp2(30 * std::generate_canonical<double, 53>(random))));
  return ticks;
}

// By the sorted durations themselves. How long a tick is comes from the sum, which is exact.
void ExpectFiguresOf(std::vector<uint64_t> ticks, const hftmon_profile_figures& figures) {
  std::sort(ticks.begin(), ticks.end());
  long double sum = 0;
  for (const uint64_t each : ticks) sum += static_cast<long double>(each);
  ASSERT_EQ(figures.count, ticks.size());
  const double ns_per_tick = static_cast<double>(static_cast<long double>(figures.sum_ns) / sum);
  const auto ns_at = [&](size_t i) { return static_cast<double>(ticks[i]) * ns_per_tick; };
  EXPECT_NEAR(static_cast<double>(figures.min_ns), ns_at(0), 1);
  EXPECT_NEAR(static_cast<double>(figures.max_ns), ns_at(ticks.size() - 1), 1);
  EXPECT_EQ(figures.mean_ns, figures.sum_ns / static_cast<int64_t>(ticks.size()));
  for (size_t i = 0; i < std::size(kPercents); ++i) {
    SCOPED_TRACE(kPercents[i]);
    const std::optional<uint64_t> rank = PercentileRank(ticks.size(), kPercents[i]);
    const int64_t value_ns = Percentiles(figures)[i];
    ASSERT_EQ(value_ns >= 0, rank.has_value());
    if (!rank) continue;
    EXPECT_NEAR(static_cast<double>(value_ns), ns_at(*rank - 1), ns_at(*rank - 1) / 128 + 1);
  }
}

TEST(Profile, FiguresAreThoseOfTheDurationsThemselves) {
  const Profile profile = NewProfile(2);
  const std::vector<uint64_t> many = RandomTicks(1'200'000, 1);
  const std::vector<uint64_t> few = RandomTicks(12'345, 2);
  for (size_t i = 0; i < many.size(); ++i) Add(profile, 0, many[i], i % 10 == 0);
  for (const uint64_t ticks : few) Add(profile, 1, ticks);
  ExpectFiguresOf(many, Read(profile, 0));
  ExpectFiguresOf(few, Read(profile, 1));
  EXPECT_EQ(Read(profile, 0).error_count, many.size() / 10);
  EXPECT_EQ(Read(profile, 1).error_count, 0u);
}

TEST(Profile, BucketsAreThoseOfAllHistograms) {
  for (uint64_t ticks = 0; ticks < 10'000; ++ticks) ASSERT_EQ(hftmon_profile_bucket(ticks), BucketOf(static_cast<int64_t>(ticks)));
  for (uint64_t edge = 1; edge <= kOverlongTicks; edge *= 2) {
    for (const uint64_t ticks : {edge - 1, edge, edge + edge / 64, edge + edge / 3}) {
      if (ticks >= kOverlongTicks) continue;
      ASSERT_EQ(hftmon_profile_bucket(ticks), BucketOf(static_cast<int64_t>(ticks))) << ticks;
    }
  }
  EXPECT_EQ(hftmon_profile_bucket(kOverlongTicks - 1), kHistogramBuckets - 1);
}

TEST(Profile, APercentileIsAbsentUntilTenAreAboveIt) {
  const Profile profile = NewProfile(1);
  const auto present = [&] {
    size_t count = 0;
    for (const int64_t value_ns : Percentiles(Read(profile, 0))) count += value_ns >= 0;
    return count;
  };
  EXPECT_EQ(present(), 0u);
  uint64_t added = 0;
  for (size_t i = 0; i < std::size(kPercents); ++i) {
    for (; added < PercentileSamplesMin(kPercents[i]) - 1; ++added) Add(profile, 0, 1'000);
    EXPECT_EQ(present(), i) << added;
    Add(profile, 0, 1'000);
    ++added;
    EXPECT_EQ(present(), i + 1) << added;
  }
  EXPECT_EQ(added, 1'000'000u);
}

// Neighbours are 5 % apart, so that the one beside it is told from it.
TEST(Profile, APercentileIsTheNearestRank) {
  const Profile profile = NewProfile(1);
  double sum = 0;
  const auto ticks_at = [](uint64_t rank) { return static_cast<uint64_t>(1'000 * std::pow(1.05, static_cast<double>(rank))); };
  const auto expect_ranks = [&](uint64_t p50_rank, uint64_t p90_rank) {
    const hftmon_profile_figures figures = Read(profile, 0);
    const double ns_per_tick = static_cast<double>(figures.sum_ns) / sum;
    for (const auto& [rank, value_ns] : {std::pair(p50_rank, figures.p50_ns), std::pair(p90_rank, figures.p90_ns)}) {
      const double exact_ns = static_cast<double>(ticks_at(rank)) * ns_per_tick;
      EXPECT_NEAR(static_cast<double>(value_ns), exact_ns, exact_ns * 0.01) << rank << " of " << figures.count;
    }
  };
  const auto add = [&](uint64_t rank) {
    Add(profile, 0, ticks_at(rank));
    sum += static_cast<double>(ticks_at(rank));
  };
  for (uint64_t rank = 100; rank > 0; --rank) add(rank);
  expect_ranks(50, 90);
  add(101);
  expect_ranks(51, 91);
}

TEST(Profile, WithoutOperationsThereAreNoDurations) {
  const hftmon_profile_figures figures = Read(NewProfile(3), 2);
  EXPECT_EQ(figures.count, 0u);
  EXPECT_EQ(figures.rate_hz, 0);
  EXPECT_EQ(figures.sum_ns, 0);
  EXPECT_EQ(figures.mean_ns, -1);
  EXPECT_EQ(figures.min_ns, -1);
  EXPECT_EQ(figures.max_ns, -1);
}

// As the daemon has it: the counter may not have moved meanwhile.
TEST(Profile, AnOperationOfNoTimeIsOne) {
  const Profile profile = NewProfile(1);
  for (int i = 0; i < 20; ++i) Add(profile, 0, 0);
  const hftmon_profile_figures figures = Read(profile, 0);
  EXPECT_EQ(figures.count, 20u);
  EXPECT_EQ(figures.sum_ns, 0);
  EXPECT_EQ(figures.mean_ns, 0);
  EXPECT_EQ(figures.min_ns, 0);
  EXPECT_EQ(figures.max_ns, 0);
  EXPECT_EQ(figures.p50_ns, 0);
}

TEST(Profile, DurationsThatCannotBeTrueAreCountedAndInNoFigure) {
  const Profile profile = NewProfile(1);
  hftmon_profile_add(profile.get(), 0, 1'001, 1'000, false);
  hftmon_profile_add(profile.get(), 0, std::numeric_limits<int64_t>::max(), 0, true);
  hftmon_profile_add(profile.get(), 0, 0, kOverlongTicks, true);
  hftmon_profile_add(profile.get(), 0, 0, std::numeric_limits<int64_t>::max(), false);
  hftmon_profile_add(profile.get(), 0, 5, 5 + kOverlongTicks, false);
  hftmon_profile_figures figures = Read(profile, 0);
  EXPECT_EQ(figures.backwards_count, 2u);
  EXPECT_EQ(figures.overlong_count, 3u);
  EXPECT_EQ(figures.count, 0u);
  EXPECT_EQ(figures.error_count, 0u);
  EXPECT_EQ(figures.max_ns, -1);
  // The longest that is one; and across the counter's end.
  Add(profile, 0, kOverlongTicks - 1);
  hftmon_profile_add(profile.get(), 0, std::numeric_limits<uint64_t>::max() - 9, 90, false);
  figures = Read(profile, 0);
  EXPECT_EQ(figures.count, 2u);
  EXPECT_EQ(figures.backwards_count + figures.overlong_count, 5u);
  EXPECT_NEAR(static_cast<double>(figures.max_ns) / static_cast<double>(figures.min_ns), static_cast<double>(kOverlongTicks) / 100,
              static_cast<double>(kOverlongTicks) / 100 * 0.1);
}

TEST(Profile, UnknownOperationsAreCountedAndTouchNothing) {
  const Profile profile = NewProfile(2);
  for (const uint32_t operation : {2u, 3u, std::numeric_limits<uint32_t>::max()}) Add(profile, operation, 100);
  EXPECT_EQ(hftmon_profile_unknown_operation_count(profile.get()), 3u);
  EXPECT_EQ(Read(profile, 0).count + Read(profile, 1).count, 0u);
  hftmon_profile_figures figures;
  errno = 0;
  EXPECT_FALSE(hftmon_profile_read(profile.get(), 2, &figures));
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(figures.max_ns, -1);
}

TEST(Profile, ItHasOneToFourThousandOperations) {
  for (const uint32_t operation_max : {0u, 4'097u, std::numeric_limits<uint32_t>::max()}) {
    errno = 0;
    EXPECT_EQ(NewProfile(operation_max), nullptr) << operation_max;
    EXPECT_EQ(errno, EINVAL);
  }
  const Profile profile = NewProfile(4'096);
  ASSERT_NE(profile, nullptr);
  Add(profile, 4'095, 100);
  EXPECT_EQ(Read(profile, 4'095).count, 1u);
  EXPECT_EQ(hftmon_profile_unknown_operation_count(profile.get()), 0u);
}

TEST(Profile, WithoutAProfileNothingHappens) {
  time_four(nullptr, 0);
  hftmon_profile_reset(nullptr);
  hftmon_profile_destroy(nullptr);
  const Profile profile = NewProfile(1);
  hftmon_profile_merge(nullptr, profile.get());
  hftmon_profile_merge(profile.get(), nullptr);
  hftmon_profile_figures figures;
  errno = 0;
  EXPECT_FALSE(hftmon_profile_read(nullptr, 0, &figures));
  EXPECT_EQ(errno, EINVAL);
  EXPECT_FALSE(hftmon_profile_write_json(nullptr, nullptr, stderr));
  EXPECT_EQ(hftmon_profile_unknown_operation_count(nullptr), 0u);
}

TEST(Profile, ACProgramTimesItsOperations) {
  const Profile profile = NewProfile(3);
  time_four(profile.get(), 1);
  const hftmon_profile_figures figures = Read(profile, 1);
  EXPECT_EQ(figures.count, 4u);
  EXPECT_EQ(figures.error_count, 2u);
  EXPECT_EQ(figures.backwards_count, 0u);
  EXPECT_GT(figures.rate_hz, 0);
}

TEST(Profile, TicksAreAsLongAsTheClockSays) {
  const auto monotonic_ns = [] {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
  };
  const Profile profile = NewProfile(1);
  const int64_t outer_begin_ns = monotonic_ns();
  const uint64_t begin_tsc = hftmon_marker_tsc();
  const int64_t inner_begin_ns = monotonic_ns();
  int64_t inner_end_ns = inner_begin_ns;
  while (inner_end_ns < inner_begin_ns + 20'000'000) inner_end_ns = monotonic_ns();
  const uint64_t end_tsc = hftmon_marker_tsc();
  const int64_t outer_end_ns = monotonic_ns();
  hftmon_profile_add(profile.get(), 0, begin_tsc, end_tsc, false);
  const hftmon_profile_figures figures = Read(profile, 0);
  // Whenever the thread was off its CPU: the clock's inner readings lie within the counter's, which lie within the outer ones.
  const double margin = 0.001 + figures.tick_error_ppm * 1e-6;
  EXPECT_GE(static_cast<double>(figures.max_ns), static_cast<double>(inner_end_ns - inner_begin_ns) * (1 - margin));
  EXPECT_LE(static_cast<double>(figures.max_ns), static_cast<double>(outer_end_ns - outer_begin_ns) * (1 + margin));
  EXPECT_GT(figures.tick_error_ppm, 0);
  EXPECT_LT(figures.tick_error_ppm, 10'000);
  EXPECT_LE(figures.rate_hz, 50);
}

TEST(Profile, ProfilesOfThreadsThatEndedAreMerged) {
  constexpr uint32_t kThreads = 4;
  std::vector<uint64_t> all;
  std::vector<Profile> profiles;
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) profiles.push_back(NewProfile(2));
  for (uint32_t i = 0; i < kThreads; ++i) {
    const std::vector<uint64_t> ticks = RandomTicks(20'000, 10 + i);
    all.insert(all.end(), ticks.begin(), ticks.end());
    threads.emplace_back([profile = profiles[i].get(), ticks] {
      for (const uint64_t each : ticks) hftmon_profile_add(profile, 1, 7, 7 + each, each % 2 == 0);
      hftmon_profile_add(profile, 0, 1, 0, false);
      hftmon_profile_add(profile, 0, 0, kOverlongTicks, false);
      hftmon_profile_add(profile, 2, 0, 1, false);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Profile sum = NewProfile(2);
  for (const Profile& profile : profiles) hftmon_profile_merge(sum.get(), profile.get());
  ExpectFiguresOf(all, Read(sum, 1));
  EXPECT_EQ(Read(sum, 1).error_count, static_cast<uint64_t>(std::count_if(all.begin(), all.end(), [](uint64_t t) { return t % 2 == 0; })));
  EXPECT_EQ(Read(sum, 0).backwards_count, kThreads);
  EXPECT_EQ(Read(sum, 0).overlong_count, kThreads);
  EXPECT_EQ(hftmon_profile_unknown_operation_count(sum.get()), kThreads);
  EXPECT_EQ(Read(profiles[0], 1).count, 20'000u) << "what is merged from stays as it is";
  // Since the earliest of them, not since the sum was made.
  const double earliest_hz = Read(profiles[0], 1).rate_hz;
  EXPECT_LE(Read(sum, 1).rate_hz, kThreads * earliest_hz);
}

TEST(Profile, AMergeKeepsMinimaAndMakesWhatHasNoRoomUnknown) {
  const Profile small = NewProfile(1);
  const Profile large = NewProfile(3);
  Add(small, 0, 500);
  hftmon_profile_merge(small.get(), large.get());
  EXPECT_GT(Read(small, 0).min_ns, 0) << "none is no minimum";
  Add(large, 2, 100);
  Add(large, 2, 200, true);
  hftmon_profile_add(large.get(), 1, 1, 0, false);
  hftmon_profile_add(large.get(), 1, 0, kOverlongTicks, false);
  Add(large, 9, 1);
  hftmon_profile_merge(small.get(), large.get());
  EXPECT_EQ(hftmon_profile_unknown_operation_count(small.get()), 5u);
  EXPECT_EQ(Read(small, 0).count, 1u);
  hftmon_profile_merge(small.get(), small.get());
  EXPECT_EQ(Read(small, 0).count, 1u);
}

TEST(Profile, AResetBeginsAnew) {
  const Profile profile = NewProfile(2);
  time_four(profile.get(), 1);
  hftmon_profile_add(profile.get(), 1, 1, 0, false);
  hftmon_profile_add(profile.get(), 1, 0, kOverlongTicks, false);
  time_four(profile.get(), 2);
  hftmon_profile_reset(profile.get());
  const hftmon_profile_figures figures = Read(profile, 1);
  EXPECT_EQ(figures.count + figures.error_count + figures.backwards_count + figures.overlong_count, 0u);
  EXPECT_EQ(figures.max_ns, -1);
  EXPECT_EQ(hftmon_profile_unknown_operation_count(profile.get()), 0u);
  Add(profile, 1, 100);
  const hftmon_profile_figures anew = Read(profile, 1);
  EXPECT_EQ(anew.count, 1u);
  EXPECT_EQ(anew.min_ns, anew.max_ns);
}

Json WrittenJson(const Profile& profile, const char* const* names) {
  char* text = nullptr;
  size_t bytes = 0;
  FILE* const file = open_memstream(&text, &bytes);
  EXPECT_TRUE(hftmon_profile_write_json(profile.get(), names, file));
  std::fclose(file);
  const std::string line(text, bytes);
  std::free(text);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  return Json::parse(line);
}

TEST(Profile, JsonHasTheKeysOfOperationsAndLeavesOutWhatIsNotThere) {
  const Profile profile = NewProfile(4);
  for (int i = 0; i < 150; ++i) Add(profile, 0, 1'000'000, i < 3);
  hftmon_profile_add(profile.get(), 2, 1, 0, false);
  Add(profile, 4, 1);
  const std::string first = "order \"in\"\\\n\x01 \u00e9";
  const char* const names[] = {first.c_str(), "never", nullptr, "never"};
  const Json json = WrittenJson(profile, names);
  ASSERT_EQ(json["operations"].size(), 2u);
  const Json& orders = json["operations"][0];
  EXPECT_EQ(orders["name"], first);
  EXPECT_EQ(orders["pid"], getpid());
  EXPECT_EQ(orders["count"], 150);
  EXPECT_EQ(orders["error_count"], 3);
  EXPECT_GT(orders["rate_hz"], 0.0);
  EXPECT_EQ(orders["min_ns"], orders["max_ns"]);
  EXPECT_EQ(orders["mean_ns"], orders["sum_ns"].get<int64_t>() / 150);
  EXPECT_EQ(orders["p50_ns"], orders["p90_ns"]);
  for (const char* key : {"p95_ns", "p99_ns", "p99_9_ns", "p99_999_ns"}) EXPECT_FALSE(orders.contains(key)) << key;
  const Json& second = json["operations"][1];
  EXPECT_EQ(second["name"], "");
  EXPECT_EQ(second["count"], 0);
  EXPECT_EQ(second["sum_ns"], 0);
  EXPECT_EQ(second["backwards_count"], 1);
  EXPECT_EQ(second["overlong_count"], 0);
  for (const char* key : {"mean_ns", "min_ns", "max_ns", "p50_ns"}) EXPECT_FALSE(second.contains(key)) << key;
  EXPECT_EQ(json["unknown_operation_count"], 1);
  EXPECT_GT(json["tick_error_ppm"], 0.0);
}

TEST(Profile, JsonIsWrittenWithoutOperationsAndWithoutNames) {
  const Profile profile = NewProfile(2);
  EXPECT_EQ(WrittenJson(profile, nullptr)["operations"], Json::array());
  Add(profile, 1, 1);
  EXPECT_EQ(WrittenJson(profile, nullptr)["operations"][0]["name"], "");
}

TEST(Profile, WhatCannotBeWrittenIsSaid) {
  FILE* const full = std::fopen("/dev/full", "w");
  if (full == nullptr) GTEST_SKIP() << "no /dev/full";
  errno = 0;
  EXPECT_FALSE(hftmon_profile_write_json(NewProfile(1).get(), nullptr, full));
  EXPECT_EQ(errno, ENOSPC);
  std::fclose(full);
}

TEST(Profile, AForkedChildHasACopyOfItsOwn) {
  const Profile profile = NewProfile(1);
  Add(profile, 0, 100);
  const pid_t child = fork();
  if (child == 0) {
    Add(profile, 0, 200);
    Add(profile, 0, 300);
    hftmon_profile_figures figures;
    const bool read = hftmon_profile_read(profile.get(), 0, &figures);
    _exit(read ? static_cast<int>(figures.count) : 99);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_EQ(Read(profile, 0).count, 1u);
}

TEST(Profile, AddingMakesNoSystemCall) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer makes system calls of its own";
#endif
  const int ended = WithoutSystemCalls([] {
    hftmon_profile* const profile = hftmon_profile_create(2);
    if (!ForbidSystemCalls()) return 77;
    for (uint32_t i = 0; i < 1'000; ++i) time_four(profile, i % 3);
    return hftmon_profile_unknown_operation_count(profile) == 333 * 4 ? 42 : 1;
  });
  if (ended == 77) GTEST_SKIP() << "this kernel filters no system calls";
  EXPECT_EQ(ended, 42);
}

TEST(Profile, AddingFaultsNoPageIn) {
  constexpr uint32_t kOperations = 128;
  const auto faults = [] {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
  };
  const Profile profile = NewProfile(kOperations);
  const auto add_all = [&](uint32_t operation) {
    for (uint64_t ticks = 1; ticks < kOverlongTicks; ticks += ticks / 32 + 1) Add(profile, operation, ticks);
  };
  add_all(0);
  const int64_t before = faults();
  for (uint32_t operation = 0; operation < kOperations; ++operation) add_all(operation);
  // 128 operations are some 500 pages of 4 KiB.
  EXPECT_LT(faults() - before, 50);
}

}  // namespace
}  // namespace hftmon
