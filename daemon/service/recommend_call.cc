#include "daemon/service/recommend_call.h"

#include <pthread.h>

#include <stop_token>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "daemon/service/recommend_query.h"
#include "daemon/service/rich_error.h"

namespace hftmon {

grpc::ServerUnaryReactor* RecommendCall::Start(grpc::CallbackServerContext* context, const Shared& shared,
                                               const v1::RecommendRequest& request, v1::RecommendResponse* response) {
  if (request.look_at_memory() && (shared.core->evidence == nullptr || shared.core->numa_looks == nullptr)) {
    return Refused(context, RichError(grpc::StatusCode::UNIMPLEMENTED, "NO_SAMPLING", "this daemon does not look where memory lies"));
  }
  if (grpc::ServerUnaryReactor* refused = RefusedByLimit(context, shared)) return refused;
  auto* call = new RecommendCall(context, shared, request, response);
  return Started(call, call->Begin());
}

grpc::Status RecommendCall::Begin() {
  try {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      pthread_setname_np(pthread_self(), "hftmon_advice");
      answer_ = AnswerRecommend(*shared_.core, request_, shared_.limits, stop, response_);
      answered_.store(true, std::memory_order_release);  // pairs with Poll's acquire
      shared_.poll_thread->Wake(this);                   // it joins this thread before the call is gone
    });
  } catch (const std::system_error& error) {
    return RichError(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUERY_LIMIT",
                     absl::StrCat("no thread for the answer can be had (", error.what(), "): ask again"));
  }
  return grpc::Status::OK;
}

// By EndWith, when the thread is over but for its end, or was never polled for: it joins soon.
void RecommendCall::Release() {
  thread_ = std::jthread();
}

int64_t RecommendCall::Poll(int64_t now_ns) {
  const std::optional<grpc::Status> ended = Ended();
  if (ended) thread_.request_stop();
  if (!answered_.load(std::memory_order_acquire)) return now_ns + kPollIntervalNs;
  return EndWith(ended ? *ended : answer_);
}

}  // namespace hftmon
