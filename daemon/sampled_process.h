// What became of a process that is sampled on request, and how that is told. Any thread.
#ifndef HFTMON_DAEMON_SAMPLED_PROCESS_H_
#define HFTMON_DAEMON_SAMPLED_PROCESS_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/status.h"

namespace hftmon {

enum class SampledProcess : uint8_t {
  kRuns,
  kEnded,      // as a target
  kNotTarget,  // nobody watches it any more: whether it runs is not known
};

// The start tells it from another process that gets the number.
using LookAtProcess = std::function<SampledProcess(uint32_t pid, int64_t start_boottime_ns)>;

// NOT_FOUND, reason ENDED or NOT_A_TARGET. `what` is sampled: "its counters were". Requires: it does not run.
absl::Status EndedBefore(uint32_t pid, std::string_view what);
absl::Status Detached(uint32_t pid, std::string_view what);
// OK: it runs; else as those two.
absl::Status CheckRuns(SampledProcess process, uint32_t pid, std::string_view what);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SAMPLED_PROCESS_H_
