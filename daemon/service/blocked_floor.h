// BlockedFloor: above which length single waits were recorded of targets that ask for them, for the answers that are made of them
// (QueryLocks, QueryInversions). Any thread.
#ifndef HFTMON_DAEMON_SERVICE_BLOCKED_FLOOR_H_
#define HFTMON_DAEMON_SERVICE_BLOCKED_FLOOR_H_

#include <cstdint>

#include "daemon/service/floors.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

// The highest floor of the window; where single waits were not recorded all the time, the floor in force at its end, and `part_only`.
struct BlockedFloor {
  int64_t ns = kNoFloor;
  bool part_only = false;
};

BlockedFloor FloorOfBlocked(const Targets& targets, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_BLOCKED_FLOOR_H_
