// Pause: waits for a time, or until a signal asks to stop or nobody reads the output any more.
#ifndef HFTMON_CLIENT_CLI_PAUSE_H_
#define HFTMON_CLIENT_CLI_PAUSE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "client/cli/console.h"

namespace hftmon {

// The signal that ended it (SIGINT, SIGTERM), or 0. At most one at a time in a process, as SignalWatch.
absl::StatusOr<int> Pause(const Console& console, int64_t duration_ns);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_PAUSE_H_
