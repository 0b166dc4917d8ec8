#include "tests/common/memory_access/coherence_model.h"

#include "tests/common/memory_access/sharing_streams.h"

namespace hftmon {
namespace {

constexpr uint64_t kHitmCycles = 100;

}  // namespace

MemoryAccess CoherenceModel::Run(const ModelStep& step) {
  Line& line = lines_[step.address / line_bytes_];
  const bool held = line.holders.contains(step.tid);
  const bool modified_elsewhere = line.modified && !held;
  MemoryAccess access;
  if (step.store) {
    access = StoreAt(step.address, step.tid);
    access.source.level_hit = held;
    line.holders = {step.tid};
    line.modified = true;
    return access;
  }
  access = modified_elsewhere ? HitmAt(step.address, step.tid, kHitmCycles) : LoadAt(step.address, step.tid);
  if (modified_elsewhere) line.modified = false;
  line.holders.insert(step.tid);
  return access;
}

std::vector<MemoryAccess> RunModel(std::span<const ModelStep> steps, int rounds) {
  CoherenceModel model;
  std::vector<MemoryAccess> stream;
  for (int round = 0; round < rounds; ++round) {
    for (const ModelStep& step : steps) stream.push_back(model.Run(step));
  }
  return stream;
}

}  // namespace hftmon
