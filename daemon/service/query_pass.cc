#include "daemon/service/query_pass.h"

#include "absl/strings/str_cat.h"
#include "common/counted.h"
#include "daemon/service/rich_error.h"

namespace hftmon {

grpc::Status QueryLimitError(int64_t queries_max) {
  return LimitError("QUERY_LIMIT",
                    absl::StrCat(Counted(static_cast<uint64_t>(queries_max), "query is", "queries are"),
                                 " in flight, which is the limit: call again later"),
                    "queries_max", queries_max);
}

QueryPass::QueryPass(QueryGauge* gauge, int64_t queries_max)
    : gauge_(gauge), status_(gauge->Enter(queries_max) ? grpc::Status::OK : QueryLimitError(queries_max)) {}

QueryPass::~QueryPass() {
  if (status_.ok()) gauge_->Leave();
}

}  // namespace hftmon
