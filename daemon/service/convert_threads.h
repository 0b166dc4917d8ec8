// ConvertThreads: how threads are scheduled and where their time went -> hftmon.v1. Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_THREADS_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_THREADS_H_

#include "daemon/analysis/time_split.h"
#include "daemon/control/scheduling_source.h"
#include "daemon/control/thread_names.h"
#include "hftmon/v1/threads.pb.h"

namespace hftmon {

void SchedulingToProto(const ThreadScheduling& scheduling, const std::vector<int>& isolated_cpus, v1::Scheduling* out);
void SchedulingChangeToProto(const SchedulingChange& change, const std::vector<int>& isolated_cpus, ThreadNames* names,
                             v1::SchedulingChange* out);
// The four parts, not the CPUs.
void TimeSplitToProto(const TimeSplit& split, v1::ScheduledThread* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_THREADS_H_
