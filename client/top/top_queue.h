// TopQueue: updates on their way to the thread that shows them.
//
// Threads: Push by any, Take by one. Bounds: of answers and snapshots the newest of each kind; kSpikesMax spikes, of which the oldest go
// first, counted.
#ifndef HFTMON_CLIENT_TOP_TOP_QUEUE_H_
#define HFTMON_CLIENT_TOP_TOP_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "client/top/top_update.h"

namespace hftmon {

class TopQueue {
 public:
  static constexpr size_t kSpikesMax = 4096;

  TopQueue();
  ~TopQueue();
  TopQueue(const TopQueue&) = delete;
  TopQueue& operator=(const TopQueue&) = delete;

  void Push(TopUpdate update);
  // All there is: answers and snapshots first, then spikes in the order in which they came. Empty: nothing came.
  std::vector<TopUpdate> Take();
  // Readable while there is something to take; -1 when the system had no descriptor for it: then look now and then.
  int fd() const { return fd_; }
  // Spikes that were dropped here because nobody took them in time.
  uint64_t dropped_count() const;

 private:
  void PushMetrics(TopMetrics metrics);

  const int fd_;
  mutable std::mutex mutex_;
  std::optional<TopConnection> connection_;
  std::optional<v1::GetStatusResponse> status_;
  std::optional<v1::ListTargetsResponse> targets_;
  std::optional<v1::QueryThreadsResponse> threads_;
  std::optional<TopMetrics> thread_metrics_;
  std::optional<TopMetrics> target_metrics_;
  std::optional<TopStreamLosses> losses_;
  std::deque<TopSpike> spikes_;
  uint64_t dropped_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_QUEUE_H_
