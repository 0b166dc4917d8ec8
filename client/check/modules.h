// The modules of `check`, each in a file of its own. Pure: answers in, figures out, judged by the limits; without advice. Any thread.
#ifndef HFTMON_CLIENT_CHECK_MODULES_H_
#define HFTMON_CLIENT_CHECK_MODULES_H_

#include "client/check/check_inputs.h"
#include "client/check/check_limits.h"
#include "client/check/check_scope.h"
#include "client/check/module_result.h"

namespace hftmon {

// Waits for a CPU, switches, migrations; with --cpus who ran there.
ModuleResult CheckIsolation(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits);
// What interrupts took, how long handlers ran, which lines are sent where they should not, softirqs at once on several CPUs.
ModuleResult CheckIrq(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits);
// Page faults, TLB flushes that others sent, accesses to other nodes' memory.
ModuleResult CheckMemory(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits);
// What threads blocked in.
ModuleResult CheckSyscall(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits);
// Packets: the softirq, the way to the reader, what was dropped or sent again.
ModuleResult CheckNetwork(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits);

ModuleResult RunModule(CheckModule module, const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_MODULES_H_
