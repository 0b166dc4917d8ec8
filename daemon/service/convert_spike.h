// ConvertSpike: hftmon::Spike -> hftmon.v1.Spike, with names and evidence. Any thread but the housekeeping thread (names may be read from
// /proc).
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_SPIKE_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_SPIKE_H_

#include "daemon/analysis/spike.h"
#include "daemon/control/thread_names.h"
#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

void SpikeToProto(const Spike& spike, ThreadNames* names, v1::Spike* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_SPIKE_H_
