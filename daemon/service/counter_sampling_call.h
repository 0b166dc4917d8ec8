// CounterSamplingCall: the unary call SampleCounters: begins the sampling and answers when it is over.
// See SamplingCall. The sampling has a thread of its own; a call that ends before it does waits until that has closed its events.
#ifndef HFTMON_DAEMON_SERVICE_COUNTER_SAMPLING_CALL_H_
#define HFTMON_DAEMON_SERVICE_COUNTER_SAMPLING_CALL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/service/counter_sampling.h"
#include "daemon/service/sampling_call.h"
#include "grpcpp/support/server_callback.h"
#include "hftmon/v1/cache.pb.h"

namespace hftmon {

class CounterSamplingCall final : public SamplingCall {
 public:
  static constexpr int64_t kRateDefaultHz = 1'000;

  // The request is checked, and its process named by the initial namespace's number.
  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const Shared& shared,
                                         const v1::SampleCountersRequest& request, v1::SampleCountersResponse* response);

 private:
  CounterSamplingCall(grpc::CallbackServerContext* context, const Shared& shared, v1::SampleCountersResponse* response)
      : SamplingCall(context, shared), response_(response) {}

  grpc::Status Begin(const v1::SampleCountersRequest& request);
  CounterWish WishOf(const v1::SampleCountersRequest& request) const;
  int64_t Poll(int64_t now_ns) override;
  void Release() override;
  grpc::Status Answer(const CounterSamples& samples);

  v1::SampleCountersResponse* const response_;
  uint32_t pid_ = 0;
  int64_t rate_hz_ = 0;
  std::vector<double> percentiles_;
  std::unique_ptr<CounterSamplingRun> run_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_COUNTER_SAMPLING_CALL_H_
