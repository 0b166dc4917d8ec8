// Spikes for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_SPIKES_H_
#define HFTMON_CLIENT_CLI_RENDER_SPIKES_H_

#include <string>

#include "absl/time/time.h"
#include "client/cli/console.h"
#include "client/cli/render/json.h"
#include "client/cli/time_scale.h"
#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

// A headline, then one line a cause with its share as a bar, the largest first, then what is unexplained. `time` is the pair in force when
// the spike began (PairInForce): it gives the time of day.
std::string SpikeText(const v1::Spike& spike, const v1::TimePair& time, const absl::TimeZone& zone, const TextStyle& style,
                      TimeScale scale = TimeScale::kLocal);

// One object with all keys of the contract.
Json SpikeJson(const v1::Spike& spike, const v1::TimePair& time);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_SPIKES_H_
