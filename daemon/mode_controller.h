// ModeController: how the housekeeping loop polls, chosen from the host or set while running, and all that must follow a change: which CPUs
// the daemon's other threads use, and the loop's scheduling class.
//
// Order of a change: before the loop begins to own its CPU the other threads leave it; after it ceases to they may come back. Nothing is
// lost meanwhile: the rings hold what the kernel records.
// Owner: the daemon. Threads: any; one mutex, held for some system calls a thread of the daemon.
#ifndef HFTMON_DAEMON_MODE_CONTROLLER_H_
#define HFTMON_DAEMON_MODE_CONTROLLER_H_

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/control/operation.h"
#include "daemon/ingest/poll_policy.h"
#include "daemon/mode_choice.h"

namespace hftmon {

class ModeController {
 public:
  struct Parts {
    std::function<HostFacts()> facts;  // read for each choice
    // Whether a SCHED_FIFO loop may spin without a pause: kernel.sched_rt_runtime_us is -1.
    std::function<bool()> fifo_unthrottled;
    std::function<void(const PollPolicy*)> set_policy;
    std::function<void(const std::string& scheduling)> reschedule_loop;
    std::function<absl::Status(const std::vector<int>& cpus)> move_other_threads;
    std::vector<int> usable_cpus;  // at the start; sorted; the loop's may be one
    int loop_cpu = 0;
  };
  // Chooses, and changes nothing: the caller starts the threads as Describe, policy and other_cpus say.
  ModeController(Parts parts, const std::string& mode, const std::string& scheduling);

  // As Operation::SetMode. When the other threads cannot be moved, the mode stays as it was and the error says why.
  absl::Status SetMode(const std::string& mode, const std::string& scheduling);
  // From time to time: under `auto` the host may have changed.
  void Reconsider();

  // CPUs went offline or came back, and the loop is to run on `loop_cpu`: the other threads are moved away from what is gone, and a mode
  // that no longer fits gives way. The error is that of moving them.
  absl::Status SetCpus(std::vector<int> usable_cpus, int loop_cpu);

  const PollPolicy* policy() const;
  std::vector<int> other_cpus() const;
  // Fills what is about the mode.
  void Describe(OperationStatus* out) const;

 private:
  struct State {
    std::string asked;
    std::string scheduling;
    std::string reason;
    const PollPolicy* policy = nullptr;
  };

  State Choose(const std::string& mode, const std::string& scheduling) const;
  std::vector<int> OtherCpus(const PollPolicy& policy) const;
  absl::Status Apply(const State& next);

  const Parts parts_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<int> usable_cpus_;
  int loop_cpu_;
  State state_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MODE_CONTROLLER_H_
