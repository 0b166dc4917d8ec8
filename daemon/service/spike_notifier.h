// SpikeNotifier: tells subscribers of new spikes, so that the housekeeping thread never has to signal anybody.
//
// Threads: one of its own. It sleeps on a condition variable while nobody subscribes; else it looks at the history's end as eagerly as the
// housekeeping loop looks at the rings (PollPolicy), every kPollIntervalNs at most. Subscribe and Unsubscribe by any thread.
// Lock order: this class's lock before a listener's own; a listener never calls in with its lock held.
#ifndef HFTMON_DAEMON_SERVICE_SPIKE_NOTIFIER_H_
#define HFTMON_DAEMON_SERVICE_SPIKE_NOTIFIER_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "daemon/analysis/spike_cursor.h"
#include "daemon/analysis/spike_history.h"
#include "daemon/service/poll_thread.h"

namespace hftmon {

// Called by the notifier's thread with its lock held: must not block.
class SpikeListener {
 public:
  virtual ~SpikeListener() = default;
  // In the order of the history.
  virtual void OnSpike(const SpikePosition& position, const Spike& spike) = 0;
  // That many were overwritten before the notifier could read them; whether the listener would have wanted them is not known.
  virtual void OnOverwritten(uint64_t count) = 0;
  // After the above of one round: time to write.
  virtual void OnRoundEnd() = 0;
};

class SpikeNotifier : private Pollee {
 public:
  static constexpr int64_t kPollIntervalNs = 50'000;
  static constexpr int kSpikesPerRoundMax = 256;

  explicit SpikeNotifier(const SpikeHistory* spikes);
  ~SpikeNotifier() override;

  // Between two looks while nothing comes: at first `min_ns`, and up to `max_ns`, an eighth of the time since the last spike. Any thread.
  void SetPollIntervals(int64_t min_ns, int64_t max_ns);

  // The listener hears of every spike appended after the call. It lives until Unsubscribe has returned.
  void Subscribe(SpikeListener* listener);
  // After the return the listener is not being called and will not be. Unknown listeners are fine.
  void Unsubscribe(SpikeListener* listener);

 private:
  struct Subscription {
    SpikeListener* listener;
    uint64_t first_order;  // those before it are not its own
  };

  int64_t Poll(int64_t now_ns) override;
  int ReadRound();  // mutex_ held

  const SpikeHistory* const spikes_;
  std::mutex mutex_;
  std::vector<Subscription> subscriptions_;
  SpikeCursor cursor_;
  int64_t last_spike_ns_ = 0;
  // Relaxed: each stands for itself.
  std::atomic<int64_t> interval_min_ns_{kPollIntervalNs};
  std::atomic<int64_t> interval_max_ns_{kPollIntervalNs};
  PollThread thread_{1};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SPIKE_NOTIFIER_H_
