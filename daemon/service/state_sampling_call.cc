#include "daemon/service/state_sampling_call.h"

#include <algorithm>
#include <optional>

#include "common/cpu_list.h"
#include "daemon/service/answer_size.h"
#include "daemon/service/convert_states.h"
#include "daemon/service/convert_time.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/rich_error.h"

namespace hftmon {
grpc::ServerUnaryReactor* StateSamplingCall::Start(grpc::CallbackServerContext* context, const Shared& shared,
                                                   const v1::SampleStateRequest& request, v1::SampleStateResponse* response) {
  if (const grpc::Status checked = Check(request); !checked.ok()) return Refused(context, checked);
  if (shared.core->sampling == nullptr) {
    return Refused(context, RichError(grpc::StatusCode::UNIMPLEMENTED, "NO_SAMPLING", "this daemon samples no states of CPUs"));
  }
  if (grpc::ServerUnaryReactor* refused = RefusedByLimit(context, shared)) return refused;
  auto* call = new StateSamplingCall(context, shared, response);
  return Started(call, call->Begin(request));
}

grpc::Status StateSamplingCall::Begin(const v1::SampleStateRequest& request) {
  StateSamplingPlan plan;
  plan.duration_ns = request.duration_ns() == 0 ? kDurationDefaultNs : request.duration_ns();
  plan.interval_ns = request.interval_ns() == 0 ? kIntervalDefaultNs : request.interval_ns();
  plan.cpus = ParseCpuList(request.cpus()).value_or(std::vector<int>());  // it was checked
  over_ns_ = PollThread::NowNs() + plan.duration_ns;
  return ToGrpcStatus(shared_.core->sampling->Begin(plan));
}

void StateSamplingCall::Release() {
  shared_.core->sampling->End();
}

int64_t StateSamplingCall::Poll(int64_t now_ns) {
  if (const std::optional<grpc::Status> ended = Ended()) return EndWith(*ended);
  if (const StateSamples* samples = shared_.core->sampling->Result()) return EndWith(Answer(*samples));
  if (now_ns > over_ns_ + kSlackNs) {
    return EndWith(
        RichError(grpc::StatusCode::UNAVAILABLE, "LOOP_AWAY",
                  "the housekeeping loop did not come to the end of the sampling: its CPU is taken by others, see hftmon status"));
  }
  // Seldom while it lasts: this thread may share the loop's CPU.
  return now_ns + (now_ns < over_ns_ ? std::min(kPollIntervalNs, over_ns_ - now_ns + 200'000) : 1'000'000);
}

grpc::Status StateSamplingCall::Answer(const StateSamples& samples) {
  if (samples.end == SamplingEnd::kSwitchedOff) {
    return RichError(grpc::StatusCode::FAILED_PRECONDITION, "OFF",
                     "the programs were switched off while CPUs were sampled: call again after hftmon on");
  }
  TimePairToProto(shared_.core->status->Now(), response_->mutable_time());
  StatesToProto(samples, shared_.core->sampling->Unsampled(samples), shared_.core->names, response_);
  int64_t rows = response_->cpus_size();
  for (const v1::SampledCpu& cpu : response_->cpus()) rows += cpu.threads_size();
  return CheckAnswer(*response_, rows, shared_.limits);
}

}  // namespace hftmon
