// InjectionLog: when each injection began and ended, as the thread saw that suffered or did it. Written by one thread, read after it ended.
// Bound: kEventsMax are kept one by one, all are counted; memory is taken and touched at construction.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_LOG_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_LOG_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hftmon::order_book {

// Readings of the cycle counter.
struct InjectionEvent {
  uint64_t start_tsc = 0;
  uint64_t end_tsc = 0;
};

class InjectionLog {
 public:
  static constexpr size_t kEventsMax = 10'000;

  InjectionLog() : events_(kEventsMax) {}

  void Add(uint64_t start_tsc, uint64_t end_tsc) {
    if (count_ < kEventsMax) events_[count_] = {start_tsc, end_tsc};
    ++count_;
    total_ticks_ += end_tsc - start_tsc;
  }

  uint64_t count() const { return count_; }
  uint64_t total_ticks() const { return total_ticks_; }
  // The first kEventsMax.
  std::span<const InjectionEvent> events() const { return {events_.data(), count_ < kEventsMax ? count_ : kEventsMax}; }

 private:
  std::vector<InjectionEvent> events_;
  uint64_t count_ = 0;
  uint64_t total_ticks_ = 0;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_LOG_H_
