// LimitReached: the error of a limit that the configuration sets, in words and for programs. Pure, any thread.
#ifndef HFTMON_DAEMON_CONTROL_LIMIT_REACHED_H_
#define HFTMON_DAEMON_CONTROL_LIMIT_REACHED_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace hftmon {

// Payload that names the setting whose limit was reached, as "NAME=VALUE".
inline constexpr char kLimitPayload[] = "hftmon/limit";

// RESOURCE_EXHAUSTED: `message` says what reached the limit and what helps at once; that `setting` can be raised is added.
inline absl::Status LimitReached(const std::string& message, const std::string& setting, int64_t value) {
  absl::Status status =
      absl::ResourceExhaustedError(absl::StrCat(message, ", or raise ", setting, " (now ", value, ") in hftmond's configuration"));
  status.SetPayload(kLimitPayload, absl::Cord(absl::StrCat(setting, "=", value)));
  return status;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_LIMIT_REACHED_H_
