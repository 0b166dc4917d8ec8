// SamplingCall: what the unary calls that sample for a while have in common: they begin it, and answer when it is over.
//
// Owner: itself; deleted in OnDone. No gRPC thread waits: the poll thread looks as often as Poll says, and runs the answer. The sampling
// ends with the call: when its client goes away or its deadline passes (CANCELLED), and when the daemon stops (UNAVAILABLE). It is a query
// in flight like any other.
#ifndef HFTMON_DAEMON_SERVICE_SAMPLING_CALL_H_
#define HFTMON_DAEMON_SERVICE_SAMPLING_CALL_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "daemon/control/targets.h"
#include "daemon/service/poll_thread.h"
#include "daemon/service/query_gauge.h"
#include "daemon/service/rich_error.h"
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
  // Of a living and an ended target of that number the living. NOT_FOUND: no target (reason NOT_A_TARGET), or it has ended (reason ENDED).
  grpc::Status FindRunning(int32_t pid, TargetInfo* target) const;
  // Poll of a call whose sampling is a `run` with Cancel and Result: cancels it where the call has ended, and ends with `answer` of what
  // was sampled, once it is over.
  template <typename Run, typename Answer>
  int64_t PollRun(Run* run, int64_t now_ns, Answer answer);

  int64_t over_ns_ = 0;  // steady clock: when the sampling should be over

 private:
  static constexpr int64_t kLateIntervalNs = 2'000'000;  // between two looks once it should be over

  // Lets go of the sampling, over or not.
  virtual void Release() = 0;

  bool cancelled_ = false;
};

template <typename Run, typename Answer>
int64_t SamplingCall::PollRun(Run* run, int64_t now_ns, Answer answer) {
  const std::optional<grpc::Status> ended = Ended();
  if (ended && !cancelled_) {
    run->Cancel();
    cancelled_ = true;
  }
  const auto* const result = run->Result();
  if (result == nullptr) {
    // Closing many events takes its time, which the poll thread does not have: it looks again.
    if (cancelled_) return now_ns + kLateIntervalNs;
    return now_ns + (now_ns < over_ns_ ? std::min(kPollIntervalNs, over_ns_ - now_ns + kLateIntervalNs) : kLateIntervalNs);
  }
  if (ended) return EndWith(*ended);
  return EndWith(result->ok() ? answer(**result) : ToGrpcStatus(result->status()));
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SAMPLING_CALL_H_
