// Interrupts for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_INTERRUPTS_H_
#define HFTMON_CLIENT_CLI_RENDER_INTERRUPTS_H_

#include <string>

#include "client/cli/interrupts_between.h"
#include "client/cli/render/json.h"
#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

// A table of what each thread lost, by source, then one of the CPUs and one of the devices' handlers; what threads lost in the window, what
// was put off and what devices made interrupts of, each where the answer has it.
std::string InterruptsText(const v1::QueryInterruptsResponse& response);

// The same of a part of the time: how often and which share of it instead of the longest stretch.
std::string InterruptsText(const InterruptsSpan& span);

// One object: threads, cpus, deferred; window and coalescing where they were asked for. What cannot be measured is absent.
Json InterruptsJson(const v1::QueryInterruptsResponse& response);
// With duration_ns and what was lost, without the longest stretches.
Json InterruptsJson(const InterruptsSpan& span);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_INTERRUPTS_H_
