// Follow: reads a stream until it ends, the reader has enough, a signal asks to stop or nobody reads the output any more.
#ifndef HFTMON_CLIENT_CLI_FOLLOW_H_
#define HFTMON_CLIENT_CLI_FOLLOW_H_

#include <functional>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "client/cli/console.h"
#include "client/cli/exit_code.h"
#include "client/cli/signal_watch.h"
#include "client/cpp/stream.h"

namespace hftmon {

// Remembers that it is time to stop and carries it to what blocks. Any thread.
class StopRequest {
 public:
  // `action` runs when the stop comes; at once when it already came.
  void SetAction(std::function<void()> action) {
    const std::lock_guard lock(mutex_);
    action_ = std::move(action);
    if (stopped_) action_();
  }
  void Stop(const StopEvent& event) {
    const std::lock_guard lock(mutex_);
    if (!stopped_ && event.signal != 0) signal_ = event.signal;
    stopped_ = true;
    if (action_) action_();
  }
  // The signal that stopped it; 0 = none.
  int signal() const {
    const std::lock_guard lock(mutex_);
    return signal_;
  }

 private:
  mutable std::mutex mutex_;
  std::function<void()> action_;
  bool stopped_ = false;
  int signal_ = 0;
};

// `open()` starts the stream, after signals are watched. `on_message` returns false when it has enough. Returns kExitFine, or 128 + the
// signal; an error when the stream broke.
template <typename Message>
absl::StatusOr<int> Follow(const Console& console, const std::function<std::unique_ptr<Stream<Message>>()>& open,
                           const std::function<bool(const Message&)>& on_message) {
  std::unique_ptr<Stream<Message>> stream;  // outlives the watch, whose callback cancels it
  StopRequest stop;
  auto watch = SignalWatch::Start(console.out_fd(), [&stop](const StopEvent& event) { stop.Stop(event); });
  if (!watch.ok()) return watch.status();
  stream = open();
  stop.SetAction([&stream] { stream->Cancel(); });
  Message message;
  while (stream->Read(&message)) {
    if (on_message(message)) continue;
    stream->Cancel();
    break;
  }
  const absl::Status end = stream->Finish();
  watch->reset();
  if (stop.signal() != 0) return kExitSignalBase + stop.signal();
  if (!end.ok()) return end;
  return kExitFine;
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_FOLLOW_H_
