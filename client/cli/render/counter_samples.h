// Counters of threads that were read at a stated rate, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_COUNTER_SAMPLES_H_
#define HFTMON_CLIENT_CLI_RENDER_COUNTER_SAMPLES_H_

#include <string>
#include <vector>

#include "client/cli/render/json.h"
#include "hftmon/v1/cache.pb.h"

namespace hftmon {

// How they were read and what it cost; a table of each thread's rates, with `counts` one of its counts; its interrupts.
std::string CounterSamplesText(const v1::SampleCountersResponse& response, bool counts);
Json CounterSamplesJson(const v1::SampleCountersResponse& response);

// What keeps the answer from being the whole truth: losses, a rate that was not achieved, threads that were not counted.
std::vector<std::string> WarningsOf(const v1::SampleCountersResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_COUNTER_SAMPLES_H_
