#include "daemon/service/windowed_call.h"

#include <utility>

#include "daemon/service/query_pass.h"
#include "daemon/service/rich_error.h"
#include "daemon/service/stream_list.h"
#include "grpcpp/server_context.h"

namespace hftmon {

WindowedCall::WindowedCall(grpc::CallbackServerContext* context, const Shared& shared, const TimePair& arrival, Answer answer)
    : context_(context), shared_(shared), arrival_{.time = arrival}, answer_(std::move(answer)) {}

grpc::ServerUnaryReactor* WindowedCall::Start(grpc::CallbackServerContext* context, const Shared& shared, int64_t queries_max,
                                              const TimePair& arrival, int64_t sampling_interval_ns, Answer answer) {
  if (!shared.queries->Enter(queries_max)) {
    grpc::ServerUnaryReactor* refused = context->DefaultReactor();
    refused->Finish(QueryLimitError(queries_max));
    return refused;
  }
  auto* call = new WindowedCall(context, shared, arrival, std::move(answer));
  if (sampling_interval_ns == 0 || call->Closed()) {
    call->Finish(call->answer_(call->arrival_));
    return call;
  }
  call->give_up_ns_ = PollThread::NowNs() + 2 * sampling_interval_ns + kSlackNs;
  if (!shared.poll_thread->Add(call)) {
    call->Finish(RichError(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUERY_LIMIT", "too many calls wait: call again later"));
  }
  return call;
}

bool WindowedCall::Closed() const {
  return shared_.windows->closed_until_mono_ns() >= arrival_.time.monotonic_ns;
}

int64_t WindowedCall::Poll(int64_t now_ns) {
  // Acquire: pairs with the store at the server's shutdown.
  if (shared_.stopping->load(std::memory_order_acquire)) {
    Finish(StoppingError());
    return kPollDone;
  }
  if (context_->IsCancelled()) {
    Finish(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled by the client, or past its deadline"));
    return kPollDone;
  }
  if (!Closed()) {
    if (now_ns < give_up_ns_) return now_ns + kPollIntervalNs;
    arrival_.late = true;
  }
  Finish(answer_(arrival_));
  return kPollDone;
}

void WindowedCall::OnDone() {
  shared_.poll_thread->Remove(this);
  shared_.queries->Leave();
  delete this;
}

}  // namespace hftmon
