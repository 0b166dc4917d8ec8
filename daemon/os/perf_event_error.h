// What an errno of perf_event_open means, and what helps. Pure but for ReadParanoidLevel; any thread.
#ifndef HFTMON_DAEMON_OS_PERF_EVENT_ERROR_H_
#define HFTMON_DAEMON_OS_PERF_EVENT_ERROR_H_

#include <linux/perf_event.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// What is known besides the errno; the more, the more exact the reason.
struct PerfEventRefusalFacts {
  std::optional<int> paranoid_level;  // /proc/sys/kernel/perf_event_paranoid
  bool exempt = false;                // from that level: the caller has CAP_SYS_ADMIN, or up to 2 CAP_PERFMON
  std::optional<bool> hardware_pmu;   // TryCycleCounter succeeds
};

// What was to be opened.
struct PerfEventRequest {
  perf_event_attr attributes = {};
  pid_t tid = 0;  // as of perf_event_open
  int cpu = -1;
};

struct PerfEventRefusal {
  // NOT_FOUND: the thread or CPU is not there. FAILED_PRECONDITION: this host cannot. INVALID_ARGUMENT: nor could another.
  // PERMISSION_DENIED. RESOURCE_EXHAUSTED: descriptors, memory, counters that others hold.
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::string reason;  // with the errno's text
  std::string mend;
};
PerfEventRefusal ExplainPerfEventError(int error, const PerfEventRequest& request, const PerfEventRefusalFacts& facts = {});

// Of a CPU beyond the kernel's last one, of which perf_event_open says EINVAL, whatever the event. NOT_FOUND.
PerfEventRefusal ExplainNoSuchCpu(int cpu);

// "reason: mend", by RefusalOf told apart again.
absl::Status StatusOf(const PerfEventRefusal& refusal);
// "what: reason: mend", likewise; what is then part of the reason.
absl::Status PerfEventError(std::string_view what, const PerfEventRefusal& refusal);
// Of a status that neither of them made the whole message is the reason, and there is no mend. Requires: not OK.
PerfEventRefusal RefusalOf(const absl::Status& status);

// NOT_FOUND and the like: the file cannot be read, as without CONFIG_PERF_EVENTS. INVALID_ARGUMENT: it holds no number.
absl::StatusOr<int> ReadParanoidLevel(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PERF_EVENT_ERROR_H_
