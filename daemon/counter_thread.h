// CounterThread: the thread that takes what threads counted out of the CPUs' rings and gives it to a sink.
//
// Owner: the daemon. Start and Stop by the owner; SetWanted by any thread. The thread is one of the daemon's others: it has their CPU mask,
// and sleeps between two looks: kLookIntervalNs, or a fifth of that while a ring fills; while nothing is counted it does not wake up.
#ifndef HFTMON_DAEMON_COUNTER_THREAD_H_
#define HFTMON_DAEMON_COUNTER_THREAD_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "common/monotonic_clock.h"
#include "daemon/ingest/counter_ring_reader.h"

namespace hftmon {

class CounterThread {
 public:
  // The largest ring holds 100,000 spans a second of a CPU for that long.
  static constexpr int64_t kLookIntervalNs = 20'000'000;

  // All that is pointed to outlives the thread.
  CounterThread(CounterRingReader::Parts parts, const MonotonicClock* clock) : clock_(clock), reader_(std::move(parts)) {}
  ~CounterThread() { Stop(); }
  CounterThread(const CounterThread&) = delete;
  CounterThread& operator=(const CounterThread&) = delete;

  void Start();
  void Stop();
  void SetWanted(bool wanted);

  // Since the start; any thread.
  uint64_t lost_count() const { return lost_count_.load(std::memory_order_relaxed); }

 private:
  void Run();
  bool Drain();

  const MonotonicClock* const clock_;
  CounterRingReader reader_;  // the thread's own
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stop_ = false;
  std::atomic<uint64_t> lost_count_{0};  // relaxed: a count
  std::thread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COUNTER_THREAD_H_
