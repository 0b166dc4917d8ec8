// PerfFeatures: what a perf.data file says of itself beside its records: the machine, its events' names, and which
// builds of files it met. Pure, any thread.
#ifndef HFTMON_COMMON_PERF_PERF_FEATURES_H_
#define HFTMON_COMMON_PERF_PERF_FEATURES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/perf/perf_build_ids.h"
#include "common/perf/perf_host.h"

namespace hftmon {

// Of EVENT_DESC, in its order.
struct PerfEventDescription {
  std::string name;
  std::vector<uint64_t> ids;
};

struct PerfFeatures {
  PerfHost host;
  std::vector<PerfEventDescription> descriptions;
  PerfBuildIds build_ids;
  bool directory = false;           // the records are in files beside this one
  uint64_t dropped_nodes = 0;       // beyond PerfDataFormat::kNodesMax
  uint64_t nodes_without_cpus = 0;  // kept without their CPUs, whose text is beyond kNodeCpusBytesMax
};

bool IsPerfFeatureRead(uint32_t number);

// Adds what the feature tells; one that is not read changes nothing. DATA_LOSS: it ends too early, or counts more than there can be.
// RESOURCE_EXHAUSTED: it tells more build ids than are kept.
absl::Status ParsePerfFeature(uint32_t number, std::span<const std::byte> payload, PerfFeatures* features);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_FEATURES_H_
