// LoopThread: the housekeeping thread: where it runs, how it is scheduled, and the loop that it turns.
//
// Owner: the daemon. Start returns when the thread is placed (or why it could not be). Stop joins it.
// Which mode it runs in, and what the daemon's other threads do meanwhile, is ModeController's.
#ifndef HFTMON_DAEMON_LOOP_THREAD_H_
#define HFTMON_DAEMON_LOOP_THREAD_H_

#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "daemon/config.h"
#include "daemon/ingest/housekeeping_loop.h"
#include "daemon/placement.h"

namespace hftmon {

class LoopThread {
 public:
  LoopThread() = default;
  ~LoopThread() { Stop(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  absl::Status Start(HousekeepingLoop* loop, const Placement& placement, const Config& config);
  void Stop();
  // "other" with this nice value, or "fifo". Any thread, after Start: the loop itself makes no system call.
  void Reschedule(const std::string& scheduling, int nice);
  // To another CPU, alone. Any thread, after Start.
  absl::Status MoveTo(int cpu);
  // Whether it may run on this CPU alone, as it was placed: the kernel breaks that when the CPU goes offline. Any thread, after Start.
  bool IsOn(int cpu) const;
  // As achieved, e.g. "SCHED_OTHER nice -20"; with the reason when it is not what was asked for. Any thread.
  std::string scheduling() const;
  pid_t tid() const { return tid_.load(std::memory_order_relaxed); }

 private:
  absl::Status Place(const Placement& placement, const Config& config);

  std::atomic<bool> stop_{false};
  std::thread thread_;
  std::atomic<pid_t> tid_{0};
  mutable std::mutex mutex_;
  std::string scheduling_;
};

// The loop's only way into the kernel: a timed sleep.
void SleepNs(int64_t duration_ns);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_LOOP_THREAD_H_
