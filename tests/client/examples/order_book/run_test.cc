// Whole runs, short ones: what they tell is complete, agrees with itself, and the same messages have the same outcome however they are run.
#include "client/examples/order_book/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "client/examples/order_book/report.h"

namespace hftmon::order_book {
namespace {

using nlohmann::json;

// The options of a run that ends with its messages.
Options Counted(uint64_t orders) {
  Options options;
  options.duration_ns = 60'000'000'000;
  options.orders_max = orders;
  options.queue_capacity = 4'096;  // on a busy host each of the two may wait long for its turn: let it do more in one
  return options;
}

json Report(const RunResult& result) {
  return json::parse(ReportJson(result, true).dump());
}

TEST(RunTest, TheSameSeedHasTheSameOutcomeInOneThreadInTwoAndDisturbed) {
  std::set<std::string> checksums;
  std::set<uint64_t> trades;
  for (const int threads : {1, 2}) {
    for (const bool disturbed : {false, true}) {
      Options options = Counted(200'000);
      options.threads = threads;
      if (disturbed) options.inject = {"sleep", "page_faults"};
      options.inject_every_ns = 2'000'000;
      options.inject_length_ns = 100'000;
      const auto result = RunOrderBook(options);
      if (!result.ok() && threads == 2) continue;  // one CPU
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_TRUE(result->sound()) << Report(*result)["checks"];
      EXPECT_EQ(result->sent_count, 200'000u);
      checksums.insert(Report(*result)["checksum"].get<std::string>());
      trades.insert(result->totals.trade_count);
    }
  }
  EXPECT_EQ(checksums.size(), 1u);
  EXPECT_EQ(trades.size(), 1u);
  Options other = Counted(200'000);
  other.seed = 2;
  const auto result = RunOrderBook(other);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(checksums.contains(Report(*result)["checksum"].get<std::string>()));
}

TEST(RunTest, TheReportAgreesWithItself) {
  const auto result = RunOrderBook(Counted(300'000));
  ASSERT_TRUE(result.ok()) << result.status();
  const json report = Report(*result);
  EXPECT_EQ(report["workload"], "order_book");
  EXPECT_EQ(report["loop"], "closed");
  EXPECT_EQ(report["orders"], 300'000);
  EXPECT_EQ(report["limits"].get<int>() + report["markets"].get<int>() + report["cancels"].get<int>() + report["modifies"].get<int>(),
            300'000);
  int results = 0;
  for (const auto& [name, count] : report["results"].items()) results += count.get<int>();
  EXPECT_EQ(results, 300'000);
  EXPECT_GT(report["orders_per_s"].get<double>(), 0);
  EXPECT_LE(report["p50_ns"], report["p90_ns"]);
  EXPECT_LE(report["p90_ns"], report["p99_ns"]);
  EXPECT_LE(report["p99_ns"], report["p99_9_ns"]);
  EXPECT_LE(report["p99_9_ns"], report["p99_99_ns"]);
  EXPECT_GE(report["max_ns"], report["p50_ns"]);
  EXPECT_LT(report["best_bid"], report["best_ask"]);
  EXPECT_GT(report["resting_orders"], 0);
  EXPECT_EQ(report["sound"], true);
  EXPECT_TRUE(report["injections"].empty());
  EXPECT_THAT(ReportText(*result), ::testing::HasSubstr("300000 orders in"));
}

TEST(RunTest, TooFewMessagesHaveNoPercentile) {
  const auto result = RunOrderBook(Counted(50));
  ASSERT_TRUE(result.ok()) << result.status();
  const json report = Report(*result);
  EXPECT_TRUE(report["p50_ns"].is_number());
  EXPECT_TRUE(report["p99_ns"].is_null());
  EXPECT_TRUE(report["p99_9_ns"].is_null());
}

TEST(RunTest, AnOfferTooHighIsSaidToBeSo) {
  Options options;
  options.duration_ns = 20'000'000;
  options.rate_per_s = 100'000'000;
  options.threads = 1;
  const auto result = RunOrderBook(options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->behind_count + result->sent_count, 2'000'000u);
  EXPECT_GT(result->behind_count, 0u);
  EXPECT_EQ(Report(*result)["loop"], "open");
}

// Keys of objects, at any depth.
void CollectKeys(const json& value, std::set<std::string>* keys) {
  if (value.is_object()) {
    for (const auto& [key, each] : value.items()) keys->insert(key);
  }
  if (!value.is_structured()) return;
  for (const json& each : value) CollectKeys(each, keys);
}

TEST(RunTest, TheReadmeNamesEachKey) {
  std::ifstream file(ORDER_BOOK_README);
  std::stringstream readme;
  readme << file.rdbuf();
  Options options;
  options.duration_ns = 200'000'000;
  options.inject = {"page_faults", "lock_convoy", "sleep", "allocation"};
  options.inject_every_ns = 8'000'000;
  options.inject_length_ns = 1'000'000;
  const auto result = RunOrderBook(options);
  ASSERT_TRUE(result.ok()) << result.status();
  std::set<std::string> keys;
  CollectKeys(Report(*result), &keys);
  ASSERT_GT(keys.size(), 50u);
  keys.insert("reason");  // where no ring can be made
  for (const std::string& key : keys) EXPECT_THAT(readme.str(), ::testing::HasSubstr("`" + key + "`"));
}

struct Ended {
  int exit_code = -1;
  std::string output;
};

Ended Execute(const std::string& arguments) {
  Ended ended;
  FILE* pipe = popen((std::string(ORDER_BOOK_BINARY) + " " + arguments).c_str(), "r");
  char buffer[4'096];
  for (size_t got = 0; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) ended.output.append(buffer, got);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  return ended;
}

TEST(RunTest, TheProgramPrintsOneJsonObject) {
  const Ended ended = Execute("--duration 50ms --json --inject sleep --inject-every 10ms --inject-length 50us");
  EXPECT_EQ(ended.exit_code, 0);
  const json report = json::parse(ended.output);
  EXPECT_GT(report["orders"], 0);
  EXPECT_TRUE(report["injections"][0].contains("events"));
  const Ended quiet = Execute("--duration 50ms --json --quiet --inject sleep --inject-every 10ms --inject-length 50us");
  EXPECT_FALSE(json::parse(quiet.output)["injections"][0].contains("events"));
}

TEST(RunTest, TheProgramSaysWhyItRefuses) {
  EXPECT_EQ(Execute("--duration nonsense 2>&1").exit_code, 3);
  EXPECT_THAT(Execute("--duration nonsense 2>&1").output, ::testing::HasSubstr("--duration is 'nonsense'"));
  EXPECT_EQ(Execute("--duration 10ms --quiet").output, "");
  EXPECT_EQ(Execute("--help").exit_code, 0);
}

}  // namespace
}  // namespace hftmon::order_book
