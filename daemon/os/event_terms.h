// EventTerm: one term of an event as sysfs and perf's users write it: "event=0xcd,umask=0x01,ldlat=3". Pure, any thread.
#ifndef HFTMON_DAEMON_OS_EVENT_TERMS_H_
#define HFTMON_DAEMON_OS_EVENT_TERMS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

struct EventTerm {
  std::string name;
  std::optional<uint64_t> value;  // absent: a name alone ("any", "mem-loads"), or asked
  bool asked = false;             // "domain=?": whoever names the event must give the value

  friend bool operator==(const EventTerm&, const EventTerm&) = default;
};

inline constexpr size_t kEventTextBytesMax = 4096;
inline constexpr size_t kEventTermsMax = 64;

// The terms in their order, white space around them ignored; values are decimal or 0x hexadecimal. INVALID_ARGUMENT names the bad term:
// no term at all, an empty one, a value that is no number or beyond 64 bits, a name twice, a text or list beyond the bounds.
absl::StatusOr<std::vector<EventTerm>> ParseEventTerms(std::string_view text);

// "0x1f" or "31"; absent for anything else and beyond 64 bits.
std::optional<uint64_t> ParseEventNumber(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_EVENT_TERMS_H_
