// The kinds that need real-time priority. Skips where that is refused.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <thread>

#include "client/examples/order_book/thread_place.h"
#include "tests/client/examples/order_book/injected_run.h"

namespace hftmon::order_book {
namespace {

using nlohmann::json;

class RealtimeInjectionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::Status status;
    std::thread([&status] { status = TakePlace({"probe", -1, 1}); }).join();
    if (!status.ok()) GTEST_SKIP() << status.message();
  }
};

TEST_F(RealtimeInjectionsTest, ThePreemptorTakesTheEnginesCpuThatOften) {
  const json injection = InjectedRun("preemptor", 4, 2'000'000);
  ExpectSoundLog(injection, 4);
  for (const json& event : injection["events"]) EXPECT_GE(event["duration_ns"], 1'999'000);
  EXPECT_GT(injection["detail"]["tid"], 0);
}

TEST_F(RealtimeInjectionsTest, AnInversionLastsUntilTheMediumThreadIsDoneUnlessTheMutexInherits) {
  const json plain = InjectedRun("priority_inversion", 4, 20'000'000, {.pi_mutex = false, .priority = 10});
  if (plain.is_null()) GTEST_SKIP() << "priority_inversion needs two CPUs";
  const json inheriting = InjectedRun("priority_inversion", 4, 20'000'000, {.pi_mutex = true, .priority = 10});
  for (const json* injection : {&plain, &inheriting}) {
    ExpectSoundLog(*injection, 4);
    ExpectSoundLog((*injection)["detail"]["holds"], 4);
    EXPECT_EQ((*injection)["detail"]["medium_runs"]["count"], 4);
  }
  // 22 ms each against 2.
  EXPECT_GT(plain["total_ns"].get<int64_t>(), 3 * inheriting["total_ns"].get<int64_t>());
}

TEST_F(RealtimeInjectionsTest, TheEngineRunsIntoWhatOthersDo) {
  for (const char* kind : {"lock_convoy", "false_sharing"}) {
    const json injection = InjectedRun(kind, 8, 10'000'000, {.pi_mutex = false, .priority = 10});
    if (injection.is_null()) GTEST_SKIP() << kind << " needs two CPUs";
    // Real-time threads that never sleep are kept from their CPU for 50 ms in each second: that may hide a few.
    EXPECT_GE(injection["count"], 4) << kind;
    EXPECT_LE(injection["count"], 8) << kind;
    EXPECT_GT(injection["total_ns"], 0) << kind;
  }
}

TEST_F(RealtimeInjectionsTest, TheThreadsHaveThePriorityThatTheReportNames) {
  Options options;
  options.duration_ns = 60'000'000'000;
  options.orders_max = 1'000;
  options.priority = 5;
  const auto result = RunOrderBook(options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->placement.engine_priority, 5);
  EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER) << "of the caller nothing changed";
}

}  // namespace
}  // namespace hftmon::order_book
