// AnswerRecommend: facts from the core's EvidenceSource, judged by the table of rules. Reads files of /proc and /sys; any thread but the
// housekeeping one.
#ifndef HFTMON_DAEMON_SERVICE_RECOMMEND_QUERY_H_
#define HFTMON_DAEMON_SERVICE_RECOMMEND_QUERY_H_

#include <cstdint>
#include <stop_token>

#include "daemon/service/service_core.h"
#include "daemon/service/service_limits.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/recommend.pb.h"

namespace hftmon {

inline constexpr int64_t kRecommendWindowDefaultNs = 60'000'000'000;

// `request` is checked and its pids are translated. With look_at_memory it sleeps for as long as the look takes, or until `stop` gives it
// up (CANCELLED). UNIMPLEMENTED where this daemon has no EvidenceSource; the errors of EvidenceSource; those of CheckAnswer.
grpc::Status AnswerRecommend(const ServiceCore& core, const v1::RecommendRequest& request, LimitBook* limits, const std::stop_token& stop,
                             v1::RecommendResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_RECOMMEND_QUERY_H_
