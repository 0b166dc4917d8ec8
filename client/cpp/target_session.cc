#include "client/cpp/target_session.h"

#include <chrono>

#include "client/cpp/errors.h"

namespace hftmon {

absl::StatusOr<std::unique_ptr<TargetSession>> TargetSession::Open(v1::Monitor::Stub* stub, const ServerAddress& address,
                                                                   const std::string& name, int64_t deadline_ns) {
  std::unique_ptr<TargetSession> session(new TargetSession());
  session->Begin(stub, name);
  if (absl::Status status = session->AwaitId(address, deadline_ns); !status.ok()) return status;
  return session;
}

TargetSession::~TargetSession() {
  context_.TryCancel();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return end_.has_value(); });
}

void TargetSession::Begin(v1::Monitor::Stub* stub, const std::string& name) {
  request_.set_client(name);
  stub->async()->HoldTargets(&context_, &request_, this);
  StartRead(&response_);
  StartCall();
}

absl::Status TargetSession::AwaitId(const ServerAddress& address, int64_t deadline_ns) {
  std::unique_lock lock(mutex_);
  const bool heard = changed_.wait_for(lock, std::chrono::nanoseconds(deadline_ns), [this] { return has_id_ || end_.has_value(); });
  if (has_id_) {
    id_ = response_.session_id();
    return absl::OkStatus();
  }
  const grpc::Status status = heard ? *end_ : grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "no session within the deadline");
  lock.unlock();
  if (status.ok()) return absl::UnavailableError("the daemon closed the session at once: it is stopping; call again when it has started");
  return FromGrpc(status, address, deadline_ns);
}

void TargetSession::OnReadDone(bool ok) {
  std::lock_guard lock(mutex_);
  // There is one message; the end comes through OnDone, for which gRPC needs no read.
  has_id_ = has_id_ || ok;
  changed_.notify_all();
}

void TargetSession::OnDone(const grpc::Status& status) {
  std::lock_guard lock(mutex_);
  end_ = status;
  changed_.notify_all();
}

bool TargetSession::ended() const {
  std::lock_guard lock(mutex_);
  return end_.has_value();
}

}  // namespace hftmon
