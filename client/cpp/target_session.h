// TargetSession: a client's session with the daemon: what is attached in its name ends with it, or with this process.
//
// Threads: every method by any thread. Bounds: one call, which is open as long as the object. The destructor ends it and waits for that,
// which takes no answer of the daemon's.
#ifndef HFTMON_CLIENT_CPP_TARGET_SESSION_H_
#define HFTMON_CLIENT_CPP_TARGET_SESSION_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cpp/server_address.h"
#include "hftmon/v1/monitor.grpc.pb.h"

namespace hftmon {

class TargetSession : private grpc::ClientReadReactor<v1::HoldTargetsResponse> {
 public:
  // `name` is what `hftmon targets` shows, at most 64 bytes. `stub` outlives the session. RESOURCE_EXHAUSTED: the daemon has no room for
  // another; else as any call.
  static absl::StatusOr<std::unique_ptr<TargetSession>> Open(v1::Monitor::Stub* stub, const ServerAddress& address, const std::string& name,
                                                             int64_t deadline_ns);
  ~TargetSession() override;

  // For AttachRequest.session_id and DetachRequest.session_id.
  uint64_t id() const { return id_; }
  // The daemon ended it, or is gone: nothing is held any more.
  bool ended() const;

 private:
  TargetSession() = default;
  void Begin(v1::Monitor::Stub* stub, const std::string& name);
  absl::Status AwaitId(const ServerAddress& address, int64_t deadline_ns);
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  grpc::ClientContext context_;
  v1::HoldTargetsRequest request_;
  v1::HoldTargetsResponse response_;
  uint64_t id_ = 0;  // written before Open returns

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool has_id_ = false;
  std::optional<grpc::Status> end_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CPP_TARGET_SESSION_H_
