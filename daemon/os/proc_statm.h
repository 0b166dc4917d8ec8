// ProcStatm: /proc/PID/statm, in pages. Pure parser, any thread.
#ifndef HFTMON_DAEMON_OS_PROC_STATM_H_
#define HFTMON_DAEMON_OS_PROC_STATM_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace hftmon {

struct ProcStatm {
  int64_t size_pages = 0;
  int64_t resident_pages = 0;
};

// INVALID_ARGUMENT when its first two words are not numbers.
absl::StatusOr<ProcStatm> ParseProcStatm(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROC_STATM_H_
