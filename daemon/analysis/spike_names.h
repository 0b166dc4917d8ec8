// What spikes and causes are called in answers. Pure functions.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_NAMES_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_NAMES_H_

#include <string_view>

#include "daemon/analysis/spike.h"

namespace hftmon {

// As Spike.kind and Cause.kind of the API have them.
std::string_view SpikeKindName(SpikeKind kind);
std::string_view CauseKindName(CauseKind kind);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_NAMES_H_
