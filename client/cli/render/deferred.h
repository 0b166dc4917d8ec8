// Work that interrupts put off, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_DEFERRED_H_
#define HFTMON_CLIENT_CLI_RENDER_DEFERRED_H_

#include <cstdint>
#include <optional>
#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

// At most that many percent were longer. The upper edge of the bucket in which it lies: at most a quarter too long. Nothing: there is none.
std::optional<int64_t> DelayPercentileNs(const v1::DelaySums& delay, double percent);

// Tables of handlers, softirqs, works, tasklets and interrupts' threads, those that there were; nothing when there was none. `over_ns`: of
// a part of the time, with rates and, for the longest ones, what all durations of handlers and softirqs were below; 0: since the daemon
// started.
std::string DeferredText(const v1::DeferredWork& deferred, int64_t over_ns);

// What `deferred` of the answer is; of a part of the time without the longest ones.
Json DeferredJson(const v1::DeferredWork& deferred, bool of_part);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_DEFERRED_H_
