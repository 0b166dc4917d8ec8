// The ways to watch context switches that are compared. Each is in force between the constructor and the destructor; both wait until it is
// so.
#ifndef HFTMON_TESTS_BENCH_SWITCH_WATCHERS_H_
#define HFTMON_TESTS_BENCH_SWITCH_WATCHERS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/collectors/switch_collector.h"
#include "daemon/collectors/task_iterator.h"
#include "daemon/control/collection_switch.h"
#include "daemon/control/process_watcher.h"
#include "tests/privileged/harness/daemon_under_test.h"
#include "tests/privileged/harness/subprocess.h"
#include "tests/workloads/scheduling.h"

struct empty_hook_bpf;

namespace hftmon::testing {

// One empty program at tp_btf/sched_switch.
class EmptyHook {
 public:
  // Aborts when it cannot be attached: without the floor nothing can be compared.
  EmptyHook();
  ~EmptyHook();
  EmptyHook(const EmptyHook&) = delete;
  EmptyHook& operator=(const EmptyHook&) = delete;

 private:
  empty_hook_bpf* hook_;
};

// The daemon's own programs, loaded and attached without the daemon: nothing reads what they write, as nothing reads the empty hook.
class OwnPrograms {
 public:
  OwnPrograms();          // loads them; all three abort as EmptyHook does
  void Attach();          // from here on they run
  void Watch(pid_t pid);  // from here on the process is watched
  // Attaches on_waking, and has it name who wakes the threads of `pid` (0: of nobody); the destructor, or false, detaches it.
  void NameWakers(bool on, pid_t pid = 0);
  void TurnOff();  // as `hftmon off` does it

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

// Another tool, run on `cpu` with its output thrown away.
class ForeignTool {
 public:
  // `perf sched record` on all CPUs into `file`. Null when it does not start; why_not says why.
  static std::unique_ptr<ForeignTool> PerfSchedRecord(int cpu, const std::string& file, std::string* why_not);
  // A histogram of run-queue latencies, as bpftrace's runqlat makes it.
  static std::unique_ptr<ForeignTool> BpftraceHistogram(int cpu, std::string* why_not);
  ~ForeignTool();

 private:
  // `word` is the line that says that it has begun.
  static std::unique_ptr<ForeignTool> Start(const std::vector<std::string>& command, int cpu, const std::string& word, bool by_input,
                                            std::string* why_not);
  ForeignTool(std::unique_ptr<Subprocess> process, bool by_input) : process_(std::move(process)), by_input_(by_input) {}

  std::unique_ptr<Subprocess> process_;
  bool by_input_;  // ends with a line on stdin, else with SIGINT
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_BENCH_SWITCH_WATCHERS_H_
