// LatenessPercentiles: which percentiles of lateness a query asks for. Pure, any thread.
#ifndef HFTMON_DAEMON_SERVICE_LATENESS_PERCENTILES_H_
#define HFTMON_DAEMON_SERVICE_LATENESS_PERCENTILES_H_

#include <vector>

#include "hftmon/v1/threads.pb.h"

namespace hftmon {

inline std::vector<double> LatenessPercentiles(const v1::QueryThreadsRequest& request) {
  if (request.percentiles().empty()) return {50, 95, 99, 99.9};
  return {request.percentiles().begin(), request.percentiles().end()};
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_LATENESS_PERCENTILES_H_
