#include "daemon/service/spike_notifier.h"

#include <algorithm>

namespace hftmon {

SpikeNotifier::SpikeNotifier(const SeqRing<Spike>* spikes) : spikes_(spikes) {
  thread_.Add(this);
}

SpikeNotifier::~SpikeNotifier() {
  thread_.Remove(this);
}

void SpikeNotifier::Subscribe(SpikeListener* listener) {
  {
    std::lock_guard lock(mutex_);
    const uint64_t end = spikes_->end();
    if (subscriptions_.empty()) cursor_ = end;
    subscriptions_.push_back({listener, end});
  }
  thread_.Wake(this);
}

void SpikeNotifier::Unsubscribe(SpikeListener* listener) {
  std::lock_guard lock(mutex_);
  std::erase_if(subscriptions_, [listener](const Subscription& subscription) { return subscription.listener == listener; });
}

int64_t SpikeNotifier::Poll(int64_t now_ns) {
  std::lock_guard lock(mutex_);
  if (subscriptions_.empty()) return kPollIdle;
  if (cursor_ < spikes_->end()) ReadRound();
  return cursor_ < spikes_->end() ? now_ns : now_ns + kPollIntervalNs;
}

void SpikeNotifier::ReadRound() {
  const uint64_t begin = spikes_->begin();
  uint64_t overwritten = begin > cursor_ ? begin - cursor_ : 0;
  cursor_ += overwritten;
  const uint64_t round_end = std::min(spikes_->end(), cursor_ + kSpikesPerRoundMax);
  Spike spike;
  for (; cursor_ < round_end; ++cursor_) {
    if (spikes_->Read(cursor_, &spike) != SeqRead::kOk) {
      ++overwritten;
      continue;
    }
    for (const Subscription& subscription : subscriptions_) {
      if (cursor_ >= subscription.first_index) subscription.listener->OnSpike(cursor_, spike);
    }
  }
  for (const Subscription& subscription : subscriptions_) {
    if (overwritten > 0) subscription.listener->OnOverwritten(overwritten);
    subscription.listener->OnRoundEnd();
  }
}

}  // namespace hftmon
