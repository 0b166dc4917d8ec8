// ConvertStates: domain -> proto for sampled states of CPUs. Pure but for the names, which it asks for; any thread but the housekeeping
// thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_STATES_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_STATES_H_

#include <vector>

#include "daemon/control/thread_names.h"
#include "daemon/ingest/state_samples.h"
#include "daemon/service/state_sampling.h"
#include "hftmon/v1/sampling.pb.h"

namespace hftmon {

// Threads of one CPU that an answer lists.
inline constexpr size_t kSampledThreadsListedMax = 64;

// All but `time`.
void StatesToProto(const StateSamples& samples, const std::vector<UnsampledState>& unsampled, ThreadNames* names,
                   v1::SampleStateResponse* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_STATES_H_
