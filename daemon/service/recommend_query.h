// AnswerRecommend: facts from the core's EvidenceSource, judged by the table of rules. Reads files of /proc and /sys; any thread but the
// housekeeping one.
#ifndef HFTMON_DAEMON_SERVICE_RECOMMEND_QUERY_H_
#define HFTMON_DAEMON_SERVICE_RECOMMEND_QUERY_H_

#include <cstdint>

#include "daemon/service/service_core.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/recommend.pb.h"

namespace hftmon {

inline constexpr int64_t kRecommendWindowDefaultNs = 60'000'000'000;

// `request` is checked and its pids are translated. UNIMPLEMENTED where this daemon has no EvidenceSource; the errors of EvidenceSource.
grpc::Status AnswerRecommend(const ServiceCore& core, const v1::RecommendRequest& request, v1::RecommendResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_RECOMMEND_QUERY_H_
