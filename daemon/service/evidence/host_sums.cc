#include "daemon/service/evidence/host_sums.h"

namespace hftmon {

void AddHostSums(const ServiceCore& core, const HardwareSums* hardware, bool numa, EvidenceSnapshot* snapshot) {
  if (hardware != nullptr) snapshot->hardware = hardware->Sums();
  if (!numa || !core.numa || !core.numa_of_thread || !core.numa().ok()) return;
  snapshot->numa_asked = true;
  size_t asked = 0;
  for (auto& [thread, sums] : snapshot->threads) {
    if (!sums.faults) continue;
    if (++asked > kNumaThreadsMax) {
      snapshot->numa_truncated = true;
      break;
    }
    if (const absl::StatusOr<NumaOfThread> read = core.numa_of_thread(thread.tgid, thread.tid); read.ok()) sums.numa = *read;
  }
}

}  // namespace hftmon
