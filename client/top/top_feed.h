// TopFeed: asks the daemon for everything that is shown and puts the answers into a queue, until it is stopped.
//
// What it asks for changes nothing that is watched: a stream of spikes at each target's own threshold, two streams of metrics, and each
// period the status, the targets and the threads' time. `hold` alone attaches, for as long as this lives.
//
// Threads: Start and LookAgain by one, on which nothing blocks but Start (one call's deadline for each of two calls). Four threads of its
// own: one a stream, one for the calls. Errors after Start are trouble in the queue: the daemon is tried again each second, the streams are
// opened anew, what was missed is asked for. Bounds: the queue's. `client` and `queue` outlive it; the destructor waits for its threads,
// for one call's deadline at most.
#ifndef HFTMON_CLIENT_TOP_TOP_FEED_H_
#define HFTMON_CLIENT_TOP_TOP_FEED_H_

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "client/cpp/client.h"
#include "client/top/top_queue.h"

namespace hftmon {

struct TopQuestion {
  std::vector<int32_t> pids;  // as the client numbers them; empty = all
  bool hold = false;          // those of `pids` that are no targets are attached, for as long as this lives
  int64_t period_ns = 1'000'000'000;
  int64_t threshold_ns = 0;          // 0 = each target's own
  int64_t blocked_threshold_ns = 0;  // 0 = none
};

class TopFeed {
 public:
  // How far back the list of spikes begins.
  static constexpr int64_t kPastNs = 60'000'000'000;

  TopFeed(const Client& client, TopQuestion question, TopQueue* queue);
  ~TopFeed();
  TopFeed(const TopFeed&) = delete;
  TopFeed& operator=(const TopFeed&) = delete;

  // The error of a daemon that does not answer, or of a process that cannot be watched. Call once.
  absl::Status Start();
  // Asks for the spike once more: what was not known when it was told, its stack above all, may be known now.
  void LookAgain(const TopSpike& spike);

 private:
  enum Slot : size_t { kSpikes, kTargetMetrics, kThreadMetrics, kSlotCount };

  absl::Status Meet();
  absl::Status Hold();
  void Call();
  absl::Status CallOnce();
  void LookForSpike(const TopSpike& spike);
  void FollowSpikes();
  void FollowMetrics(Slot slot, bool per_thread);
  // Opens a stream whenever there is a daemon and reads it until it ends or this stops.
  template <typename Message>
  void Follow(Slot slot, const std::function<std::unique_ptr<Stream<Message>>()>& open,
              const std::function<void(const Message&)>& on_message);
  void PushPast();
  v1::DetectSpikesRequest PastRequest() const;
  void Lose(const absl::Status& status);
  // False: stop.
  bool AwaitDaemon();
  bool Pause(int64_t duration_ns);
  uint32_t daemon_number();

  const Client& client_;
  const TopQuestion question_;
  TopQueue* const queue_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  bool connected_ = false;
  uint32_t daemon_number_ = 0;  // counts daemons that were met
  int32_t daemon_pid_ = 0;
  int64_t daemon_begin_ns_ = 0;  // CLOCK_MONOTONIC, as the daemon's uptime tells it
  std::optional<TopSpike> look_again_;
  std::array<std::function<void()>, kSlotCount> cancel_;  // of the streams that are open
  std::vector<std::thread> threads_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_FEED_H_
