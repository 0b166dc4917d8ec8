// StreamList: the streams of one kind that are open, bounded, and the way to end them all when the daemon stops.
//
// Threads: every method by any thread. Lock order: this class's lock before a stream's own; a stream never calls in with its lock held.
#ifndef HFTMON_DAEMON_SERVICE_STREAM_LIST_H_
#define HFTMON_DAEMON_SERVICE_STREAM_LIST_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "grpcpp/support/status.h"

namespace hftmon {

class OpenStream {
 public:
  virtual ~OpenStream() = default;
  // Ends the stream with `status`; at once, or when the write in flight is done.
  virtual void End(const grpc::Status& status) = 0;
};

class StreamList {
 public:
  // `what` names the streams in errors, e.g. "spike streams"; `setting` is the one that bounds them.
  StreamList(std::string what, std::string setting) : what_(std::move(what)), setting_(std::move(setting)) {}

  // RESOURCE_EXHAUSTED when `limit` are open already, UNAVAILABLE after EndAll.
  grpc::Status Add(OpenStream* stream, int64_t limit);
  // After the return End is not running and will not be called. Unknown streams are fine.
  void Remove(OpenStream* stream);
  // Ends those that are open and refuses new ones.
  void EndAll();
  size_t size() const;

 private:
  const std::string what_;
  const std::string setting_;
  mutable std::mutex mutex_;
  std::vector<OpenStream*> streams_;
  bool stopping_ = false;
};

// What a call gets when the daemon stops under it.
grpc::Status StoppingError();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_STREAM_LIST_H_
