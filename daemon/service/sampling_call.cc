#include "daemon/service/sampling_call.h"

#include "absl/strings/str_cat.h"
#include "daemon/service/query_pass.h"
#include "daemon/service/rich_error.h"
#include "daemon/service/stream_list.h"
#include "daemon/service/target_selection.h"
#include "grpcpp/server_context.h"

namespace hftmon {

grpc::ServerUnaryReactor* SamplingCall::Refused(grpc::CallbackServerContext* context, const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

grpc::ServerUnaryReactor* SamplingCall::RefusedByLimit(grpc::CallbackServerContext* context, const Shared& shared) {
  const int64_t queries_max = shared.limits->Get().queries_max;
  return shared.queries->Enter(queries_max) ? nullptr : Refused(context, QueryLimitError(queries_max));
}

grpc::ServerUnaryReactor* SamplingCall::Started(SamplingCall* call, const grpc::Status& begun) {
  if (!begun.ok()) {
    call->Finish(begun);
    return call;
  }
  if (!call->shared_.poll_thread->Add(call)) {
    call->EndWith(RichError(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUERY_LIMIT", "too many calls wait: call again later"));
  }
  return call;
}

int64_t SamplingCall::EndWith(const grpc::Status& status) {
  Release();
  Finish(status);
  return kPollDone;
}

std::optional<grpc::Status> SamplingCall::Ended() const {
  // Acquire: pairs with the store at the server's shutdown.
  if (shared_.stopping->load(std::memory_order_acquire)) return StoppingError();
  if (context_->IsCancelled()) return grpc::Status(grpc::StatusCode::CANCELLED, "cancelled by the client, or past its deadline");
  return std::nullopt;
}

grpc::Status SamplingCall::FindRunning(int32_t pid, TargetInfo* target) const {
  google::protobuf::RepeatedField<int32_t> pids;
  pids.Add(pid);
  TargetSelection selection;
  if (const grpc::Status selected = selection.Select(*shared_.core->targets, pids); !selected.ok()) return selected;
  const auto running = std::find_if(selection.targets().begin(), selection.targets().end(),
                                    [](const TargetInfo& found) { return found.state != TargetState::kEnded; });
  if (running == selection.targets().end()) {
    return RichError(grpc::StatusCode::NOT_FOUND, "ENDED",
                     absl::StrCat("process ", pid, " has ended: only a process that runs can be sampled"));
  }
  if (running->state == TargetState::kPaused) {
    return RichError(grpc::StatusCode::FAILED_PRECONDITION, "PAUSED",
                     absl::StrCat("process ", pid, " is paused, and costs nothing until it is resumed: hftmon targets --resume ", pid));
  }
  *target = *running;
  return grpc::Status::OK;
}

void SamplingCall::OnDone() {
  shared_.poll_thread->Remove(this);
  shared_.queries->Leave();
  delete this;
}

}  // namespace hftmon
