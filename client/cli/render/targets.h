// Targets for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_TARGETS_H_
#define HFTMON_CLIENT_CLI_RENDER_TARGETS_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <string>

#include "client/cli/render/json.h"
#include "client/cli/render/rules.h"
#include "hftmon/v1/targets.pb.h"

namespace hftmon {

using TargetList = google::protobuf::RepeatedPtrField<v1::Target>;

// Whether targets that have ended have a row each, or a sentence together.
enum class Ended { kAll, kSummarised };

// A table of one row a target, those that live first; a sentence when there is none.
std::string TargetsText(const TargetList& targets, Ended ended);
// The same with the rules below it; a sentence when there is neither.
std::string TargetsText(const TargetList& targets, const RuleList& rules, Ended ended);
// {schema_version, targets: […], rules: […]}.
Json TargetsJson(const TargetList& targets, const RuleList& rules);

// A line, for whoever looks on.
std::string CountersBeganAnewText();

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_TARGETS_H_
