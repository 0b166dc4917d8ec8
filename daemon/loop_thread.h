// LoopThread: the housekeeping thread: where it runs, how it is scheduled, and the loop that it turns.
//
// Owner: the daemon. Start returns when the thread is placed (or why it could not be). Stop joins it.
// Few CPUs: where fewer than kCpusForSpinning CPUs may be used, `auto` does not spin: the loop sleeps between looks (`balanced`), so that
// RPC threads and workloads always get the CPU that it shares with them.
#ifndef HFTMON_DAEMON_LOOP_THREAD_H_
#define HFTMON_DAEMON_LOOP_THREAD_H_

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/config.h"
#include "daemon/ingest/housekeeping_loop.h"

namespace hftmon {

// Where the daemon's threads may run.
struct Placement {
  static constexpr size_t kCpusForSpinning = 4;

  int loop_cpu = 0;
  std::string reason;           // why this CPU
  std::vector<int> other_cpus;  // for all threads but the loop; never an isolated CPU, nor the loop's when it spins
  const PollPolicy* policy = nullptr;
};

// From the inherited affinity mask, the topology and the configuration.
absl::StatusOr<Placement> ChoosePlacement(const Config& config);

class LoopThread {
 public:
  LoopThread() = default;
  ~LoopThread() { Stop(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  absl::Status Start(HousekeepingLoop* loop, const Placement& placement, const Config& config);
  void Stop();
  // As achieved, e.g. "SCHED_OTHER nice -20"; with the reason when it is not what was asked for.
  const std::string& scheduling() const { return scheduling_; }

 private:
  absl::Status Place(const Placement& placement, const Config& config);

  std::atomic<bool> stop_{false};
  std::thread thread_;
  std::string scheduling_;
};

// The loop's only way into the kernel: a timed sleep.
void SleepNs(int64_t duration_ns);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_LOOP_THREAD_H_
