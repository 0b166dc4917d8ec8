// Recommendations to the protocol. Texts that other people wrote become valid UTF-8. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_RECOMMEND_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_RECOMMEND_H_

#include "daemon/advice/recommend.h"
#include "daemon/control/thread_names.h"
#include "hftmon/v1/recommend.pb.h"

namespace hftmon {

void JudgementToProto(const Judgement& judgement, ThreadNames* names, v1::RecommendResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_RECOMMEND_H_
