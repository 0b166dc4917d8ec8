// Whether facts fit a rule. Pure, any thread.
#ifndef HFTMON_DAEMON_ADVICE_RULE_MATCH_H_
#define HFTMON_DAEMON_ADVICE_RULE_MATCH_H_

#include <span>

#include "daemon/advice/judge_window.h"
#include "daemon/advice/rule.h"

namespace hftmon {

// A value that is not known fulfils no condition but kUnknown; nor does one of another type than the operand's.
bool Holds(const Condition& condition, const Fact& fact);
bool AllHold(std::span<const Condition> conditions, const Fact& fact);

// Whether one of the row's measures holds of the group; true for a row of configuration.
bool ReachesMeasure(const RuleRow& row, const Fact& group, const JudgeWindow& window);

// Whether facts with these values could fulfil the row's conditions: none of them speaks against one.
bool CouldConcern(const RuleRow& row, const MissingEvidence& missing);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_RULE_MATCH_H_
