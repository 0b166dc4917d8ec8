// CheckReport: a whole run of `check`: what was checked, each module's result, the comparison with a baseline. Data that the renderers
// print.
#ifndef HFTMON_CLIENT_CHECK_CHECK_REPORT_H_
#define HFTMON_CLIENT_CHECK_CHECK_REPORT_H_

#include <string>
#include <vector>

#include "client/check/check_baseline.h"
#include "client/check/check_inputs.h"
#include "client/check/check_limits.h"
#include "client/check/check_scope.h"
#include "client/check/check_series.h"
#include "client/check/module_result.h"

namespace hftmon {

struct CheckReport {
  std::vector<int32_t> pids;
  std::vector<int> cpus;  // of --cpus
  std::string interface;
  CheckScope scope;      // what was judged
  int64_t begin_ns = 0;  // CLOCK_MONOTONIC
  int64_t end_ns = 0;
  v1::TimePair time;
  bool private_daemon = false;
  bool interrupted = false;  // it is of a part of the duration
  CheckLimits limits;
  std::vector<ModuleResult> modules;  // in the order of kCheckModules
  CheckSeries series;
  std::vector<CheckComparison> comparisons;  // none without a baseline

  CheckVerdict verdict() const;
  // 0 PASS, 1 WARN, 2 FAIL; 130 when it was interrupted.
  int exit_code() const;
};

// Runs the modules that were asked for. `segments`: the same inputs for each piece of the run; none where it was too short.
CheckReport MakeReport(const CheckInputs& inputs, const std::vector<CheckInputs>& segments, const CheckLimits& limits);

// Compares, and adds a failure for each regression to the module that it is of, and a warning where too little is known.
void CompareWithBaseline(const CheckSeries& baseline, CheckReport* report);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_REPORT_H_
