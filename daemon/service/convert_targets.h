// Convert: domain <-> proto for targets, their options and holders, and rules. Pure functions, any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_TARGETS_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_TARGETS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "daemon/control/targets.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "hftmon/v1/targets.pb.h"

namespace hftmon {

void TargetToProto(const TargetInfo& target, v1::Target* out);  // all but what the store measures
void RuleToProto(const RuleInfo& rule, v1::TargetRule* out);

TargetOptions OptionsFromProto(const v1::TargetOptions& options);
// Takes the fields that the mask names. The request has been checked.
TargetUpdate UpdateFromProto(const v1::UpdateTargetRequest& request);
// INVALID_ARGUMENT: one says nothing, or what it says is no name, cgroup, unit or list of CPUs.
absl::StatusOr<std::vector<RuleSelector>> SelectorsFromProto(const google::protobuf::RepeatedPtrField<v1::TargetSelector>& selectors);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_TARGETS_H_
