// How a thread is scheduled, in words and in keys; and changes of it. Pure functions.
#ifndef HFTMON_CLIENT_CLI_RENDER_SCHEDULING_H_
#define HFTMON_CLIENT_CLI_RENDER_SCHEDULING_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/threads.pb.h"

namespace hftmon {

// "FIFO 80", "OTHER", "OTHER nice -5", "DEADLINE 1ms/10ms" (runtime and period); with the kernel's priority where that is not what the
// policy gives: "OTHER (priority 19)" is boosted by who waits for it.
std::string PolicyText(const v1::Scheduling& scheduling);

// {policy priority nice realtime_priority deadline? reset_on_fork cpus_allowed isolated_only isolated_partly}.
void AddScheduling(const v1::Scheduling& scheduling, Json* json);

// A table of the changes, or a sentence that there were none.
std::string ChangesText(const v1::QueryThreadsResponse& response);
Json ChangeJson(const v1::SchedulingChange& change);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_SCHEDULING_H_
