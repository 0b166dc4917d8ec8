#include "daemon/service/spike_notifier.h"

#include <algorithm>

namespace hftmon {

SpikeNotifier::SpikeNotifier(const SpikeHistory* spikes) : spikes_(spikes), cursor_(spikes) {
  thread_.Add(this);
}

SpikeNotifier::~SpikeNotifier() {
  thread_.Remove(this);
}

void SpikeNotifier::Subscribe(SpikeListener* listener) {
  {
    std::lock_guard lock(mutex_);
    if (subscriptions_.empty()) cursor_.GoToEnd();
    // After the cursor was moved: it may read what lies before this, never leave out what does not.
    subscriptions_.push_back({listener, spikes_->end()});
  }
  thread_.Wake(this);
}

void SpikeNotifier::Unsubscribe(SpikeListener* listener) {
  std::lock_guard lock(mutex_);
  std::erase_if(subscriptions_, [listener](const Subscription& subscription) { return subscription.listener == listener; });
}

void SpikeNotifier::SetPollIntervals(int64_t min_ns, int64_t max_ns) {
  interval_min_ns_.store(std::max(min_ns, kPollIntervalNs), std::memory_order_relaxed);
  interval_max_ns_.store(max_ns, std::memory_order_relaxed);
}

int64_t SpikeNotifier::Poll(int64_t now_ns) {
  std::lock_guard lock(mutex_);
  if (subscriptions_.empty()) return kPollIdle;
  const int read = ReadRound();
  if (read == kSpikesPerRoundMax) return now_ns;  // there may be more
  if (read > 0) last_spike_ns_ = now_ns;
  const int64_t min_ns = interval_min_ns_.load(std::memory_order_relaxed);
  const int64_t max_ns = std::max(min_ns, interval_max_ns_.load(std::memory_order_relaxed));
  return now_ns + std::clamp((now_ns - last_spike_ns_) / 8, min_ns, max_ns);
}

// How many came, kSpikesPerRoundMax at most; those that only left their loss behind count as one.
int SpikeNotifier::ReadRound() {
  uint64_t overwritten = 0;
  int count = 0;
  SpikePosition position;
  const Spike* spike = nullptr;
  while (count < kSpikesPerRoundMax && (spike = cursor_.Next(&position, &overwritten)) != nullptr) {
    ++count;
    for (const Subscription& subscription : subscriptions_) {
      if (spike->order >= subscription.first_order) subscription.listener->OnSpike(position, *spike);
    }
  }
  if (count == 0 && overwritten == 0) return 0;
  for (const Subscription& subscription : subscriptions_) {
    if (overwritten > 0) subscription.listener->OnOverwritten(overwritten);
    subscription.listener->OnRoundEnd();
  }
  return std::max(count, 1);
}

}  // namespace hftmon
