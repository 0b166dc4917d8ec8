// The letters after an event's name: whose cycles count, and how precisely a sample tells its place. Pure, any thread.
#ifndef HFTMON_DAEMON_PMU_EVENT_MODIFIERS_H_
#define HFTMON_DAEMON_PMU_EVENT_MODIFIERS_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "daemon/pmu/event_encoding.h"

namespace hftmon {

// u, k, h: of user, kernel and hypervisor only those named; without any, all. p, pp, ppp: precise_ip 1 to 3; P: as precise as the PMU says
// it can (`precise_max`; absent: it says nothing). INVALID_ARGUMENT names the letter: one unknown or twice, four p, both P and p, or a p on
// a PMU that says nothing, where the kernel takes it and it means nothing.
absl::Status ApplyEventModifiers(std::string_view letters, std::optional<int> precise_max, EventEncoding* encoding);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_EVENT_MODIFIERS_H_
