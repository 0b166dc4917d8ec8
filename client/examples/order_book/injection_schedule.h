// InjectionSchedule: when the injections of a kind are due, counted from the run's start. Passive data; pure functions.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_SCHEDULE_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_SCHEDULE_H_

#include <cstdint>

namespace hftmon::order_book {

struct InjectionSchedule {
  int64_t first_ns = 0;    // of the first, since the start
  int64_t every_ns = 1;    // from one to the next; above 0
  int64_t end_ns = 0;      // none is due from here on
  uint64_t count_max = 0;  // that happen; 0: no bound but the time

  // Whether there is one at due time `number` (from 0 on) after `done_count` happened: what was missed does not count.
  bool Has(uint64_t number, uint64_t done_count) const { return (count_max == 0 || done_count < count_max) && DueNs(number) < end_ns; }
  int64_t DueNs(uint64_t number) const { return first_ns + static_cast<int64_t>(number) * every_ns; }
  // The first one after `number` that is not yet past at `now_ns`: what was missed is not caught up in a burst.
  uint64_t Following(uint64_t number, int64_t now_ns) const {
    if (now_ns <= DueNs(number + 1)) return number + 1;
    return static_cast<uint64_t>((now_ns - first_ns + every_ns - 1) / every_ns);
  }
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_SCHEDULE_H_
