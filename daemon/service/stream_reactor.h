// StreamReactor<Response>: the life of a server stream: one write in flight, one Finish, resources given up the moment it ends.
//
// Owner: itself; made by the handler, deleted in OnDone. Threads: gRPC's, the poll thread's, and whoever ends it; `mutex()` guards all
// of the derived class's state.
// Invariants:
//   1. At most one write is in flight; Finish is called exactly once, never while a write is in flight and never with the mutex held
//      (another thread may delete the stream as soon as Finish was called).
//   2. Release() runs once, before Finish, as soon as the stream is cancelled, broken, past its deadline or ended.
//   3. Detach() runs in OnDone with no lock held: afterwards nobody else may know the stream.
#ifndef HFTMON_DAEMON_SERVICE_STREAM_REACTOR_H_
#define HFTMON_DAEMON_SERVICE_STREAM_REACTOR_H_

#include <mutex>
#include <optional>

#include "daemon/service/rich_error.h"
#include "daemon/service/stream_list.h"
#include "grpcpp/support/server_callback.h"

namespace hftmon {

template <class Response>
class StreamReactor : public grpc::ServerWriteReactor<Response>, public OpenStream {
 public:
  // Writes what there is to write, if the wire is free. Any thread.
  void Pump() {
    std::unique_lock lock(mutex_);
    Advance(lock);
  }

  void End(const grpc::Status& status) override {
    std::unique_lock lock(mutex_);
    EndLocked(status);
    Advance(lock);
  }

  void OnWriteDone(bool ok) override {
    std::unique_lock lock(mutex_);
    writing_ = false;
    if (!ok) EndLocked(grpc::Status(grpc::StatusCode::CANCELLED, "the client is gone"));
    Advance(lock);
  }

  void OnCancel() override { End(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled by the client, or past its deadline")); }

  void OnDone() override {
    Detach();
    {
      // Whoever still stands in Advance has the lock: wait until it left.
      std::lock_guard lock(mutex_);
    }
    delete this;
  }

 protected:
  // The next message, when there is one: fills *message (cleared) and returns true. Mutex held.
  virtual bool NextMessage(Response* message) = 0;
  virtual void Release() = 0;
  virtual void Detach() = 0;

  std::mutex& mutex() { return mutex_; }
  bool ended() const { return end_status_.has_value(); }  // mutex held
  bool writing() const { return writing_; }               // mutex held

 private:
  void EndLocked(const grpc::Status& status) {
    if (end_status_.has_value()) return;
    end_status_ = status;
    Release();
  }

  // `lock` is held on entry and given up on the way to Finish, after which *this may be gone.
  void Advance(std::unique_lock<std::mutex>& lock) {
    if (writing_ || finished_) return;
    if (!end_status_.has_value()) {
      message_.Clear();
      if (!NextMessage(&message_)) return;
      writing_ = true;
      this->StartWrite(&message_);
      return;
    }
    finished_ = true;
    const grpc::Status status = *end_status_;
    lock.unlock();
    this->Finish(status);
  }

  std::mutex mutex_;
  Response message_;
  bool writing_ = false;
  bool finished_ = false;
  std::optional<grpc::Status> end_status_;
};

// A stream that is refused.
template <class Response>
class RefusedStream : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_STREAM_REACTOR_H_
