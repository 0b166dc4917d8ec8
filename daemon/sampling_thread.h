// SamplingThread: one sampling on request, in a thread of its own, until it is over or somebody ends it.
//
// Begin and end by the owner; Cancel and result by any thread. The destructor waits until the thread has ended: Cancel first where waiting
// is bad. `body` runs in the thread, and calls Wait between its looks.
#ifndef HFTMON_DAEMON_SAMPLING_THREAD_H_
#define HFTMON_DAEMON_SAMPLING_THREAD_H_

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/status/statusor.h"

namespace hftmon {

template <typename Result>
class SamplingThread {
 public:
  using Body = std::function<absl::StatusOr<Result>(SamplingThread& thread)>;

  // `name` has at most 15 bytes.
  SamplingThread(const char* name, Body body) {
    thread_ = std::thread([this, name, body = std::move(body)] {
      pthread_setname_np(pthread_self(), name);
      result_ = body(*this);
      over_.store(true, std::memory_order_release);  // pairs with result()'s acquire
    });
  }
  ~SamplingThread() {
    Cancel();
    thread_.join();
  }
  SamplingThread(const SamplingThread&) = delete;
  SamplingThread& operator=(const SamplingThread&) = delete;

  void Cancel() {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  // nullptr until it is over; valid as long as the object.
  const absl::StatusOr<Result>* result() const { return over_.load(std::memory_order_acquire) ? &result_ : nullptr; }

  // By the body: sleeps so long. True: it was cancelled.
  bool Wait(int64_t duration_ns) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::nanoseconds(duration_ns), [this] { return cancelled_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
  std::atomic<bool> over_{false};
  absl::StatusOr<Result> result_ = absl::UnknownError("not over");
  std::thread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SAMPLING_THREAD_H_
