#include "client/examples/order_book/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/examples/order_book/injection_table.h"
#include "client/examples/order_book/placement.h"

namespace hftmon::order_book {
namespace {

using ::testing::HasSubstr;

std::string Fault(std::vector<std::string> words) {
  const auto parsed = ParseOptions(std::move(words));
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(OptionsTest, EachIsTaken) {
  const auto parsed = ParseOptions({"--duration",
                                    "2s",
                                    "--seed",
                                    "9",
                                    "--rate",
                                    "1000",
                                    "--orders",
                                    "5",
                                    "--cpus",
                                    "3,2",
                                    "--threads",
                                    "2",
                                    "--priority",
                                    "7",
                                    "--inject",
                                    "sleep,preemptor",
                                    "--inject-every",
                                    "50ms",
                                    "--inject-length",
                                    "20us",
                                    "--inject-count",
                                    "4",
                                    "--pi-mutex",
                                    "--json",
                                    "--quiet",
                                    "--queue",
                                    "64",
                                    "--marks",
                                    "all",
                                    "--markers",
                                    "on"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const Options& options = parsed->options;
  EXPECT_EQ(options.duration_ns, 2'000'000'000);
  EXPECT_EQ(options.seed, 9u);
  EXPECT_EQ(options.rate_per_s, 1'000u);
  EXPECT_EQ(options.orders_max, 5u);
  EXPECT_EQ(options.cpus, (std::vector<int>{3, 2}));
  EXPECT_EQ(options.threads, 2);
  EXPECT_EQ(options.priority, 7);
  EXPECT_EQ(options.inject, (std::vector<std::string>{"sleep", "preemptor"}));
  EXPECT_EQ(options.inject_every_ns, 50'000'000);
  EXPECT_EQ(options.inject_length_ns, 20'000);
  EXPECT_EQ(options.inject_count, 4u);
  EXPECT_EQ(options.queue_capacity, 64u);
  EXPECT_TRUE(options.pi_mutex && options.json && options.quiet);
  EXPECT_EQ(options.markers, MarkLevel::kAll);
}

TEST(OptionsTest, AFaultNamesTheOptionAndWhatItTakes) {
  EXPECT_THAT(Fault({"--duration", "2h"}), HasSubstr("--duration is '2h': give a duration from 1ms to 1h"));
  EXPECT_THAT(Fault({"--duration", "5"}), HasSubstr("--duration is '5'"));
  EXPECT_THAT(Fault({"--inject", "earthquake"}), HasSubstr("--inject is 'earthquake': give any of preemptor, page_faults"));
  EXPECT_THAT(Fault({"--inject", "sleep,sleep"}), HasSubstr("names sleep twice"));
  EXPECT_THAT(Fault({"--inject-every", "1ms", "--inject-length", "1ms"}), HasSubstr("--inject-every 1ms is less than twice"));
  EXPECT_THAT(Fault({"--until-injected"}), HasSubstr("--inject-count"));
  EXPECT_THAT(Fault({"--cpus", "1,1"}), HasSubstr("--threads 1"));
  EXPECT_THAT(Fault({"--cpus", "1,2,3"}), HasSubstr("--cpus"));
  EXPECT_THAT(Fault({"--priority", "100"}), HasSubstr("--priority"));
  EXPECT_THAT(Fault({"--markers", "maybe"}), HasSubstr("--markers"));
  EXPECT_THAT(Fault({"--nonsense"}), HasSubstr("order_book --help"));
}

TEST(OptionsTest, HelpNamesEachInjection) {
  const auto parsed = ParseOptions({"--help"});
  ASSERT_TRUE(parsed.ok());
  for (const InjectionKind& kind : InjectionKinds()) EXPECT_THAT(parsed->help, HasSubstr(kind.name));
}

TEST(PlacementTest, TheLastTwoCpusAreTakenAndHelpersGoElsewhere) {
  const std::vector<int> allowed = {0, 1, 2, 5};
  const auto placement = ChoosePlacement({}, allowed, true);
  ASSERT_TRUE(placement.ok());
  EXPECT_EQ(placement->threads, 2);
  EXPECT_EQ(placement->gateway_cpu, 2);
  EXPECT_EQ(placement->engine_cpu, 5);
  EXPECT_EQ(placement->helper_cpu, 1);
}

TEST(PlacementTest, OneCpuMeansOneThread) {
  const std::vector<int> allowed = {3};
  const auto placement = ChoosePlacement({}, allowed, true);
  ASSERT_TRUE(placement.ok());
  EXPECT_EQ(placement->threads, 1);
  EXPECT_EQ(placement->engine_cpu, 3);
  EXPECT_EQ(placement->helper_cpu, 3);
  EXPECT_FALSE(ChoosePlacement({.threads = 2}, allowed, false).ok());
}

TEST(PlacementTest, AHelperOnTheGatewaysCpuIsNotLockedOutByIt) {
  const std::vector<int> allowed = {0, 1};
  const auto with = ChoosePlacement({.priority = 10}, allowed, true);
  ASSERT_TRUE(with.ok());
  EXPECT_EQ(with->helper_cpu, with->gateway_cpu);
  EXPECT_EQ(with->gateway_priority, 0);
  EXPECT_EQ(with->engine_priority, 10);
  EXPECT_EQ(ChoosePlacement({.priority = 10}, allowed, false)->gateway_priority, 10);
}

TEST(PlacementTest, ACpuThatIsNotAllowedIsNamed) {
  const std::vector<int> allowed = {0, 1, 2};
  const auto placement = ChoosePlacement({.cpus = {1, 7}}, allowed, false);
  EXPECT_THAT(std::string(placement.status().message()), HasSubstr("CPU 7 is not among those this process may use (0-2)"));
}

}  // namespace
}  // namespace hftmon::order_book
