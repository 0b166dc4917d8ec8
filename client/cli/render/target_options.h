// The options of a target, a rule or a holder, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_TARGET_OPTIONS_H_
#define HFTMON_CLIENT_CLI_RENDER_TARGET_OPTIONS_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/targets.pb.h"

namespace hftmon {

// Absent = they do.
bool FollowsChildren(const v1::TargetOptions& options);
// "none", "kernel", "user", "both".
const char* StacksName(const v1::TargetOptions& options);
// The probe groups that were asked for, without "sched", which is always on: "locks, memory"; "" when there are none.
std::string ProbesText(const v1::TargetOptions& options);
// What is counted of its threads and how finely: "cache,page-faults each 1ms"; "" when nothing is.
std::string CountedText(const v1::TargetOptions& options);
// What is collected beyond waits above the threshold: "blocked above 1ms, user stacks, wakers"; "" when there is nothing.
std::string ExtrasText(const v1::TargetOptions& options);
// "spikes above 50us, blocked above 1ms, user stacks, wakers, a bucket each 10ms, children left".
std::string TargetOptionsText(const v1::TargetOptions& options);
Json TargetOptionsJson(const v1::TargetOptions& options);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_TARGET_OPTIONS_H_
