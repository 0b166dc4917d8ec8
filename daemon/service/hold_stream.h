// HoldStream: one client's session: opened with the call, told to the client in the only message, closed when the call ends.
#ifndef HFTMON_DAEMON_SERVICE_HOLD_STREAM_H_
#define HFTMON_DAEMON_SERVICE_HOLD_STREAM_H_

#include <cstdint>

#include "daemon/control/targets.h"
#include "daemon/service/service_limits.h"
#include "daemon/service/stream_reactor.h"
#include "daemon/service/target_thresholds.h"
#include "hftmon/v1/targets.pb.h"

namespace hftmon {

class HoldStream : public StreamReactor<v1::HoldTargetsResponse> {
 public:
  // What all share; outlives them.
  struct Shared {
    Targets* targets = nullptr;
    StreamList* streams = nullptr;
    TargetThresholds* thresholds = nullptr;
    LimitBook* limits = nullptr;
  };

  // Checks the request and opens the session; or refuses.
  static grpc::ServerWriteReactor<v1::HoldTargetsResponse>* Start(const v1::HoldTargetsRequest& request, const Shared& shared);

 private:
  HoldStream(const Shared& shared, uint64_t session_id) : shared_(shared), session_id_(session_id) {}

  bool NextMessage(v1::HoldTargetsResponse* message) override;
  // Its parts end at once, not when the last byte has gone.
  void Release() override;
  void Detach() override { shared_.streams->Remove(this); }

  const Shared shared_;
  const uint64_t session_id_;
  bool announced_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_HOLD_STREAM_H_
