#include "daemon/service/evidence/host_sums.h"

namespace hftmon {

void AddHostSums(const ServiceCore& core, const HardwareSums* hardware, EvidenceSnapshot* snapshot) {
  if (hardware != nullptr) snapshot->hardware = hardware->Sums();
  if (!core.numa || !core.numa_of_thread || !core.numa().ok()) return;
  size_t asked = 0;
  for (auto& [thread, sums] : snapshot->threads) {
    if (!sums.faults) continue;
    if (++asked > kNumaThreadsMax) {
      snapshot->numa_truncated = true;
      break;
    }
    if (const absl::StatusOr<NumaOfThread> numa = core.numa_of_thread(thread.tgid, thread.tid); numa.ok()) sums.numa = *numa;
  }
}

}  // namespace hftmon
