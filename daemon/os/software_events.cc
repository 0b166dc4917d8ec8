#include "daemon/os/software_events.h"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace hftmon {

absl::StatusOr<int> OpenFaultEvent(FaultEvent event, int cpu) {
  perf_event_attr attributes = {};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = event == FaultEvent::kMinor ? PERF_COUNT_SW_PAGE_FAULTS_MIN : PERF_COUNT_SW_PAGE_FAULTS_MAJ;
  attributes.sample_period = 1;
  const long fd = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd >= 0) return static_cast<int>(fd);
  const int error = errno;
  const std::string what = fmt::format("page faults of CPU {}: perf_event_open: {}", cpu, strerror(error));
  switch (error) {
    case ENODEV:  // offline
    case EINVAL:  // beyond the possible CPUs
    case ENXIO:
      return absl::NotFoundError(what);
    case EPERM:
    case EACCES:
      return absl::PermissionDeniedError(
          what +
          ": give hftmond CAP_PERFMON; where kernel.perf_event_paranoid is above 2 (Debian's default is 3) also "
          "CAP_SYS_ADMIN, or set it to 2");
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(what + ": two descriptors a CPU are needed: raise LimitNOFILE= of hftmond.service");
    default:
      return absl::FailedPreconditionError(what + ": the kernel must be built with CONFIG_PERF_EVENTS=y");
  }
}

}  // namespace hftmon
