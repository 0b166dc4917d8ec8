// Judge: a module's figures against its limits, and what keeps its answers from being the whole truth. Pure, any thread.
//
// FAIL: a figure exceeds its limit, and is the figure itself or the largest that was seen. WARN: it has no value; it is above kNearPercent
// of its limit; only a bound of it is known and that exceeds the limit; records were lost or an answer is incomplete. PASS: else.
#ifndef HFTMON_CLIENT_CHECK_JUDGEMENT_H_
#define HFTMON_CLIENT_CHECK_JUDGEMENT_H_

#include <string>
#include <utility>

#include "client/check/check_inputs.h"
#include "client/check/check_limits.h"
#include "client/check/module_result.h"

namespace hftmon {

// Adds the findings of the module's limits; the verdict becomes the worst of all findings.
void Judge(const CheckLimits& limits, ModuleResult* result);

// Adds a finding, and makes the verdict no better than it.
void AddFinding(CheckFinding finding, ModuleResult* result);

// The figure's value as people read it: "52us", "1.3 %", "7".
std::string FigureText(const std::string& key, int64_t value);

// Of an answer with a window: late, off, threads without a place, records lost.
template <typename Response>
void AddWindowFindings(const Response& response, ModuleResult* result) {
  const auto warn = [result](std::string text) {
    AddFinding({.severity = CheckVerdict::kWarn, .figure = "", .text = std::move(text), .advice = {}}, result);
  };
  if (response.window().late()) warn("the answer ends early: the daemon's loop is stuck or starved: see `hftmon status`");
  if (response.window().off_ns() > 0) warn("the programs were off for a part of the time (`hftmon off`): `hftmon on`, and check again");
  if (response.unslotted_thread_count() > 0) {
    warn(std::to_string(response.unslotted_thread_count()) +
         " threads are in no figure: they found no place in the tables of threads: start hftmond with a larger --threads-max");
  }
  if (response.lost_records() > 0) {
    warn(std::to_string(response.lost_records()) +
         " records were lost: counts are exact, single events may be missing: see `hftmon status`");
  }
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_JUDGEMENT_H_
