#include "daemon/os/perf_event_facts.h"

#include <linux/capability.h>

namespace hftmon {

bool IsExemptFromParanoidLevel(int level, const HasCapability& has) {
  return has(CAP_SYS_ADMIN) || (level <= 2 && has(CAP_PERFMON));
}

PerfEventRefusalFacts ReadPerfEventFacts(const FileRoot& root, const HasCapability& has, PerfEventCalls& calls) {
  PerfEventRefusalFacts facts{.hardware_pmu = TryCycleCounter(calls) == 0};
  if (const absl::StatusOr<int> level = ReadParanoidLevel(root); level.ok()) {
    facts.paranoid_level = *level;
    facts.exempt = IsExemptFromParanoidLevel(*level, has);
  }
  return facts;
}

}  // namespace hftmon
