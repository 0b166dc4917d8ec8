// ControlLoop: the control thread. Every kPeriodNs (or what SetPeriodNs says) it brings the registry up to date with the life events that
// the housekeeping loop queued, has it rebuild its books where some were lost (at most once in kResyncIntervalNs), and runs the periodic
// jobs that are due (clock calibration, watchdog, …).
//
// Threads: Start and Stop by the owner; everything else happens on the thread that Start makes, or in RunOnce when it was never started.
// Bounds: at most the queue's capacity of events a turn. A job that is late runs once, not once for each time it missed.
#ifndef HFTMON_DAEMON_CONTROL_CONTROL_LOOP_H_
#define HFTMON_DAEMON_CONTROL_CONTROL_LOOP_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/monotonic_clock.h"
#include "daemon/control/process_names.h"
#include "daemon/control/target_registry.h"
#include "daemon/ingest/life_queue.h"

namespace hftmon {

class ControlLoop {
 public:
  static constexpr int64_t kPeriodNs = 10'000'000;
  static constexpr int64_t kResyncIntervalNs = 200'000'000;  // at least, however many events are lost: a resync takes milliseconds

  // Runs on the control thread; keep it short, the life events wait meanwhile.
  struct Job {
    std::string name;
    int64_t interval_ns = 0;  // a multiple of kPeriodNs is kept exactly
    std::function<void()> function;
  };

  // What is pointed to outlives the loop. `lost_records`: ring records lost so far, which may have been life events. `on_thread_start`
  // runs first on the control thread (its name, its CPU mask). Both may be empty.
  ControlLoop(const MonotonicClock* clock, LifeQueue* events, TargetRegistry* registry, ProcessNames* names, std::vector<Job> jobs,
              std::function<uint64_t()> lost_records = {}, std::function<void()> on_thread_start = {});
  ~ControlLoop();
  ControlLoop(const ControlLoop&) = delete;
  ControlLoop& operator=(const ControlLoop&) = delete;

  void Start();
  // Returns when the thread has ended: at most one turn later. Idempotent.
  void Stop();

  // Between two turns; from the next one on. Any thread. Jobs that ask for less are run once a turn.
  void SetPeriodNs(int64_t period_ns) { period_ns_.store(period_ns, std::memory_order_relaxed); }

  // One turn: events, registry, jobs that are due.
  void RunOnce();

  uint64_t turn_count() const { return turn_count_.load(std::memory_order_relaxed); }

 private:
  struct TimedJob {
    Job job;
    int64_t due_mono_ns = 0;
  };

  void Run();
  void DrainEvents();
  void RunJobs();

  const MonotonicClock* const clock_;
  LifeQueue* const events_;
  TargetRegistry* const registry_;
  ProcessNames* const names_;
  const std::function<uint64_t()> lost_records_;
  const std::function<void()> on_thread_start_;
  std::vector<TimedJob> jobs_;
  uint64_t resynced_drops_ = 0;  // drops of the queue and lost records that a Resync has made good
  int64_t next_resync_mono_ns_ = 0;
  std::atomic<int64_t> period_ns_{kPeriodNs};
  std::atomic<uint64_t> turn_count_{0};  // written by the control thread, relaxed: a counter for status

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_CONTROL_LOOP_H_
