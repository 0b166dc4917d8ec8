// Which events sample memory accesses on this host's processor, and how they are opened. Pure, any thread.
//
//   Intel  cpu/mem-loads,ldlat=N/P, and cpu/mem-stores/P where there are; from Sapphire Rapids and Alder Lake on in a group that
//          cpu/mem-loads-aux/ leads, without which the kernel refuses them. Of a hybrid processor, those kinds of core that have them.
//   AMD    ibs_op//: one of so many instructions, of which those that access memory tell it. DATA_SRC from Linux 6.1, threads from 6.2 on.
//   Arm    arm_spe_*: its records are another format, in AUX memory, which is not mapped here.
#ifndef HFTMON_DAEMON_PMU_MEMORY_SAMPLING_EVENTS_H_
#define HFTMON_DAEMON_PMU_MEMORY_SAMPLING_EVENTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/pmu/event_encoding.h"
#include "daemon/pmu/pmu_list.h"
#include "daemon/pmu/processor_model.h"
#include "daemon/pmu/sampled_place.h"

namespace hftmon {

struct MemorySamplingWish {
  uint32_t load_latency_cycles = 30;  // Intel: loads from that latency on; at least 1, below 65,536. Others tell every load
  uint64_t period = 10'007;           // of accesses, on AMD of cycles; on AMD the multiple of 16 above it, at least 144
};

struct MemorySamplingEvent {
  EventEncoding encoding;
  uint64_t period = 0;          // 0: counted along, not sampled
  bool joins_previous = false;  // as SampledEvent has it

  friend bool operator==(const MemorySamplingEvent&, const MemorySamplingEvent&) = default;
};

// FAILED_PRECONDITION: none, with the reason and the mend (RefusalOf). INVALID_ARGUMENT: a latency or period that cannot be.
absl::StatusOr<std::vector<MemorySamplingEvent>> MemorySamplingEvents(const PmuList& pmus, const ProcessorModel& model,
                                                                      const MemorySamplingWish& wish);

// As they are opened: with thread, time in CLOCK_MONOTONIC, CPU, code and data address, data source, weight and period.
// Requires what AttributesOf does: none of the events above has a config3.
std::vector<SampledEvent> SampledEventsOf(const std::vector<MemorySamplingEvent>& events);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_MEMORY_SAMPLING_EVENTS_H_
