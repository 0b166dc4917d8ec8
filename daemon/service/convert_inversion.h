// Priority inversions and boosts: domain -> proto. Any thread but the housekeeping thread: names and policies are looked up.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_INVERSION_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_INVERSION_H_

#include "daemon/analysis/priority_boosts.h"
#include "daemon/analysis/priority_inversion.h"
#include "daemon/control/thread_names.h"
#include "daemon/service/task_priorities.h"
#include "hftmon/v1/inversions.pb.h"

namespace hftmon {

// The waiter's policy is that of now where its priority is still the one that it waited with; else its class (deadline, real_time, fair).
void InversionToProto(const Inversion& inversion, const TaskPriorities& priorities, ThreadNames* names, v1::PriorityInversion* out);
void BoostToProto(const PriorityBoost& boost, ThreadNames* names, v1::PriorityBoost* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_INVERSION_H_
