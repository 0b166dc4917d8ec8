// What stalls cost in money: each stall of a recording as a stack of frames, outermost first: "money lost", target, thread, kind, cause
// with its actor, and the thread's own stack where one was taken. Pure, any thread.
//
// Money = notional × basis points a microsecond / 10,000 × microseconds. The unit of an AlphaFrame is 1/10,000 of the notional's currency
// (a hundredth of a cent), kept as a double until it is written.
//
// No moment of a thread counts twice (counted_stalls.h, which also says what counts by default); where a spike counts in part, so does each
// of its causes. Of a counted operation the cause `running`, what it usually takes, is no loss.
#ifndef HFTMON_CLIENT_EXPORT_ALPHA_FRAMES_H_
#define HFTMON_CLIENT_EXPORT_ALPHA_FRAMES_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/recording/recording.h"

namespace hftmon {

inline constexpr double kAlphaUnitsPerCurrency = 10'000;

struct AlphaPrice {
  double notional = 0;    // at risk, in any currency
  double bps_per_us = 0;  // that it loses in a microsecond of a stall, in 1/10,000
  std::set<std::string> kinds;

  double UnitsPerNs() const;
};

// INVALID_ARGUMENT that names the option: not a number, not finite, not above 0; no such kind. `kinds` empty: CountedByDefault.
absl::StatusOr<AlphaPrice> ParseAlphaPrice(const std::string& notional, const std::string& bps_per_us,
                                           const std::vector<std::string>& kinds);

struct AlphaFrame {
  std::vector<std::string> names;  // outermost first
  double units = 0;
};

// Equal stacks are one, in the order of their names.
std::vector<AlphaFrame> AlphaFrames(const Recording& recording, const AlphaPrice& price);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_ALPHA_FRAMES_H_
