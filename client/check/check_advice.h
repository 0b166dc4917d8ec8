// AddAdvice: what to do about each failure: what the daemon's own rules found out about it in that time, with the command that they give;
// else the module's hint, whose command changes what the figure is about, or shows its causes. Pure, any thread.
#ifndef HFTMON_CLIENT_CHECK_CHECK_ADVICE_H_
#define HFTMON_CLIENT_CHECK_CHECK_ADVICE_H_

#include "client/check/check_inputs.h"
#include "client/check/check_scope.h"
#include "client/check/module_result.h"

namespace hftmon {

// Every finding that is a failure gets one.
void AddAdvice(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_ADVICE_H_
