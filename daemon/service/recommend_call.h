// RecommendCall: the unary call Recommend: gathers and judges in a thread of its own, as it reads hundreds of files of /proc and /sys,
// walks the history and may look at memory; answers when that is over. See SamplingCall. Owner of the thread: the call, which ends after
// it; there are as many as calls, at most the limit of queries, and of those that look at memory all but one are refused at their look.
#ifndef HFTMON_DAEMON_SERVICE_RECOMMEND_CALL_H_
#define HFTMON_DAEMON_SERVICE_RECOMMEND_CALL_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "daemon/service/sampling_call.h"
#include "grpcpp/support/server_callback.h"
#include "hftmon/v1/recommend.pb.h"

namespace hftmon {

class RecommendCall final : public SamplingCall {
 public:
  // The request is checked, and its processes named by the initial namespace's numbers.
  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const Shared& shared, const v1::RecommendRequest& request,
                                         v1::RecommendResponse* response);

 private:
  RecommendCall(grpc::CallbackServerContext* context, const Shared& shared, const v1::RecommendRequest& request,
                v1::RecommendResponse* response)
      : SamplingCall(context, shared), request_(request), response_(response) {}

  grpc::Status Begin();
  int64_t Poll(int64_t now_ns) override;
  void Release() override;

  const v1::RecommendRequest request_;
  v1::RecommendResponse* const response_;  // the thread's until answered_
  grpc::Status answer_;                    // likewise
  std::atomic<bool> answered_{false};
  std::jthread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_RECOMMEND_CALL_H_
