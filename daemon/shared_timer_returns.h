// SharedTimerReturns: returns from sleeps until a time, read from the rings that the programs write (daemon/bpf/return_events.h).
//
// Threads: any; readers never wait for a program, nor a program for them. An entry is taken only when its sequence is the expected one
// before and after the copy; one that is being written is left out. Bound: every entry of every CPU's ring once.
#ifndef HFTMON_DAEMON_SHARED_TIMER_RETURNS_H_
#define HFTMON_DAEMON_SHARED_TIMER_RETURNS_H_

#include <functional>
#include <string>
#include <utility>

#include "daemon/collectors/kernel_view.h"
#include "daemon/service/timer_returns.h"

namespace hftmon {

class SharedTimerReturns : public TimerReturns {
 public:
  // `collecting` tells whether the program is attached; `refusal`: why this host has none, else empty. The view's memory outlives the
  // object.
  SharedTimerReturns(const KernelView& view, std::function<bool()> collecting, std::string refusal)
      : view_(view), collecting_(std::move(collecting)), refusal_(std::move(refusal)) {}

  std::string refusal() const override { return refusal_; }
  bool collecting() const override { return collecting_(); }
  KeptReturns Between(int64_t begin_mono_ns, int64_t end_mono_ns) const override;

 private:
  void AddRing(hft_return_ring* ring, int64_t begin_mono_ns, int64_t end_mono_ns, KeptReturns* kept) const;
  // False: it was overwritten, or is being written.
  bool Copy(const hft_timer_return& entry, uint64_t index, hft_timer_return* out) const;

  const KernelView view_;
  const std::function<bool()> collecting_;
  const std::string refusal_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_TIMER_RETURNS_H_
