#include "client/examples/order_book/scheduled_thread.h"

#include <cerrno>
#include <ctime>
#include <utility>

#include "client/examples/order_book/time_stamp_counter.h"

namespace hftmon::order_book {

ScheduledThread::ScheduledThread() {
  sem_init(&end_, 0, 0);
}

ScheduledThread::~ScheduledThread() {
  End();
  sem_destroy(&end_);
}

absl::Status ScheduledThread::Start(const ThreadPlace& place, const InjectionSchedule& schedule, std::function<void(uint32_t)> act) {
  schedule_ = schedule;
  return thread_.Start(place, [this, act = std::move(act)] { Run(act); });
}

void ScheduledThread::Begin(int64_t start_mono_ns) {
  start_mono_ns_.store(start_mono_ns, std::memory_order_release);  // pairs with Run's acquire
  start_mono_ns_.notify_all();
}

void ScheduledThread::End() {
  int64_t not_begun = 0;
  start_mono_ns_.compare_exchange_strong(not_begun, -1, std::memory_order_acq_rel);
  start_mono_ns_.notify_all();
  sem_post(&end_);
  thread_.Join();
}

bool ScheduledThread::AwaitDue(int64_t mono_ns) {
  const timespec due{mono_ns / 1'000'000'000, mono_ns % 1'000'000'000};
  while (sem_clockwait(&end_, CLOCK_MONOTONIC, &due) != 0) {
    if (errno == ETIMEDOUT) return true;
  }
  return false;
}

void ScheduledThread::Run(const std::function<void(uint32_t)>& act) {
  start_mono_ns_.wait(0, std::memory_order_acquire);  // pairs with Begin's release
  const int64_t start_mono_ns = start_mono_ns_.load(std::memory_order_acquire);
  if (start_mono_ns < 0) return;
  uint32_t acted = 0;
  for (uint64_t number = 0; schedule_.Has(number, acted);) {
    if (!AwaitDue(start_mono_ns + schedule_.DueNs(number))) return;
    act(++acted);
    const uint64_t next = schedule_.Following(number, MonotonicNs() - start_mono_ns);
    missed_count_ += next - number - 1;
    number = next;
  }
  exhausted_.store(true, std::memory_order_relaxed);
}

}  // namespace hftmon::order_book
