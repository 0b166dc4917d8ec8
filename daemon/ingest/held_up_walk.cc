#include "daemon/ingest/held_up_walk.h"

#include <algorithm>

namespace hftmon {

bool HeldUpWalk::BeginRound(int64_t now_ns) {
  if (now_ns < next_round_ns_) return false;
  next_round_ns_ = now_ns + kIntervalNs;
  look_for_sleeps_ = sleeps_.wanted();
  look_for_stalls_ = kernel_stalls_wanted_.load(std::memory_order_relaxed) || kernel_stalls_.any_open();
  if (!look_for_sleeps_ && !look_for_stalls_) return false;
  next_slot_ = 1;  // slot 0 is never given out
  return true;
}

void HeldUpWalk::EndRound() {
  next_slot_ = 0;
  if (sleeps_.unfollowed_count() == unfollowed_told_) return;
  unfollowed_told_ = sleeps_.unfollowed_count();
  for (HeldUpSink* sink : sinks_) sink->OnUnfollowed(unfollowed_told_);
}

bool HeldUpWalk::Step(const Look& look, uint32_t high_water) {
  if (next_slot_ == 0 && !BeginRound(look.now_ns)) return false;
  const uint32_t last = std::min(high_water, slot_count_ == 0 ? 0 : slot_count_ - 1);
  const uint32_t end = std::min(next_slot_ + kSlotsPerStep, last + 1);
  const bool of_all = sleeps_of_all_.load(std::memory_order_relaxed);
  int calls = 0;
  for (; next_slot_ < end && calls < kCallsPerStep; ++next_slot_) {
    if (look_for_sleeps_) calls += sleeps_.LookAt(next_slot_, look, of_all);
    if (look_for_stalls_) calls += kernel_stalls_.LookAt(next_slot_, look);
    if (states_ != nullptr) states_->TickIfDue();
  }
  if (next_slot_ <= last) return true;
  EndRound();
  return false;
}

}  // namespace hftmon
