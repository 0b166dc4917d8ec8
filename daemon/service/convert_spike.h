// ConvertSpike: hftmon::Spike -> hftmon.v1.Spike, with names and evidence. Any thread but the housekeeping thread (names may be read from
// /proc).
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_SPIKE_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_SPIKE_H_

#include <vector>

#include "common/clock_anchor.h"
#include "common/clock_epoch.h"
#include "daemon/analysis/spike.h"
#include "daemon/control/thread_names.h"
#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

void SpikeToProto(const Spike& spike, ThreadNames* names, v1::Spike* out);

// Adds to a converted spike what the clocks say of it: a clock epoch that ended in its time makes it inconclusive; what its start may be
// off.
void SpikeTimeToProto(const Spike& spike, const std::vector<ClockEpoch>& epochs, const BeginError& error, v1::Spike* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_SPIKE_H_
