#include "daemon/service/counter_sampling_call.h"

#include <utility>

#include "daemon/service/answer_size.h"
#include "daemon/service/convert_counter_samples.h"
#include "daemon/service/convert_time.h"
#include "daemon/service/counter_totals.h"

namespace hftmon {
namespace {

OverflowBy OverflowByFromProto(v1::OverflowBy by) {
  switch (by) {
    case v1::OVERFLOW_BY_CYCLES:
      return OverflowBy::kCycles;
    case v1::OVERFLOW_BY_CPU_CLOCK:
      return OverflowBy::kCpuClock;
    default:
      return OverflowBy::kBest;
  }
}

}  // namespace

grpc::ServerUnaryReactor* CounterSamplingCall::Start(grpc::CallbackServerContext* context, const Shared& shared,
                                                     const v1::SampleCountersRequest& request, v1::SampleCountersResponse* response) {
  if (shared.core->counter_sampling == nullptr) {
    return Refused(context, RichError(grpc::StatusCode::UNIMPLEMENTED, "NO_SAMPLING", "this daemon samples no counters"));
  }
  if (grpc::ServerUnaryReactor* refused = RefusedByLimit(context, shared)) return refused;
  auto* call = new CounterSamplingCall(context, shared, response);
  return Started(call, call->Begin(request));
}

// Those that are named; without any those that are counted now, else caches.
CounterWish CounterSamplingCall::WishOf(const v1::SampleCountersRequest& request) const {
  CounterWish wish{.events = {request.events().begin(), request.events().end()}, .cache = request.cache()};
  if (wish.any()) return wish;
  if (shared_.core->counters != nullptr) {
    const CounterTotals::State counted = shared_.core->counters->state();
    if (counted.reason.empty()) {
      for (const CounterSetEvent& event : counted.set.events) wish.events.push_back(event.name);
    }
  }
  wish.cache = wish.events.empty();
  return wish;
}

grpc::Status CounterSamplingCall::Begin(const v1::SampleCountersRequest& request) {
  TargetInfo running;
  if (const grpc::Status found = FindRunning(request.pid(), &running); !found.ok()) return found;
  CounterSamplingPlan plan{.pid = running.pid, .start_boottime_ns = running.start_boottime_ns};
  plan.duration_ns = request.duration_ns() == 0 ? kDurationDefaultNs : request.duration_ns();
  plan.rate_hz = request.rate_hz() == 0 ? kRateDefaultHz : request.rate_hz();
  plan.by = OverflowByFromProto(request.by());
  plan.wish = WishOf(request);
  pid_ = running.pid;
  rate_hz_ = plan.rate_hz;
  percentiles_ = {request.percentiles().begin(), request.percentiles().end()};
  over_ns_ = PollThread::NowNs() + plan.duration_ns;
  absl::StatusOr<std::unique_ptr<CounterSamplingRun>> run = shared_.core->counter_sampling->Begin(plan);
  if (!run.ok()) return ToGrpcStatus(run.status());
  run_ = *std::move(run);
  return grpc::Status::OK;
}

void CounterSamplingCall::Release() {
  run_.reset();
}

int64_t CounterSamplingCall::Poll(int64_t now_ns) {
  return PollRun(run_.get(), now_ns, [this](const CounterSamples& samples) { return Answer(samples); });
}

grpc::Status CounterSamplingCall::Answer(const CounterSamples& samples) {
  TimePairToProto(shared_.core->status->Now(), response_->mutable_time());
  response_->set_pid(static_cast<int32_t>(pid_));
  response_->set_namespace_pid(shared_.core->names->NumbersOf(pid_, pid_).pid);
  response_->mutable_overflow()->set_asked_rate_hz(rate_hz_);
  CounterSampleConverter(shared_.core->totals->AllOf(pid_), shared_.core->names, percentiles_).ToProto(pid_, samples, response_);
  int64_t rows = response_->threads_size();
  for (const v1::CounterSampledThread& thread : response_->threads()) rows += thread.cache().rates_size();
  return CheckAnswer(*response_, rows, shared_.limits);
}

}  // namespace hftmon
