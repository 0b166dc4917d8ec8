#include "daemon/pmu/host_memory_events.h"

#include "daemon/os/cpu_topology.h"
#include "daemon/pmu/pmu_list.h"
#include "daemon/pmu/processor_model.h"

namespace hftmon {
namespace {

// Of the first of those CPUs, all of one kind, that tells its model: one that is offline may not. None: what is given.
SpeSourceEncoding EncodingOf(const FileRoot& root, const std::vector<int>& cpus, SpeSourceEncoding otherwise) {
  for (const int cpu : cpus) {
    if (const absl::StatusOr<ProcessorModel> model = ReadProcessorModel(root, cpu); model.ok()) {
      return SpeSourceEncodingOf(MidrOf(*model));
    }
  }
  return otherwise;
}

}  // namespace

absl::StatusOr<std::vector<SampledEvent>> HostMemoryEvents(const FileRoot& root, PerfEventCalls& calls, const PerfEventRefusalFacts& facts,
                                                           const MemorySamplingWish& wish) {
  if (const int error = TryCycleCounter(calls); error != 0) {
    return PerfEventError("memory accesses cannot be sampled", ExplainPerfEventError(error, {.attributes = CycleAttributes()}, facts));
  }
  const absl::StatusOr<std::vector<int>> online = ReadOnlineCpus(root);
  const absl::StatusOr<ProcessorModel> model = ReadProcessorModel(root, online.ok() && !online->empty() ? online->front() : 0);
  if (!model.ok()) return model.status();
  absl::StatusOr<std::vector<MemorySamplingEvent>> events = MemorySamplingEvents(PmuList::Read(root), *model, wish);
  if (!events.ok()) return events.status();
  for (MemorySamplingEvent& event : *events) {
    if (event.spe) event.spe = EncodingOf(root, event.encoding.cpus, *event.spe);
  }
  return SampledEventsOf(*events);
}

}  // namespace hftmon
