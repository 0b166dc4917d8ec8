// What keeps an answer from being the whole truth, in words. Each makes an exit code of kExitWarnings.
#ifndef HFTMON_CLIENT_CLI_RENDER_WARNINGS_H_
#define HFTMON_CLIENT_CLI_RENDER_WARNINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/cli/console.h"
#include "hftmon/v1/cache.pb.h"
#include "hftmon/v1/hardware.pb.h"
#include "hftmon/v1/interrupts.pb.h"
#include "hftmon/v1/inversions.pb.h"
#include "hftmon/v1/locks.pb.h"
#include "hftmon/v1/memory.pb.h"
#include "hftmon/v1/network.pb.h"
#include "hftmon/v1/operations.pb.h"
#include "hftmon/v1/sampling.pb.h"
#include "hftmon/v1/spikes.pb.h"
#include "hftmon/v1/switches.pb.h"
#include "hftmon/v1/targets.pb.h"
#include "hftmon/v1/threads.pb.h"
#include "hftmon/v1/timeline.pb.h"

namespace hftmon {

// "<what>: <cause>: <mend>", one each; empty when the answer is complete.
// `asked`: what the response answers. `targets`: those of then, or empty where they are not known; they say who was attached too late.
std::vector<std::string> WarningsOf(const v1::DetectSpikesRequest& asked, const v1::DetectSpikesResponse& response,
                                    const v1::ListTargetsResponse& targets);
std::vector<std::string> WarningsOf(const v1::StreamSpikesResponse& announcement);
// `min_duration_ns`: of the intervals that were asked for; 0 = none were.
std::vector<std::string> WarningsOf(const v1::QueryContextSwitchesResponse& response, int64_t min_duration_ns);
std::vector<std::string> WarningsOf(const v1::QueryThreadsResponse& response);
std::vector<std::string> WarningsOf(const v1::QueryInterruptsResponse& response);
// `asked_max`: how many were asked for at most; 0 = no number.
std::vector<std::string> WarningsOf(const v1::QueryInversionsResponse& response, int32_t asked_max);
std::vector<std::string> WarningsOf(const v1::QueryLocksResponse& response);
std::vector<std::string> WarningsOf(const v1::QueryMemoryResponse& response);
std::vector<std::string> WarningsOf(const v1::QueryCacheResponse& response);
// What a machine of this kind cannot have makes none, nor do registers that nobody asked to read.
std::vector<std::string> WarningsOf(const v1::QueryHardwareResponse& response);
std::vector<std::string> WarningsOf(const v1::QueryOperationsResponse& response);
std::vector<std::string> WarningsOf(const v1::QueryNetworkResponse& response);
std::vector<std::string> WarningsOf(const v1::SampleStateResponse& response);
std::vector<std::string> WarningsOf(const v1::QueryTimelineResponse& response);
std::vector<std::string> WarningsOf(const v1::CorrelateEventsResponse& response);

// Writes them as "hftmon: VERB: …" to standard error.
void PrintWarnings(Console& console, const std::string& verb, const std::vector<std::string>& warnings);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_WARNINGS_H_
