#include "daemon/service/access_sampling_call.h"

#include <utility>

#include "daemon/service/answer_size.h"
#include "daemon/service/convert_sharing.h"
#include "daemon/service/convert_time.h"
#include "daemon/service/rich_error.h"

namespace hftmon {
namespace {

template <typename Number>
Number OrDefault(Number value, Number by_default) {
  return value == 0 ? by_default : value;
}

}  // namespace

grpc::ServerUnaryReactor* AccessSamplingCall::Start(grpc::CallbackServerContext* context, const Shared& shared,
                                                    const v1::SampleAccessesRequest& request, v1::SampleAccessesResponse* response) {
  if (shared.core->accesses == nullptr) {
    return Refused(context, RichError(grpc::StatusCode::UNIMPLEMENTED, "NO_SAMPLING", "this daemon samples no accesses of memory"));
  }
  if (grpc::ServerUnaryReactor* refused = RefusedByLimit(context, shared)) return refused;
  auto* call = new AccessSamplingCall(context, shared, response);
  return Started(call, call->Begin(request));
}

grpc::Status AccessSamplingCall::Begin(const v1::SampleAccessesRequest& request) {
  TargetInfo running;
  if (const grpc::Status found = FindRunning(request.pid(), &running); !found.ok()) return found;
  AccessSamplingPlan plan{.pid = running.pid, .start_boottime_ns = running.start_boottime_ns};
  plan.duration_ns = OrDefault(request.duration_ns(), kDurationDefaultNs);
  plan.load_latency_cycles = OrDefault(request.load_latency_cycles(), kLoadLatencyDefaultCycles);
  plan.period = OrDefault(request.period(), kPeriodDefault);
  plan.order = LineOrderFromProto(request.order());
  plan.lines_max = static_cast<size_t>(OrDefault(request.max_lines(), kLinesDefault));
  response_->set_pid(static_cast<int32_t>(plan.pid));
  response_->set_namespace_pid(shared_.core->names->NumbersOf(plan.pid, plan.pid).pid);
  over_ns_ = PollThread::NowNs() + plan.duration_ns;
  absl::StatusOr<std::unique_ptr<AccessSamplingRun>> run = shared_.core->accesses->Begin(plan);
  if (!run.ok()) return ToGrpcStatus(run.status());
  run_ = *std::move(run);
  return grpc::Status::OK;
}

void AccessSamplingCall::Release() {
  run_.reset();
}

int64_t AccessSamplingCall::Poll(int64_t now_ns) {
  return PollRun(run_.get(), now_ns, [this](const AccessSamples& samples) { return Answer(samples); });
}

grpc::Status AccessSamplingCall::Answer(const AccessSamples& samples) {
  TimePairToProto(shared_.core->status->Now(), response_->mutable_time());
  AccessesToProto(samples, shared_.core->names, response_);
  return CheckAnswer(*response_, RowsOf(*response_), shared_.limits);
}

}  // namespace hftmon
