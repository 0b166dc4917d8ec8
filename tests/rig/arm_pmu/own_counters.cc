#include "tests/rig/arm_pmu/own_counters.h"

#include <fmt/format.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/known_loop.h"

namespace hftmon {

OwnCounters::OwnCounters(std::vector<hftmon_counter_event> events) : host_(*hftmon_counters_system()) {
  host_.context = this;
  host_.close_event = [](void* context, int descriptor) { static_cast<OwnCounters*>(context)->descriptors_.push_back(descriptor); };
  // A group that was refused, or the end: an event that somebody still holds would go on asking for registers.
  host_.unmap_page = [](void* context, const perf_event_mmap_page* page) {
    static_cast<OwnCounters*>(context)->LetGo();
    hftmon_counters_system()->unmap_page(nullptr, page);
  };
  counters_ = hftmon_counters_open_on(&host_, events.data(), static_cast<uint32_t>(events.size()), &why_);
}

OwnCounters::~OwnCounters() {
  hftmon_counters_close(counters_);
  LetGo();
}

void OwnCounters::LetGo() {
  for (const int descriptor : descriptors_) close(descriptor);
  descriptors_.clear();
}

// They were closed last first.
uint64_t OwnCounters::KernelsValue(size_t event) const {
  uint64_t value = 0;
  const bool whole = read(descriptors_[descriptors_.size() - 1 - event], &value, sizeof value) == static_cast<ssize_t>(sizeof value);
  if (!whole) ADD_FAILURE() << "the kernel does not tell the value of event " << event;
  return value;
}

hftmon_counters_reading OwnCounters::Read() const {
  hftmon_counters_reading reading = {};
  EXPECT_TRUE(hftmon_counters_read(counters_, &reading));
  return reading;
}

hftmon_counter_event OwnInstructions() {
  return HFTMON_COUNTER_INSTRUCTIONS;
}

hftmon_counter_event OwnCycles() {
  return HFTMON_COUNTER_CYCLES;
}

std::string NotTheLoop(const hftmon_counters_reading& begin, const hftmon_counters_reading& end, size_t event, uint64_t rounds,
                       uint64_t excess_per_mille) {
  const uint64_t expected = kInstructionsPerRound * rounds;
  const uint64_t counted = end.values[event] - begin.values[event];
  if (hftmon_counters_whole(&begin, &end) && counted >= expected && counted - expected <= expected / 1000 * excess_per_mille) return "";
  return fmt::format("{} counted, {} ns paused; the loop is {} instructions", counted, end.paused_ns - begin.paused_ns, expected);
}

}  // namespace hftmon
