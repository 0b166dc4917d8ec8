#include "daemon/os/software_events.h"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <cerrno>

#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"

namespace hftmon {

absl::StatusOr<int> OpenFaultEvent(FaultEvent event, int cpu) {
  perf_event_attr attributes = {};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = event == FaultEvent::kMinor ? PERF_COUNT_SW_PAGE_FAULTS_MIN : PERF_COUNT_SW_PAGE_FAULTS_MAJ;
  attributes.sample_period = 1;
  const int opened = SystemPerfEventCalls().Open(attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (opened >= 0) return opened;
  // Every kernel has the event: what is invalid is a CPU beyond the possible ones.
  const PerfEventRefusal refusal =
      opened == -EINVAL ? ExplainNoSuchCpu(cpu) : ExplainPerfEventError(-opened, {.attributes = attributes, .tid = -1, .cpu = cpu});
  return PerfEventError(fmt::format("page faults of CPU {}", cpu), refusal);
}

}  // namespace hftmon
