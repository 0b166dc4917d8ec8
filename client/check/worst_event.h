// WorstEvent: of the daemon's spikes the longest of a module's kinds, as the report tells it. Pure, any thread.
#ifndef HFTMON_CLIENT_CHECK_WORST_EVENT_H_
#define HFTMON_CLIENT_CHECK_WORST_EVENT_H_

#include <set>
#include <string>
#include <vector>

#include "client/check/check_inputs.h"
#include "client/check/check_scope.h"
#include "client/check/module_result.h"

namespace hftmon {

// The spikes of those kinds that belong to what is checked and, but for those that go on, began within it.
std::vector<const v1::Spike*> SpikesOf(const CheckInputs& inputs, const CheckScope& scope, const std::set<std::string>& kinds);

// True: every such event above `floor_ns` is among the spikes.
bool SpikesAreWhole(const CheckInputs& inputs);

// The longest of them, or why there is none.
void SetWorstEvent(const std::vector<const v1::Spike*>& spikes, const CheckInputs& inputs, ModuleResult* result);

// "rival (4711)", "eth0-rx-0", "futex".
std::string ActorText(const v1::Actor& actor);
CheckEvent EventOf(const v1::Spike& spike);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_WORST_EVENT_H_
