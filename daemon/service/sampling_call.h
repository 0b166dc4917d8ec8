// SamplingCall: what the unary calls that sample for a while have in common: they begin it, and answer when it is over.
//
// Owner: itself; deleted in OnDone. No gRPC thread waits: the poll thread looks as often as Poll says, and runs the answer. The sampling
// ends with the call: when its client goes away or its deadline passes (CANCELLED), and when the daemon stops (UNAVAILABLE). It is a query
// in flight like any other.
#ifndef HFTMON_DAEMON_SERVICE_SAMPLING_CALL_H_
#define HFTMON_DAEMON_SERVICE_SAMPLING_CALL_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "daemon/service/poll_thread.h"
#include "daemon/service/query_gauge.h"
#include "daemon/service/service_core.h"
#include "daemon/service/service_limits.h"
#include "grpcpp/support/server_callback.h"

namespace hftmon {

class SamplingCall : public grpc::ServerUnaryReactor, protected Pollee {
 public:
  static constexpr int64_t kPollIntervalNs = 20'000'000;
  static constexpr int64_t kDurationDefaultNs = 1'000'000'000;

  // Outlives the calls.
  struct Shared {
    const ServiceCore* core = nullptr;
    PollThread* poll_thread = nullptr;
    const std::atomic<bool>* stopping = nullptr;
    QueryGauge* queries = nullptr;
    LimitBook* limits = nullptr;
  };

  void OnDone() final;

 protected:
  SamplingCall(grpc::CallbackServerContext* context, const Shared& shared) : context_(context), shared_(shared) {}

  // The answer of a call that begins nothing.
  static grpc::ServerUnaryReactor* Refused(grpc::CallbackServerContext* context, const grpc::Status& status);
  // The answer when too many queries are in flight. Null: this is one of them now, until OnDone.
  static grpc::ServerUnaryReactor* RefusedByLimit(grpc::CallbackServerContext* context, const Shared& shared);
  // Takes the call, whose sampling has begun, or has not with that error.
  static grpc::ServerUnaryReactor* Started(SamplingCall* call, const grpc::Status& begun);

  // The sampling is over before the client knows: it may begin another at once.
  int64_t EndWith(const grpc::Status& status);
  // What ends the call before its sampling does; nothing: it goes on.
  std::optional<grpc::Status> Ended() const;

  grpc::CallbackServerContext* const context_;
  const Shared shared_;
  int64_t over_ns_ = 0;  // steady clock: when the sampling should be over

 private:
  // Lets go of the sampling, over or not.
  virtual void Release() = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SAMPLING_CALL_H_
