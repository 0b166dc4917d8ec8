// Rules, and who holds targets and rules, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_RULES_H_
#define HFTMON_CLIENT_CLI_RENDER_RULES_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/targets.pb.h"

namespace hftmon {

using RuleList = google::protobuf::RepeatedPtrField<v1::TargetRule>;
using HolderList = google::protobuf::RepeatedPtrField<v1::TargetHolder>;

// A table of one row a rule, and one of the visits to its CPUs; empty when there is none.
std::string RulesText(const RuleList& rules);
Json RulesJson(const RuleList& rules);
// "kept", "dashboard[12]", "rule 3": each once.
std::string HoldersText(const HolderList& holders);
Json HoldersJson(const HolderList& holders);
// "name matcher".
std::string SelectorText(const v1::TargetSelector& selector);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_RULES_H_
