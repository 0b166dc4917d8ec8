// A run with one kind of injection, and what every log of one holds.
#ifndef HFTMON_TESTS_CLIENT_EXAMPLES_ORDER_BOOK_INJECTED_RUN_H_
#define HFTMON_TESTS_CLIENT_EXAMPLES_ORDER_BOOK_INJECTED_RUN_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "client/examples/order_book/report.h"
#include "client/examples/order_book/run.h"

namespace hftmon::order_book {

struct InjectedRunOptions {
  bool pi_mutex = false;
  int priority = 0;
};

// A run that ends after `count` injections of `length_ns`; at a rate that leaves the engine idle in between. The kind's part
// of the report; null, with the reason printed, when this host cannot have it.
inline nlohmann::json InjectedRun(const std::string& kind, uint64_t count, int64_t length_ns, const InjectedRunOptions& more = {}) {
  Options options;
  options.inject = {kind};
  options.inject_every_ns = std::max<int64_t>(20'000'000, 3 * length_ns);
  options.inject_length_ns = length_ns;
  options.inject_count = count;
  options.duration_ns = 60'000'000'000;
  options.until_injected = true;
  options.rate_per_s = 200'000;
  options.pi_mutex = more.pi_mutex;
  options.priority = more.priority;
  const auto result = RunOrderBook(options);
  if (!result.ok()) {
    std::printf("%s\n", std::string(result.status().message()).c_str());
    return nullptr;
  }
  EXPECT_TRUE(result->sound());
  const nlohmann::json report = nlohmann::json::parse(ReportJson(*result, true).dump());
  nlohmann::json injection = report["injections"][0];
  EXPECT_EQ(injection["kind"], kind);
  // None began before it was due. Both times come from the cycle counter by conversions whose rates differ a little.
  constexpr int64_t kConversionNs = 100'000;
  int64_t due_ns = report["start_mono_ns"].get<int64_t>() + injection["first_ns"].get<int64_t>();
  for (const nlohmann::json& event : injection["events"]) {
    EXPECT_GE(event["start_mono_ns"].get<int64_t>(), due_ns - kConversionNs);
    due_ns += injection["every_ns"].get<int64_t>();
  }
  return injection;
}

// As often as said, one after the other, none without a duration.
inline void ExpectSoundLog(const nlohmann::json& log, uint64_t count) {
  ASSERT_FALSE(log.is_null());
  EXPECT_EQ(log["count"], count);
  EXPECT_EQ(log["events_left_out"], 0);
  ASSERT_EQ(log["events"].size(), count);
  int64_t total_ns = 0;
  int64_t end_ns = 0;
  for (const nlohmann::json& event : log["events"]) {
    EXPECT_GE(event["start_mono_ns"].get<int64_t>(), end_ns);
    EXPECT_GT(event["duration_ns"], 0);
    total_ns += event["duration_ns"].get<int64_t>();
    end_ns = event["start_mono_ns"].get<int64_t>() + event["duration_ns"].get<int64_t>();
  }
  EXPECT_NEAR(static_cast<double>(log["total_ns"].get<int64_t>()), static_cast<double>(total_ns), static_cast<double>(count));
}

}  // namespace hftmon::order_book

#endif  // HFTMON_TESTS_CLIENT_EXAMPLES_ORDER_BOOK_INJECTED_RUN_H_
