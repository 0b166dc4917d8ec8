// FakeMonotonicClock: a clock that tests set. Any thread.
#ifndef HFTMON_TESTS_FAKES_FAKE_MONOTONIC_CLOCK_H_
#define HFTMON_TESTS_FAKES_FAKE_MONOTONIC_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "common/monotonic_clock.h"

namespace hftmon {

class FakeMonotonicClock : public MonotonicClock {
 public:
  explicit FakeMonotonicClock(int64_t now_ns = 1'000'000'000) : now_ns_(now_ns) {}
  int64_t NowNs() const override { return now_ns_.load(std::memory_order_seq_cst); }
  void SetNs(int64_t now_ns) { now_ns_.store(now_ns, std::memory_order_seq_cst); }
  void AdvanceNs(int64_t ns) { now_ns_.fetch_add(ns, std::memory_order_seq_cst); }
  // A time that nobody else gets: one nanosecond passes with each call.
  int64_t TickNs() { return now_ns_.fetch_add(1, std::memory_order_seq_cst) + 1; }

 private:
  std::atomic<int64_t> now_ns_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_FAKE_MONOTONIC_CLOCK_H_
