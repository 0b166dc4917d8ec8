#include "daemon/ingest/held_up_walk.h"

#include <algorithm>

namespace hftmon {

bool HeldUpWalk::Step(int64_t now_ns, uint32_t high_water, int64_t loop_gap_ns, bool caught_up) {
  if (next_slot_ == 0) {
    if (now_ns < next_round_ns_) return false;
    next_round_ns_ = now_ns + kIntervalNs;
    next_slot_ = 1;  // slot 0 is never given out
    sleeps_wanted_ = sleeps_.wanted();
  }
  const uint32_t last = std::min(high_water, slot_count_ == 0 ? 0 : slot_count_ - 1);
  const uint32_t end = std::min(next_slot_ + kSlotsPerStep, last + 1);
  for (; next_slot_ < end; ++next_slot_) {
    if (sleeps_wanted_) sleeps_.Look(next_slot_, now_ns, loop_gap_ns);
    kernel_stalls_.Look(next_slot_, now_ns, loop_gap_ns);
  }
  if (next_slot_ <= last) return true;
  next_slot_ = 0;
  sleeps_.EndRound(now_ns, caught_up);
  kernel_stalls_.EndRound(now_ns, caught_up);
  return false;
}

}  // namespace hftmon
