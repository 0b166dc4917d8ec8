// Which events sample memory accesses on this host's processor, and how they are opened. Pure, any thread.
//
//   Intel  cpu/mem-loads,ldlat=N/P, and cpu/mem-stores/P where there are; from Sapphire Rapids and Alder Lake on in a group that
//          cpu/mem-loads-aux/ leads, without which the kernel refuses them. Of a hybrid processor, those kinds of core that have them.
//   AMD    ibs_op//: one of so many instructions, of which those that access memory tell it. DATA_SRC from Linux 6.1, threads from 6.2 on.
//   Arm    arm_spe_N/ts_enable=1,load_filter=1,store_filter=1,…/: one of so many operations, of which loads and stores that took so many
//          cycles are kept; written by the hardware into AUX memory. One event for each kind of core that has it.
#ifndef HFTMON_DAEMON_PMU_MEMORY_SAMPLING_EVENTS_H_
#define HFTMON_DAEMON_PMU_MEMORY_SAMPLING_EVENTS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/pmu/event_encoding.h"
#include "daemon/pmu/pmu_list.h"
#include "daemon/pmu/processor_model.h"
#include "daemon/pmu/sampled_place.h"

namespace hftmon {

struct MemorySamplingWish {
  // Intel: loads from that latency on; at least 1, below 65,536. Arm: loads and stores from that one on, up to 4,095. AMD tells every load.
  uint32_t load_latency_cycles = 30;
  // Of accesses, on AMD of cycles, on Arm of operations. On AMD the multiple of 16 above it, at least 144; on Arm the multiple of 256, at
  // least what the PMU tells as its smallest (4,096 where it tells none).
  uint64_t period = 10'007;
};

struct MemorySamplingEvent {
  EventEncoding encoding;
  uint64_t period = 0;                   // 0: counted along, not sampled
  bool joins_previous = false;           // as SampledEvent has it
  std::optional<SpeSourceEncoding> spe;  // likewise; of the model that was given, whichever CPUs the event is of

  friend bool operator==(const MemorySamplingEvent&, const MemorySamplingEvent&) = default;
};

// FAILED_PRECONDITION: none, with the reason and the mend (RefusalOf). INVALID_ARGUMENT: a latency or period that cannot be.
absl::StatusOr<std::vector<MemorySamplingEvent>> MemorySamplingEvents(const PmuList& pmus, const ProcessorModel& model,
                                                                      const MemorySamplingWish& wish);

// As they are opened: with thread, time in CLOCK_MONOTONIC, CPU, code and data address, data source, weight and period. Those of Arm with
// thread, CPU and time in the kernel's clock for perf, which is what the hardware's time stamps become; and of the host alone, not of
// guests. Requires what AttributesOf does: none of the events above has a config3.
std::vector<SampledEvent> SampledEventsOf(const std::vector<MemorySamplingEvent>& events);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_MEMORY_SAMPLING_EVENTS_H_
