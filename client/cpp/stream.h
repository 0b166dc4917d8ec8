// Stream: messages of a server-streaming call, pulled by the reader.
//
// Threads: one thread calls Read and Finish; Cancel by any thread, at any time in the stream's life. The destructor cancels, so it never
// waits for the daemon's next message. Bounds: gRPC's receive window; the daemon drops (and counts) for a reader that is slow.
#ifndef HFTMON_CLIENT_CPP_STREAM_H_
#define HFTMON_CLIENT_CPP_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/sync_stream.h>

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "client/cpp/errors.h"
#include "client/cpp/server_address.h"

namespace hftmon {

template <typename Message>
class Stream {
 public:
  // `open(context)` starts the call and returns its grpc::ClientReader.
  template <typename Open>
  Stream(ServerAddress address, Open&& open) : address_(std::move(address)), reader_(open(&context_)) {}
  ~Stream() {
    if (finished_) return;
    Cancel();
    Finish().IgnoreError();
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Blocks for the next message. False when the stream has ended; Finish tells why.
  bool Read(Message* message) { return reader_->Read(message); }

  // A Read that blocks, and every later one, returns false soon.
  void Cancel() {
    cancelled_.store(true, std::memory_order_release);  // pairs with the acquire in Finish
    context_.TryCancel();
  }

  // Waits for the end and says why it ended: OK when the daemon closed it or Cancel was called, else the error. Call once.
  absl::Status Finish() {
    Message unread;
    while (reader_->Read(&unread)) {
    }
    finished_ = true;
    const grpc::Status status = reader_->Finish();
    if (cancelled_.load(std::memory_order_acquire) && status.error_code() == grpc::StatusCode::CANCELLED) return absl::OkStatus();
    return FromGrpc(status, address_, 0);
  }

 private:
  const ServerAddress address_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<Message>> reader_;
  std::atomic<bool> cancelled_{false};
  bool finished_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CPP_STREAM_H_
