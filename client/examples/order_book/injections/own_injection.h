// OwnInjection: a disturbance that the engine's thread does to itself when one is due: a sleep, page faults, allocations, remote memory.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_OWN_INJECTION_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_OWN_INJECTION_H_

#include <atomic>
#include <cstdint>

#include "client/examples/order_book/injection.h"
#include "client/examples/order_book/time_stamp_counter.h"

namespace hftmon::order_book {

class OwnInjection : public Injection {
 public:
  using Injection::Injection;

  void Begin(int64_t start_mono_ns) final {
    start_mono_ns_ = start_mono_ns;
    length_ticks_ = plan_.clock.ToTicks(start_mono_ns + plan_.length_ns) - plan_.clock.ToTicks(start_mono_ns);
    SetNext(0);
  }
  void Look(uint64_t now_tsc) final {
    if (now_tsc < next_tsc_) [[likely]]
      return;
    const uint64_t start_tsc = ReadTsc();
    Disturb(start_tsc + length_ticks_);
    const uint64_t end_tsc = ReadTsc();
    log_.Add(start_tsc, end_tsc);
    const uint64_t next = plan_.schedule.Following(number_, plan_.clock.ToNs(end_tsc) - start_mono_ns_);
    missed_count_ += next - number_ - 1;
    SetNext(next);
  }

  bool exhausted() const final { return exhausted_.load(std::memory_order_relaxed); }
  uint64_t missed_count() const final { return missed_count_; }

 protected:
  // Takes until the counter reads `end_tsc`, or for as long as one step of it lasts.
  virtual void Disturb(uint64_t end_tsc) = 0;

 private:
  void SetNext(uint64_t number) {
    number_ = number;
    if (!plan_.schedule.Has(number, log_.count())) exhausted_.store(true, std::memory_order_relaxed);
    next_tsc_ =
        plan_.schedule.Has(number, log_.count()) ? plan_.clock.ToTicks(start_mono_ns_ + plan_.schedule.DueNs(number)) : ~uint64_t{0};
  }

  int64_t start_mono_ns_ = 0;
  uint64_t length_ticks_ = 0;
  uint64_t number_ = 0;
  uint64_t missed_count_ = 0;
  std::atomic<bool> exhausted_{false};  // publishes nothing but itself
  uint64_t next_tsc_ = ~uint64_t{0};    // none before Begin
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_OWN_INJECTION_H_
