// Sampled states of CPUs, for people and for programs. Pure functions.
#ifndef HFTMON_CLIENT_CLI_RENDER_STATES_H_
#define HFTMON_CLIENT_CLI_RENDER_STATES_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/sampling.pb.h"

namespace hftmon {

// Of the samples of a CPU, those of a thread that is not known: what neither threads, idle nor interrupts have.
double UnknownShare(const v1::SampledCpu& cpu);

// Bars of what each CPU did, then the ticks, what sampling cost and what it cannot have.
std::string StatesText(const v1::SampleStateResponse& response);

Json StatesJson(const v1::SampleStateResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_STATES_H_
