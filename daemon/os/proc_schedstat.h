// ProcSchedstat: /proc/PID/task/TID/schedstat, the scheduler's own account of a thread. Pure parser, any thread.
#ifndef HFTMON_DAEMON_OS_PROC_SCHEDSTAT_H_
#define HFTMON_DAEMON_OS_PROC_SCHEDSTAT_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace hftmon {

struct ProcSchedstat {
  uint64_t run_ns = 0;        // se.sum_exec_runtime
  uint64_t run_delay_ns = 0;  // sched_info.run_delay
  uint64_t timeslices = 0;    // sched_info.pcount
};

// INVALID_ARGUMENT when it is not three numbers.
absl::StatusOr<ProcSchedstat> ParseProcSchedstat(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROC_SCHEDSTAT_H_
