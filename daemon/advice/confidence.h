// How sure a recommendation's cause is. Pure, any thread.
//
// The row's own confidence, times 0.5 where records were lost, 0.5 where a spike of it was inconclusive, 0.7 where a bound cut the
// evidence, 0.8 where it is estimated or sampled, and n / (n + 3) for n events (of sampled evidence: samples). A setting has no events: it
// is read, and nobody measured that it hurts; measured advice of the same cause halves what is missing to 1. Each factor is a reason.
#ifndef HFTMON_DAEMON_ADVICE_CONFIDENCE_H_
#define HFTMON_DAEMON_ADVICE_CONFIDENCE_H_

#include <span>
#include <string>
#include <string_view>

#include "daemon/advice/recommendation.h"

namespace hftmon {

// Below it no advice is given; the rule is listed as not judged.
inline constexpr double kConfidenceMin = 0.2;

// `corroborated_by`: rules that gave advice of the same cause.
Confidence ConfidenceOf(const RuleRow& row, const Fact& group, std::span<const std::string> corroborated_by);

// "high" from 0.75 on, "medium" from 0.4 on, "low".
std::string_view ConfidenceName(double confidence);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_CONFIDENCE_H_
