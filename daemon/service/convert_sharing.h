// Sampled accesses of memory, from the domain to proto. Any thread but the housekeeping thread (names are looked up).
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_SHARING_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_SHARING_H_

#include <cstdint>

#include "daemon/control/thread_names.h"
#include "daemon/service/access_sampling.h"
#include "hftmon/v1/sharing.pb.h"

namespace hftmon {

// Everything but the time and the process's own numbers.
void AccessesToProto(const AccessSamples& samples, ThreadNames* names, v1::SampleAccessesResponse* out);

// Of the request; UNSPECIFIED is the default, kCycles.
LineOrder LineOrderFromProto(v1::LineOrder order);

// Lines, and what is listed of each of them: what the limit of an answer's rows counts.
int64_t RowsOf(const v1::SampleAccessesResponse& response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_SHARING_H_
