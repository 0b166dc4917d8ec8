// A rule and a group of facts that fits it: the recommendation. Pure, any thread.
#ifndef HFTMON_DAEMON_ADVICE_MAKE_RECOMMENDATION_H_
#define HFTMON_DAEMON_ADVICE_MAKE_RECOMMENDATION_H_

#include <span>
#include <string>

#include "daemon/advice/fact_group.h"
#include "daemon/advice/judge_window.h"

namespace hftmon {

// Its action is the first of the row's that fits and whose command can be given with its undo; where one before it had to be withheld,
// `withheld` says why. With no action that fits it has none: the lint of rules sees to it that there is one.
Recommendation MakeRecommendation(const RuleRow& row, const FactGroup& group, const JudgeWindow& window,
                                  std::span<const std::string> corroborated_by);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_MAKE_RECOMMENDATION_H_
