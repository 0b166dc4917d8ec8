// QuietInputs: what the daemon answers about a process whose one bound thread is left in peace: every module passes. Tests change one
// thing.
#ifndef HFTMON_TESTS_CLIENT_CHECK_QUIET_INPUTS_H_
#define HFTMON_TESTS_CLIENT_CHECK_QUIET_INPUTS_H_

#include <string>

#include "client/check/check_inputs.h"
#include "client/check/check_report.h"

namespace hftmon {

inline constexpr int32_t kPid = 100;
inline constexpr int32_t kTid = 101;      // bound to CPU 2 of 4
inline constexpr int32_t kIdleTid = 102;  // of the same process, may run anywhere
inline constexpr int64_t kBeginNs = 1'000'000'000'000;
inline constexpr int64_t kDurationNs = 10'000'000'000;
inline constexpr int64_t kFloorNs = 10'000;

CheckInputs QuietInputs();
// Of CPU 2 alone: nobody is bound there and nobody came.
CheckInputs QuietCpu();

// Adds one of the thread's, 1 s after the beginning, with one cause.
v1::Spike* AddSpike(const std::string& kind, int64_t duration_ns, const std::string& cause, const std::string& actor, CheckInputs* inputs);

// Of a module, judged as MakeReport does it.
ModuleResult ResultOf(CheckModule module, const CheckInputs& inputs, const CheckLimits& limits = CheckLimits());

// The value; fails the test and is -1 where there is none.
int64_t ValueOf(const ModuleResult& result, const std::string& key);
// The finding of that figure; null: none.
const CheckFinding* FindingOf(const ModuleResult& result, const std::string& key);
// All findings, for messages.
std::string TextOf(const ModuleResult& result);

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_CHECK_QUIET_INPUTS_H_
