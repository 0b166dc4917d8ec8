// CounterWindowBudget: how many windows of counters all streams of metrics may hold together. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_COUNTER_WINDOW_BUDGET_H_
#define HFTMON_DAEMON_SERVICE_COUNTER_WINDOW_BUDGET_H_

#include <atomic>
#include <cstddef>

namespace hftmon {

class CounterWindowBudget {
 public:
  static constexpr size_t kWindowsMax = 16'384;  // of some 3 KiB

  // One more. False: all are taken.
  bool Take() {
    if (used_.fetch_add(1, std::memory_order_relaxed) < kWindowsMax) return true;
    GiveBack(1);
    return false;
  }
  void GiveBack(size_t count) { used_.fetch_sub(count, std::memory_order_relaxed); }
  size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> used_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_COUNTER_WINDOW_BUDGET_H_
