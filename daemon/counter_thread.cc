#include "daemon/counter_thread.h"

#include <pthread.h>

#include <chrono>

namespace hftmon {

void CounterThread::Start() {
  if (thread_.joinable()) return;
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "hftmon_counters");
    Run();
  });
}

void CounterThread::Stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void CounterThread::SetWanted(bool wanted) {
  {
    std::lock_guard lock(mutex_);
    if (wanted_ == wanted) return;
    wanted_ = wanted;
  }
  changed_.notify_all();
}

void CounterThread::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    changed_.wait(lock, [this] { return stop_ || wanted_; });
    while (!stop_ && wanted_) {
      lock.unlock();
      const bool crowded = Drain();
      lock.lock();
      const std::chrono::nanoseconds pause(crowded ? kLookIntervalNs / 5 : kLookIntervalNs);
      changed_.wait_for(lock, pause, [this] { return stop_ || !wanted_; });
    }
    // What was counted until it was wanted no longer.
    lock.unlock();
    Drain();
    lock.lock();
  }
}

bool CounterThread::Drain() {
  const CounterRingReader::Look look = reader_.Drain(clock_->NowNs());
  lost_count_.fetch_add(look.lost_count, std::memory_order_relaxed);
  return look.crowded;
}

}  // namespace hftmon
