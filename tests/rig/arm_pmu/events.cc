#include "tests/rig/arm_pmu/events.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/guest_machine.h"
#include "tests/rig/arm_pmu/known_loop.h"

namespace hftmon {
PerfEventCalls& Calls() {
  static SystemPerfEventCalls calls;
  return calls;
}

CountedEvent Event(std::string name, uint32_t type, uint64_t config) {
  CountedEvent event{.name = std::move(name)};
  event.attributes.type = type;
  event.attributes.config = config;
  event.attributes.exclude_kernel = 1;
  event.attributes.exclude_hv = 1;
  return event;
}

CountedEvent Instructions() {
  return Event("instructions:u", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS);
}

CountedEvent Cycles() {
  return Event("cycles:u", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
}

std::vector<CountedEvent> SomeInstructions(size_t count) {
  return std::vector<CountedEvent>(count, Instructions());
}

uint32_t PmuType() {
  const std::string text = ReadGuestFile("/sys/bus/event_source/devices/armv8_pmuv3/type");
  EXPECT_NE(text, "") << "there is no armv8_pmuv3 in /sys";
  return static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
}

absl::StatusOr<CounterGroup> Open(const std::vector<CountedEvent>& events, const CounterPlace& place,
                                  const CounterGroup::Options& options) {
  return CounterGroup::Open(Calls(), place, events, options);
}

absl::StatusOr<std::vector<CounterReading>> CountDuring(CounterGroup& group, const std::function<void()>& work) {
  if (absl::Status enabled = group.Enable(); !enabled.ok()) return enabled;
  work();
  if (absl::Status disabled = group.Disable(); !disabled.ok()) return disabled;
  return group.Read();
}

std::string NotTheLoop(const CounterReading& reading, uint64_t rounds, uint64_t excess_per_mille) {
  const uint64_t expected = kInstructionsPerRound * rounds;
  if (reading.exact() && reading.value >= expected && reading.value - expected <= expected / 1000 * excess_per_mille) return "";
  return fmt::format("{} counted, {} of {} ns; the loop is {} instructions", reading.value, reading.running_ns, reading.enabled_ns,
                     expected);
}

}  // namespace hftmon
