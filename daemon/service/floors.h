// Floors: above which length the kernel recorded single waits in a target's part of a window. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_FLOORS_H_
#define HFTMON_DAEMON_SERVICE_FLOORS_H_

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "daemon/control/targets.h"

namespace hftmon {

// At some time nothing was recorded.
inline constexpr int64_t kNoFloor = std::numeric_limits<int64_t>::max();
// An attach notes its time first and lowers the floors last; a bound for what lies between, the attaching of programs included.
inline constexpr int64_t kAttachingNs = 250'000'000;

// The highest floor in the target's part of the window, by what is known. `own_ns`: what the target itself asks the kernel for: from its
// attachment to its end no floor is above that, unless it asked for less before.
int64_t FloorOf(const Targets& targets, const TargetInfo& target, int64_t Targets::Floors::*kind, int64_t begin_ns, int64_t asked_ns,
                int64_t own_ns);

// The highest floor for waits on the run queue, which is that of the kernel's own doings too, of the targets that ask for the probe group;
// of all when none does. kNoFloor where one of them asks for the group since later than its attachment and the window's begin.
int64_t FloorOfGroup(const Targets& targets, const std::vector<TargetInfo>& asked, std::string_view group, int64_t begin_ns);

// The floors of a window of several targets, and whether a threshold that was asked for lies below them. Targets that had ended before the
// window count for nothing. `asked_ns` 0: each target's own; `asked_blocked_ns` 0: nobody asks.
struct AnswerFloor {
  int64_t run_queue_ns = 0;
  bool above_asked = false;
};
AnswerFloor FloorOfAnswer(const Targets& targets, const std::vector<TargetInfo>& selected, int64_t asked_ns, int64_t asked_blocked_ns,
                          int64_t begin_ns);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_FLOORS_H_
