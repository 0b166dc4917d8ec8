// FakePerfEvents: a kernel with CPUs, PMUs and threads that the test makes up, and its rules for who may count what, when.
//
// Time passes by Run and Idle, and with calls where the kernel is told so. Counters go round once a tick, pinned events first, in the order
// in which they came. It fails the test on a call that the kernel would not understand (a descriptor that is not open, an unknown request
// or flag), and when descriptors are left open. One thread.
#ifndef HFTMON_TESTS_FAKES_FAKE_PERF_EVENTS_H_
#define HFTMON_TESTS_FAKES_FAKE_PERF_EVENTS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/perf_event_calls.h"

namespace hftmon {

class FakePerfEvents final : public PerfEventCalls {
 public:
  struct Pmu {
    uint32_t type = PERF_TYPE_RAW;
    std::set<int> cpus;          // empty: all. A core PMU on some CPUs only: a hybrid processor
    size_t counters = 4;         // on each CPU
    std::set<uint64_t> missing;  // configs of PERF_TYPE_HARDWARE that it does not have
    bool core = true;            // counts PERF_TYPE_HARDWARE, HW_CACHE and RAW
  };
  struct Kernel {
    std::vector<int> cpus = {0, 1};
    std::vector<Pmu> pmus;  // none: a guest without
    int paranoid = 2;
    bool knows_paranoid_3 = false;  // Debian's
    bool perfmon = true;            // the caller's capabilities
    bool sys_admin = false;
    size_t descriptors_max = 1'024;
    bool tells_lost = true;             // 6.0
    bool inherits_threads_only = true;  // 5.13
    bool inherits = true;               // false: no event may be inherited, as sample reads were on older kernels
    size_t watchdog_counters = 0;       // held on each CPU by nobody here
    int64_t call_ns = 0;                // time that passes with each call: the caller is on CPU 0, the others are idle
  };
  static constexpr int kCpusPossible = 64;  // others are offline, or not there
  static constexpr int64_t kTickNs = 1'000'000;
  static constexpr pid_t kCaller = 1;
  static constexpr uint64_t kEventsPerUs = 1'000;  // each event happens so often where it counts; software events of a thread too

  explicit FakePerfEvents(Kernel kernel);
  ~FakePerfEvents() override;
  // A processor with one core PMU.
  static Kernel Host(size_t counters);

  // Threads. The caller's own is there.
  void AddThread(pid_t tid, pid_t pid, bool foreign = false);
  void Clone(pid_t parent, pid_t tid);  // a thread of the same process, which inherits
  void Fork(pid_t parent, pid_t tid);   // a process, which inherits
  void EndThread(pid_t tid);
  absl::StatusOr<std::vector<pid_t>> ThreadsOf(pid_t pid) const;

  // Time.
  void Run(pid_t tid, int cpu, int64_t duration_ns) { Pass(tid, cpu, duration_ns); }
  void Idle(int cpu, int64_t duration_ns) { Pass(std::nullopt, cpu, duration_ns); }

  // Hot-plug.
  void Offline(int cpu);
  void Online(int cpu) { online_.insert(cpu); }

  // What befalls all events of that config.
  void Throttle(uint64_t config, bool throttled);
  void LoseSamples(uint64_t config, uint64_t count);
  void SetCount(uint64_t config, uint64_t count);

  // The next opens end with these; 0 goes on as usual.
  void FailOpens(std::deque<int> errors) { open_errors_ = std::move(errors); }
  // Before each open.
  void BeforeOpen(std::function<void(const perf_event_attr&, pid_t tid)> hook) { before_open_ = std::move(hook); }
  // The bytes of each reading pass through it.
  void DamageReadings(std::function<void(std::vector<uint64_t>&)> damage) { damage_ = std::move(damage); }
  void FailReads(int error) { read_error_ = error; }

  size_t open_count() const { return events_.size(); }

  int Open(const perf_event_attr& attributes, pid_t tid, int cpu, int group, unsigned long flags) override;
  ssize_t Read(int descriptor, std::span<std::byte> to) override;
  int Control(int descriptor, unsigned long request, unsigned long argument) override;
  void Close(int descriptor) override;

 private:
  struct Event {
    int descriptor = -1;
    uint64_t id = 0;
    int leader = -1;  // its own descriptor when it leads
    perf_event_attr attributes = {};
    std::set<pid_t> threads;  // whose it counts: the one and its heirs; empty: the CPU's
    int cpu = -1;
    const Pmu* pmu = nullptr;  // software: none
    bool on = false;
    bool error = false;
    bool throttled = false;
    uint64_t value = 0;
    uint64_t enabled_ns = 0;
    uint64_t running_ns = 0;
    uint64_t lost = 0;
  };
  struct Thread {
    pid_t pid = 0;
    bool foreign = false;
  };

  Event* Find(int descriptor);
  std::vector<Event*> GroupOf(int leader);
  int Permit(const perf_event_attr& attributes, pid_t tid) const;
  int CheckFormat(const perf_event_attr& attributes) const;
  // The PMU (null: software), or an errno.
  int Choose(const perf_event_attr& attributes, int cpu, const Pmu** pmu) const;
  bool Fits(const Pmu* pmu, int leader);
  void Inherit(pid_t parent, pid_t tid, bool process);
  void Pass(std::optional<pid_t> tid, int cpu, int64_t duration_ns);
  void PassTick(std::optional<pid_t> tid, int cpu, int64_t tick_ns);
  bool IsHere(const Event& event, std::optional<pid_t> tid, int cpu) const;
  // Takes the group's counters from those that are free; false: not enough of them.
  static bool Place(const std::vector<Event*>& group, int cpu, std::map<const Pmu*, size_t>& free);
  std::map<const Pmu*, size_t> FreeCounters() const;
  void PassCall();

  const Kernel kernel_;
  std::set<int> online_;
  std::map<pid_t, Thread> threads_;
  std::list<Event> events_;  // in the order of opening
  int next_descriptor_ = 100;
  uint64_t next_id_ = 7'000;
  uint64_t tick_ = 0;
  std::deque<int> open_errors_;
  int read_error_ = 0;
  std::function<void(const perf_event_attr&, pid_t)> before_open_;
  std::function<void(std::vector<uint64_t>&)> damage_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_FAKE_PERF_EVENTS_H_
