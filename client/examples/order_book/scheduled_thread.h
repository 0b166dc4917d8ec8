// ScheduledThread: a thread of an injection that does something at each due time of a schedule and sleeps in between.
//
// Threads: Start, Begin and End: the control thread. The thread ends by itself after the schedule's last, or when End is called; it is
// never in a loop that nothing bounds.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_SCHEDULED_THREAD_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_SCHEDULED_THREAD_H_

#include <semaphore.h>

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "client/examples/order_book/injection_schedule.h"
#include "client/examples/order_book/placed_thread.h"

namespace hftmon::order_book {

class ScheduledThread {
 public:
  ScheduledThread();
  ~ScheduledThread();
  ScheduledThread(const ScheduledThread&) = delete;
  ScheduledThread& operator=(const ScheduledThread&) = delete;

  // Makes the thread, which waits for Begin. `act(number)`: from 1 on, how many times it has acted, this one included.
  absl::Status Start(const ThreadPlace& place, const InjectionSchedule& schedule, std::function<void(uint32_t)> act);
  void Begin(int64_t start_mono_ns);
  // Returns when the thread has ended. An act that has begun is done to its end.
  void End();
  pid_t tid() const { return thread_.tid(); }
  // Any thread: whether its last act is over.
  bool exhausted() const { return exhausted_.load(std::memory_order_relaxed); }
  // After End: due times that passed while it was still busy with the one before, or kept from its CPU.
  uint64_t missed_count() const { return missed_count_; }

 private:
  void Run(const std::function<void(uint32_t)>& act);
  // True at `mono_ns`, false when End came first.
  bool AwaitDue(int64_t mono_ns);

  InjectionSchedule schedule_;
  std::atomic<bool> exhausted_{false};  // publishes nothing but itself
  uint64_t missed_count_ = 0;           // the thread's own until it has ended
  PlacedThread thread_;
  sem_t end_;                              // posted once by End
  std::atomic<int64_t> start_mono_ns_{0};  // 0: not yet begun, -1: never will
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_SCHEDULED_THREAD_H_
