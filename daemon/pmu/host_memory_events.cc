#include "daemon/pmu/host_memory_events.h"

#include "daemon/os/cpu_topology.h"
#include "daemon/pmu/pmu_list.h"
#include "daemon/pmu/processor_model.h"

namespace hftmon {

absl::StatusOr<std::vector<SampledEvent>> HostMemoryEvents(const FileRoot& root, PerfEventCalls& calls, const PerfEventRefusalFacts& facts,
                                                           const MemorySamplingWish& wish) {
  if (const int error = TryCycleCounter(calls); error != 0) {
    return PerfEventError("memory accesses cannot be sampled", ExplainPerfEventError(error, {.attributes = CycleAttributes()}, facts));
  }
  const absl::StatusOr<std::vector<int>> online = ReadOnlineCpus(root);
  const absl::StatusOr<ProcessorModel> model = ReadProcessorModel(root, online.ok() && !online->empty() ? online->front() : 0);
  if (!model.ok()) return model.status();
  const absl::StatusOr<std::vector<MemorySamplingEvent>> events = MemorySamplingEvents(PmuList::Read(root), *model, wish);
  if (!events.ok()) return events.status();
  return SampledEventsOf(*events);
}

}  // namespace hftmon
