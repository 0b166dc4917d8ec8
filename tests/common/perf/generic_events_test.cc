#include "common/perf/generic_events.h"

#include <gmock/gmock.h>

#include <set>
#include <string>

namespace hftmon {
namespace {

TEST(GenericEventsTest, NumbersAreThoseThatRecordingsOfRealHostsHave) {
  const struct {
    const char* name;
    uint32_t type;
    uint64_t config;
  } kKnown[] = {{"cycles", 0, 0},
                {"instructions", 0, 1},
                {"cache-misses", 0, 3},
                {"branches", 0, 4},
                {"task-clock", 1, 1},
                {"page-faults", 1, 2},
                {"context-switches", 1, 3},
                {"cpu-migrations", 1, 4},
                {"L1-dcache-load-misses", 3, 0x10000},
                {"L1-dcache-store-misses", 3, 0x10100}};
  for (const auto& known : kKnown) {
    const auto event = FindGenericEvent(known.name);
    ASSERT_TRUE(event.has_value()) << known.name;
    EXPECT_EQ(event->type, known.type) << known.name;
    EXPECT_EQ(event->config, known.config) << known.name;
    EXPECT_EQ(IsOfProcessor(event->type), known.type != 1) << known.name;
  }
}

TEST(GenericEventsTest, ACacheEventsNameTellsItsThreeParts) {
  const std::pair<const char*, uint64_t> kCaches[] = {{"L1-dcache", 0}, {"L1-icache", 1}, {"LLC", 2}, {"dTLB", 3},
                                                      {"iTLB", 4},      {"branch", 5},    {"node", 6}};
  const std::pair<const char*, uint64_t> kOperations[] = {{"load", 0}, {"store", 0x100}, {"prefetch", 0x200}};
  size_t found = 0;
  for (const auto& [cache, cache_bits] : kCaches) {
    for (const auto& [operation, operation_bits] : kOperations) {
      const std::string base = std::string(cache) + "-" + operation;
      const auto all = FindGenericEvent(base + (std::string(operation) == "prefetch" ? "es" : "s"));
      const auto missed = FindGenericEvent(base + "-misses");
      EXPECT_EQ(all.has_value(), missed.has_value()) << base;
      if (!all) continue;
      ++found;
      EXPECT_EQ(all->config, cache_bits | operation_bits) << base;
      EXPECT_EQ(missed->config, cache_bits | operation_bits | 0x10000) << base;
    }
  }
  EXPECT_EQ(found, 16u);
}

TEST(GenericEventsTest, EveryNameIsFoundAndStandsOnce) {
  std::set<std::string_view> names;
  for (const std::string_view name : GenericEventNames()) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(FindGenericEvent(name).has_value()) << name;
  }
  EXPECT_EQ(NameOfGenericEvent(0, 4), "branches");
  EXPECT_EQ(NameOfGenericEvent(1, 3), "context-switches");
  EXPECT_EQ(NameOfGenericEvent(3, 0x104), "");  // nobody stores TLB entries of instructions
  EXPECT_FALSE(FindGenericEvent("cycle").has_value());
  EXPECT_FALSE(FindGenericEvent("CYCLES").has_value());
}

}  // namespace
}  // namespace hftmon
