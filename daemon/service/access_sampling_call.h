// AccessSamplingCall: the unary call SampleAccesses: begins the sampling and answers when it is over.
// See SamplingCall. The sampling has a thread of its own; a call that ends before it does waits until that has closed its events.
#ifndef HFTMON_DAEMON_SERVICE_ACCESS_SAMPLING_CALL_H_
#define HFTMON_DAEMON_SERVICE_ACCESS_SAMPLING_CALL_H_

#include <cstdint>
#include <memory>

#include "daemon/service/access_sampling.h"
#include "daemon/service/sampling_call.h"
#include "grpcpp/support/server_callback.h"
#include "hftmon/v1/sharing.pb.h"

namespace hftmon {

class AccessSamplingCall final : public SamplingCall {
 public:
  static constexpr uint32_t kLoadLatencyDefaultCycles = 30;
  static constexpr uint64_t kPeriodDefault = 10'007;
  static constexpr int kLinesDefault = 20;

  // The request is checked, and its process named by the initial namespace's number.
  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const Shared& shared,
                                         const v1::SampleAccessesRequest& request, v1::SampleAccessesResponse* response);

 private:
  AccessSamplingCall(grpc::CallbackServerContext* context, const Shared& shared, v1::SampleAccessesResponse* response)
      : SamplingCall(context, shared), response_(response) {}

  grpc::Status Begin(const v1::SampleAccessesRequest& request);
  int64_t Poll(int64_t now_ns) override;
  void Release() override;
  grpc::Status Answer(const AccessSamples& samples);

  v1::SampleAccessesResponse* const response_;
  std::unique_ptr<AccessSamplingRun> run_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_ACCESS_SAMPLING_CALL_H_
