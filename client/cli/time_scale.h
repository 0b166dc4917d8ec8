// TimeScale: what a moment is shown in, and the pair of clocks that converts it.
#ifndef HFTMON_CLIENT_CLI_TIME_SCALE_H_
#define HFTMON_CLIENT_CLI_TIME_SCALE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

enum class TimeScale {
  kLocal,  // time of day in the user's zone, microseconds
  kUtc,    // date and time, nanoseconds: what captures with system time stamps have
  kTai,    // the same in TAI: what PTP and NIC hardware clocks run on
  kMono,   // seconds of CLOCK_MONOTONIC, nanoseconds: what traces of the kernel have
};

// INVALID_ARGUMENT names the option and what it takes.
absl::StatusOr<TimeScale> ParseTimeScale(const std::string& option, const std::string& text);

// FAILED_PRECONDITION when the daemon's host cannot tell this time: TAI, while nobody has told its kernel the offset.
absl::Status CheckTimeScale(TimeScale scale, const v1::TimePair& time);

// The pair of the clock epoch that a time lies in; the answer's own when it carries no epochs.
const v1::TimePair& PairInForce(const v1::DetectSpikesResponse& response, int64_t monotonic_ns);

// CLOCK_REALTIME of a time in the pair's epoch.
int64_t RealtimeNs(int64_t monotonic_ns, const v1::TimePair& time);

// Without wall time in the pair every scale is kMono.
std::string FormatTime(int64_t monotonic_ns, const v1::TimePair& time, const absl::TimeZone& zone, TimeScale scale);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_TIME_SCALE_H_
