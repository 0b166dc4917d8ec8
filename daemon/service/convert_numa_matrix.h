// How far nodes' memory is from nodes' CPUs, from the domain to proto. Pure, any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_NUMA_MATRIX_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_NUMA_MATRIX_H_

#include "daemon/service/numa_measuring.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// Everything but the time.
void NumaMatrixToProto(const NumaMatrix& matrix, v1::MeasureNumaResponse* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_NUMA_MATRIX_H_
