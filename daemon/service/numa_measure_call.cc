#include "daemon/service/numa_measure_call.h"

#include <utility>

#include "daemon/service/answer_size.h"
#include "daemon/service/convert_numa_matrix.h"
#include "daemon/service/convert_time.h"
#include "daemon/service/rich_error.h"

namespace hftmon {

grpc::ServerUnaryReactor* NumaMeasureCall::Start(grpc::CallbackServerContext* context, const Shared& shared,
                                                 v1::MeasureNumaResponse* response) {
  if (shared.core->numa_measuring == nullptr) {
    return Refused(context, RichError(grpc::StatusCode::UNIMPLEMENTED, "NO_SAMPLING", "this daemon does not measure its host's memory"));
  }
  if (grpc::ServerUnaryReactor* refused = RefusedByLimit(context, shared)) return refused;
  auto* call = new NumaMeasureCall(context, shared, response);
  return Started(call, call->Begin());
}

grpc::Status NumaMeasureCall::Begin() {
  // How long it takes shows as it goes.
  over_ns_ = PollThread::NowNs() + kPollIntervalNs;
  absl::StatusOr<std::unique_ptr<NumaMeasureRun>> run = shared_.core->numa_measuring->Begin({});
  if (!run.ok()) return ToGrpcStatus(run.status());
  run_ = *std::move(run);
  return grpc::Status::OK;
}

int64_t NumaMeasureCall::Poll(int64_t now_ns) {
  over_ns_ = now_ns + kPollIntervalNs;
  return PollRun(run_.get(), now_ns, [this](const NumaMatrix& matrix) { return Answer(matrix); });
}

grpc::Status NumaMeasureCall::Answer(const NumaMatrix& matrix) {
  TimePairToProto(shared_.core->status->Now(), response_->mutable_time());
  NumaMatrixToProto(matrix, response_);
  return CheckAnswer(*response_, response_->pairs_size(), shared_.limits);
}

}  // namespace hftmon
