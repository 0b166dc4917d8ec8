// For whom processes are watched still after a detach, for people.
#ifndef HFTMON_CLIENT_CLI_RENDER_STILL_HELD_H_
#define HFTMON_CLIENT_CLI_RENDER_STILL_HELD_H_

#include <google/protobuf/repeated_field.h>

#include <string>

#include "hftmon/v1/targets.pb.h"

namespace hftmon {

// A line each: the caller's own rules with what ends them, then other clients. `targets` was asked for after the detach; of a process that
// it does not name only its number is said.
std::string StillHeldText(const google::protobuf::RepeatedField<int32_t>& pids, const v1::ListTargetsResponse& targets);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_STILL_HELD_H_
