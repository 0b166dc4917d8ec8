// Each kind disturbs as often as it was told to, says when and for how long, and that is true. Kinds that need real-time priority stand in
// realtime_injections_test.cc.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/client/examples/order_book/injected_run.h"

namespace hftmon::order_book {
namespace {

using nlohmann::json;

TEST(InjectionsTest, SleepHappensThatOften) {
  const json injection = InjectedRun("sleep", 3, 300'000);
  ExpectSoundLog(injection, 3);
  for (const json& event : injection["events"]) EXPECT_GE(event["duration_ns"], 299'000);
}

TEST(InjectionsTest, PageFaultsAreFaults) {
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const json injection = InjectedRun("page_faults", 3, 300'000);
  getrusage(RUSAGE_SELF, &after);
  ExpectSoundLog(injection, 3);
  EXPECT_GE(injection["detail"]["page_count"], 3);
  EXPECT_GE(after.ru_minflt - before.ru_minflt, injection["detail"]["page_count"].get<int64_t>());
}

TEST(InjectionsTest, UsedUpPagesAreGivenBackAndFaultAgain) {
  // More than the 16,384 pages of 4 KiB that it has, unless a fault takes more than 6 us.
  const json injection = InjectedRun("page_faults", 3, 40'000'000);
  ExpectSoundLog(injection, 3);
  const uint64_t pages = injection["detail"]["page_count"];
  EXPECT_EQ(injection["detail"]["given_back_count"].get<uint64_t>(), (pages - 1) / (64 << 20 >> 12));
}

TEST(InjectionsTest, AllocationsGoToTheKernelEachTime) {
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const json injection = InjectedRun("allocation", 3, 1'000'000);
  getrusage(RUSAGE_SELF, &after);
  ExpectSoundLog(injection, 3);
  EXPECT_GE(injection["detail"]["block_count"], 3);
  EXPECT_EQ(injection["detail"]["failed_count"], 0);
  EXPECT_GE(after.ru_minflt - before.ru_minflt, injection["detail"]["block_count"].get<int64_t>());
}

TEST(InjectionsTest, TheLockIsHeldThatOftenAndWaitedForWithinAHold) {
  for (const bool pi_mutex : {false, true}) {
    const json injection = InjectedRun("lock_convoy", 4, 10'000'000, {.pi_mutex = pi_mutex});
    const json& holds = injection["detail"]["holds"];
    ExpectSoundLog(holds, 4);
    for (const json& hold : holds["events"]) EXPECT_GE(hold["duration_ns"], 9'990'000);
    EXPECT_EQ(injection["detail"]["pi_mutex"], pi_mutex);
    // The engine may be off its CPU for the whole of a hold.
    ASSERT_LE(injection["count"], 4);
    // Each hold is waited for once at most: the n-th wait is of the n-th hold or a later one.
    for (size_t i = 0; i < injection["events"].size(); ++i) {
      EXPECT_GE(injection["events"][i]["start_mono_ns"], holds["events"][i]["start_mono_ns"]);
    }
  }
}

TEST(InjectionsTest, SharedCountersCountBoth) {
  const json injection = InjectedRun("false_sharing", 3, 10'000'000);
  if (injection.is_null()) GTEST_SKIP() << "false_sharing needs two CPUs";
  EXPECT_EQ(injection["detail"]["window_count"], 3);
  ASSERT_LE(injection["count"], 3);
  EXPECT_EQ(injection["detail"]["addition_count"] > 0, injection["count"] > 0);
  EXPECT_GT(injection["detail"]["other_addition_count"], 0);
  EXPECT_GT(injection["detail"]["addition_alone_ns"], 0);
}

TEST(InjectionsTest, RemoteMemoryIsReadOrRefusedWithAReason) {
  const json injection = InjectedRun("remote_memory", 3, 1'000'000);
  if (injection.is_null()) GTEST_SKIP() << "remote_memory needs two NUMA nodes";
  ExpectSoundLog(injection, 3);
  EXPECT_GT(injection["detail"]["load_count"], 0);
}

TEST(InjectionsTest, AnInversionWithoutPriorityIsRefused) {
  Options options;
  options.inject = {"priority_inversion"};
  const auto result = RunOrderBook(options);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.status().message().find("give --priority 3 or more"), std::string::npos) << result.status();
}

}  // namespace
}  // namespace hftmon::order_book
