// CheckJson: a report as one JSON object, for scripts. Pure.
//
// Differs from the other answers in what has no value: scripts gate with `jq -e '.isolation.p99_999_runqueue_ns < N'`, and jq orders null
// below every number. So what could not be measured is the string "unavailable", which jq orders above every number, with its reason
// under `unavailable`; a percentile with too few samples is the largest of them, and stands in `upper_bounds`.
#ifndef HFTMON_CLIENT_CHECK_CHECK_JSON_H_
#define HFTMON_CLIENT_CHECK_CHECK_JSON_H_

#include <string>

#include "client/check/check_report.h"

namespace hftmon {

// Changes when a key changes its meaning or goes; not when one is added.
inline constexpr int kCheckSchemaVersion = 1;

// One line with its end. Bytes that are not UTF-8 are replaced.
std::string CheckJson(const CheckReport& report);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_JSON_H_
