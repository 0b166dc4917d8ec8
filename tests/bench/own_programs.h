// OwnPrograms: the daemon's own programs, loaded and attached without the daemon: nothing reads what they write, as nothing reads an empty
// hook. In force until the destructor's end.
#ifndef HFTMON_TESTS_BENCH_OWN_PROGRAMS_H_
#define HFTMON_TESTS_BENCH_OWN_PROGRAMS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/collectors/switch_collector.h"
#include "daemon/collectors/task_iterator.h"
#include "daemon/control/collection_switch.h"
#include "daemon/control/process_watcher.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {

class OwnPrograms {
 public:
  OwnPrograms();          // loads them; all abort when the kernel refuses
  void Attach();          // from here on they run
  void Watch(pid_t pid);  // from here on the process is watched
  // The bit of a watched process alone: nothing is loaded, given out or taken back.
  void SetBit(pid_t pid, bool watched);
  // Attaches on_waking, and has it name who wakes the threads of `pid` (0: of nobody); the destructor, or false, detaches it.
  void NameWakers(bool on, pid_t pid = 0);
  void SumCalls(bool on, pid_t pid);  // what the threads of a watched process block in
  // Page faults: from here on every fault of the host runs them; and those of the watched process's threads are told.
  absl::Status AttachMemoryPrograms();
  std::string WhyNoMemoryPrograms() const { return collector_->memory_programs().refusal(); }  // empty: they can be had
  void TellFaults(pid_t pid);
  void TurnOff();  // as `hftmon off` does it
  const KernelView& view() const { return collector_->view(); }
  // Why a program of that name was left out; empty when it is there.
  std::string WhyMissing(const std::string& program) const;

 private:
  class SystemClock : public MonotonicClock {
   public:
    int64_t NowNs() const override { return workload::NowNs(); }
  };

  const SystemClock clock_;
  std::unique_ptr<TaskIterator> tasks_;
  std::unique_ptr<SwitchCollector> collector_;
  std::unique_ptr<ProcessWatcher> watcher_;
  std::unique_ptr<TargetRegistry> registry_;
  std::unique_ptr<CollectionSwitch> switch_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_BENCH_OWN_PROGRAMS_H_
