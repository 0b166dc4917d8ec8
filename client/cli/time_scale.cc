#include "client/cli/time_scale.h"

#include <fmt/format.h>

namespace hftmon {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

std::string FormatDate(int64_t unix_ns, const char* scale) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E9S", absl::FromUnixNanos(unix_ns), absl::UTCTimeZone()) + scale;
}

}  // namespace

absl::StatusOr<TimeScale> ParseTimeScale(const std::string& option, const std::string& text) {
  if (text == "local") return TimeScale::kLocal;
  if (text == "utc") return TimeScale::kUtc;
  if (text == "tai") return TimeScale::kTai;
  if (text == "mono") return TimeScale::kMono;
  return absl::InvalidArgumentError(fmt::format("{}: '{}' is no time scale: write local, utc, tai or mono", option, text));
}

absl::Status CheckTimeScale(TimeScale scale, const v1::TimePair& time) {
  if (scale != TimeScale::kTai || time.has_tai_offset_ns()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "--time tai: the kernel of the daemon's host was told no TAI offset: let chronyd (leapsectz), ptp4l or phc2sys set it, or use "
      "--time utc");
}

const v1::TimePair& PairInForce(const v1::DetectSpikesResponse& response, int64_t monotonic_ns) {
  const v1::TimePair* pair = &response.time();
  // The epochs are in the order of time: the last that had begun, else the oldest.
  for (const v1::ClockEpoch& epoch : response.epochs()) {
    if (epoch.begin_monotonic_ns() <= monotonic_ns || &epoch == &response.epochs(0)) pair = &epoch.time();
  }
  return *pair;
}

int64_t RealtimeNs(int64_t monotonic_ns, const v1::TimePair& time) {
  return time.realtime_ns() + (monotonic_ns - time.monotonic_ns());
}

std::string FormatTime(int64_t monotonic_ns, const v1::TimePair& time, const absl::TimeZone& zone, TimeScale scale) {
  if (time.realtime_ns() == 0 && scale != TimeScale::kMono) return fmt::format("{} ns", monotonic_ns);
  const int64_t realtime_ns = RealtimeNs(monotonic_ns, time);
  switch (scale) {
    case TimeScale::kLocal:
      return absl::FormatTime("%H:%M:%E6S", absl::FromUnixNanos(realtime_ns), zone);
    case TimeScale::kUtc:
      return FormatDate(realtime_ns, "Z");
    case TimeScale::kTai:
      return FormatDate(realtime_ns + time.tai_offset_ns(), " TAI");
    case TimeScale::kMono:
      return fmt::format("{}.{:09}", monotonic_ns / kSecondNs, monotonic_ns % kSecondNs);
  }
  return {};
}

}  // namespace hftmon
