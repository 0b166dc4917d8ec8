// StretchHold: keeps the record of a stretch of interrupts until the stretch is known to be over, so that it is told to its end, and once.
//
// Each handler that ends a stretch above the threshold makes a record; another that follows within HFT_STRETCH_GAP_NS belongs to the same
// stretch and makes another, longer one. A record is given out when its CPU has begun another stretch, or when no handler has followed in
// that time. Threads: the housekeeping thread; no allocation after construction. Bounds: one record per CPU, held for kPatienceNs at most.
#ifndef HFTMON_DAEMON_INGEST_STRETCH_HOLD_H_
#define HFTMON_DAEMON_INGEST_STRETCH_HOLD_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/interval.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {

class StretchHold {
 public:
  // A further record that does not come within that time was lost, or the CPU runs somebody who is not watched by now.
  static constexpr int64_t kPatienceNs = 10'000'000;

  // A handler reads the clock, and decides whether it belongs to the stretch, that long before it shows.
  static constexpr int64_t kEntryNs = 1'000;

  explicit StretchHold(const KernelView& view) : view_(view), held_(view.interrupts.size()), is_held_(view.interrupts.size(), 0) {}

  // Holds the record. What is held of its CPU is given out first when it is another stretch's, and forgotten when it is this one's,
  // shorter.
  template <typename GiveOut>
  void Put(const Interruption& interruption, GiveOut give_out) {
    const uint16_t cpu = interruption.cpu;
    if (cpu >= held_.size()) {
      give_out(interruption);
      return;
    }
    if (is_held_[cpu] != 0) {
      if (held_[cpu].start_mono_ns != interruption.start_mono_ns) give_out(held_[cpu]);
      is_held_[cpu] = 0;
      --held_count_;
    }
    held_[cpu] = interruption;
    is_held_[cpu] = 1;
    ++held_count_;
  }

  // Gives out those that are over. Nothing is looked at while nothing is held.
  template <typename GiveOut>
  void Poll(int64_t now_ns, GiveOut give_out) {
    for (size_t cpu = 0; held_count_ > 0 && cpu < held_.size(); ++cpu) {
      if (is_held_[cpu] == 0 || !IsOver(held_[cpu], now_ns)) continue;
      is_held_[cpu] = 0;
      --held_count_;
      give_out(held_[cpu]);
    }
  }

  bool empty() const { return held_count_ == 0; }

 private:
  bool IsOver(const Interruption& held, int64_t now_ns) const {
    hft_cpu_interrupts& state = view_.interrupts[held.cpu];
    if (static_cast<int64_t>(LoadRelaxed(state.stretch_start_ns)) != held.start_mono_ns) return true;
    if (now_ns - held.end_mono_ns > kPatienceNs) return true;
    // Acquire: the program writes the end before it clears the bit. A record that is still on its way makes the end later than the held
    // one.
    if (LoadAcquire(state.active) != 0 || static_cast<int64_t>(LoadRelaxed(state.stretch_end_ns)) > held.end_mono_ns) return false;
    return now_ns - held.end_mono_ns > HFT_STRETCH_GAP_NS + kEntryNs;
  }

  const KernelView view_;
  std::vector<Interruption> held_;  // by CPU
  std::vector<uint8_t> is_held_;
  size_t held_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_STRETCH_HOLD_H_
