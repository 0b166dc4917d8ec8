#include "daemon/os/idle_states.h"

#include <gtest/gtest.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

constexpr char kFolder[] = "/sys/devices/system/cpu/cpu3/cpuidle/";

TEST(IdleStatesTest, StatesAreInOrderAndWhatAFileDoesNotTellIsAbsent) {
  const FixtureTree host;
  for (const auto& [file, text] : {std::pair{"state10/name", "C10\n"},
                                   {"state10/latency", "many\n"},
                                   {"state2/name", "C1E\n"},
                                   {"state2/latency", "10\n"},
                                   {"state2/usage", "77\n"},
                                   {"state2/time", "1234\n"},
                                   {"state2/disable", "1\n"},
                                   {"driver/name", "none"}}) {
    host.Write(std::string(kFolder) + file, text);
  }
  const auto states = ReadIdleStates(host.root(), 3);
  ASSERT_TRUE(states.ok()) << states.status();
  ASSERT_EQ(states->size(), 2u);
  EXPECT_EQ((*states)[0].index, 2);
  EXPECT_EQ((*states)[0].name, "C1E");
  EXPECT_EQ((*states)[0].target_latency_ns, 10'000);
  EXPECT_EQ((*states)[0].entry_count, 77u);
  EXPECT_EQ((*states)[0].duration_ns, 1'234'000);
  EXPECT_EQ((*states)[0].disabled, true);
  EXPECT_FALSE((*states)[1].disabled.has_value());
  EXPECT_EQ((*states)[1].index, 10);
  EXPECT_FALSE((*states)[1].target_latency_ns.has_value());
  EXPECT_FALSE((*states)[1].entry_count.has_value());
}

TEST(IdleStatesTest, WithoutADriverThereAreNone) {
  const FixtureTree host;
  EXPECT_TRUE(absl::IsNotFound(ReadIdleStates(host.root(), 0).status()));
}

}  // namespace
}  // namespace hftmon
