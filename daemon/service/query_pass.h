// QueryPass: one query in flight, as long as the object lives, where no more are than may be. One call's own.
#ifndef HFTMON_DAEMON_SERVICE_QUERY_PASS_H_
#define HFTMON_DAEMON_SERVICE_QUERY_PASS_H_

#include <cstdint>

#include "daemon/service/query_gauge.h"
#include "grpcpp/support/status.h"

namespace hftmon {

// RESOURCE_EXHAUSTED, reason QUERY_LIMIT: `queries_max` are in flight.
grpc::Status QueryLimitError(int64_t queries_max);

class QueryPass {
 public:
  // `gauge` outlives the object.
  QueryPass(QueryGauge* gauge, int64_t queries_max);
  ~QueryPass();
  QueryPass(const QueryPass&) = delete;
  QueryPass& operator=(const QueryPass&) = delete;

  // Not OK: it is one too many and does not count.
  const grpc::Status& status() const { return status_; }

 private:
  QueryGauge* const gauge_;
  const grpc::Status status_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_QUERY_PASS_H_
