#include "daemon/os/process_usage.h"

#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "daemon/os/proc_statm.h"
#include "daemon/os/proc_status.h"

namespace hftmon {

absl::StatusOr<ProcessUsage> ReadProcessUsage(const FileRoot& root) {
  const absl::StatusOr<std::string> statm_text = root.ReadFile("/proc/self/statm");
  if (!statm_text.ok()) return statm_text.status();
  const absl::StatusOr<ProcStatm> statm = ParseProcStatm(*statm_text);
  if (!statm.ok()) return statm.status();
  const absl::StatusOr<std::string> status_text = root.ReadFile("/proc/self/status");
  if (!status_text.ok()) return status_text.status();
  const absl::StatusOr<ProcStatus> status = ParseProcStatus(*status_text);
  if (!status.ok()) return status.status();
  timespec cpu_time;
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_time) != 0) return absl::ErrnoToStatus(errno, "cannot read the process's CPU time");
  return ProcessUsage{.rss_bytes = statm->resident_pages * ::sysconf(_SC_PAGESIZE),
                      .cpu_time_ns = int64_t{cpu_time.tv_sec} * 1'000'000'000 + cpu_time.tv_nsec,
                      .thread_count = status->thread_count};
}

}  // namespace hftmon
