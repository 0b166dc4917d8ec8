// CounterPrograms: the programs of what threads count (daemon/bpf/counters.bpf.h), attached on demand, and the events that they read: a
// group for each CPU that is online, the same for all who ask.
//
// The set of events is the union of what is asked for. When it changes, every CPU's group is closed and opened anew, and what threads have
// counted begins anew under the next number; who asks for less changes nothing for the others: the set is as small as what is wanted when
// it changes the next time, and goes some turns of Settle() after the last one who asks. Opening and closing interrupts the CPU for each
// event, ReadNow once, and of a processor with cores of several kinds so does trying how many events fit: cross_call_count() has the sum,
// and the most that what was refused may have sent. CPUs that come later get their group at the next FollowCpus, one that refused it when
// it was offline or the set changes; the kernel forgets the events of a CPU that goes offline, be it for a moment, and the programs tell
// that they stand still. In quiet mode a set does not change and nothing is read from elsewhere: what would do so is refused. Owner: the
// collector, which outlives it. Threads: LeaveOut before the load; FollowCpus and Settle by one thread; the rest any, one mutex inside,
// held for as long as events are opened, but not by set().
#ifndef HFTMON_DAEMON_COLLECTORS_COUNTER_PROGRAMS_H_
#define HFTMON_DAEMON_COLLECTORS_COUNTER_PROGRAMS_H_

#include <linux/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/bpf/counter_events.h"
#include "daemon/bpf/switch_events.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/pmu/counter_choice.h"
#include "daemon/pmu/counter_group.h"
#include "daemon/pmu/counter_wish.h"

namespace hftmon {

class CounterPrograms {
 public:
  static constexpr int kPatienceTurns = 4;  // of Settle, before nothing is counted any more
  static constexpr int kRetryTurns = 40;    // of Settle, before what was refused is tried again: it disturbs CPUs
  static constexpr int64_t kIntervalDefaultNs = 1'000'000;

  // What is attached, as long as it lives.
  using Attachment = std::shared_ptr<void>;

  struct Parts {
    std::function<absl::Status(const std::string& what)> admit;  // quiet mode's word
    std::function<absl::StatusOr<std::vector<int>>()> online;    // CPUs
    // ChooseHostCounters: what it has interrupted CPUs for is told, whatever the outcome.
    std::function<absl::StatusOr<CounterChoice>(const CounterWish& wish, uint64_t* cross_call_count)> choose;
    PerfEventCalls* calls = nullptr;
    std::function<PerfEventRefusalFacts()> facts;  // of now
    // Gives the programs the event at that place of their table, which keeps it; the descriptor stays the caller's. -1: takes it away.
    std::function<absl::Status(uint32_t place, int event_fd)> put_event;
    std::function<absl::StatusOr<Attachment>(const std::string& program)> attach;
    std::function<std::span<hft_cpu_counters>()> cpus;  // what the programs write
    std::function<hft_counter_control*()> control;
  };
  explicit CounterPrograms(Parts parts);

  static std::span<const std::string_view> ProgramNames();
  // Before the load: the ticks' program, where this kernel has no such tracepoint. Threads are then read at their switches alone.
  void LeaveOut(std::string_view program) { left_out_.emplace_back(program); }

  // From here on this is wanted beside what is wanted already, and when it returns OK it is counted. Errors as ChooseCounters, and
  // FAILED_PRECONDITION with the reason QUIET; what was counted before is then counted on.
  absl::Status Attach(const CounterWish& wish);
  // All that is wanted, of all who ask.
  void Want(const CounterWish& wish);
  // What the wishes ask for, as far as quiet mode lets it; at regular times.
  void Settle();
  // While they are attached, at regular times: see above. Not in quiet mode.
  void FollowCpus();

  struct Set {
    uint32_t number = 0;  // grows with each change; 0: none was ever counted
    CounterChoice choice;
    int64_t interval_ns = 0;
    int64_t since_mono_ns = 0;                // every CPU that is not refused counts
    std::map<int, std::string> refused_cpus;  // that count nothing, with the reason
  };
  // The one in force, or the last one.
  Set set() const;
  bool attached() const { return attached_.load(std::memory_order_relaxed); }
  // Interrupts that trying, opening, closing and reading have sent to CPUs so far, beside those of attaching programs.
  uint64_t cross_call_count() const { return cross_call_count_.load(std::memory_order_relaxed); }

  // What that CPU's events say now, in the places of the set; 0 where the CPU does not count one. UNAVAILABLE: the CPU counts nothing.
  // FAILED_PRECONDITION with the reason QUIET.
  absl::StatusOr<hft_counter_values> ReadNow(int cpu);

  static bool IsOne(std::string_view program);
  // Of the program of that name, summed over CPUs; 0 when it is none of these.
  static uint64_t RunCount(std::string_view program, std::span<const hft_cpu> cpus);

 private:
  // The events of a CPU.
  struct CpuGroup {
    CounterGroup group;
    std::vector<size_t> places;  // of the set
    uint64_t failed_count = 0;   // of the CPU's readings, when it was opened
  };

  absl::Status Change(const CounterWish& wish);
  absl::Status OpenAll(std::span<const int> online);
  void OpenMissing(std::span<const int> online);
  absl::StatusOr<CpuGroup> OpenGroup(int cpu);
  absl::Status Publish(int cpu, const CpuGroup& group);
  void Close(int cpu, CpuGroup* group);
  void CloseAll();
  absl::Status AttachPrograms();
  void Detach();
  void PutInterval();
  void Tell();
  void AddCrossCalls(uint64_t count) { cross_call_count_.fetch_add(count, std::memory_order_relaxed); }

  const Parts parts_;
  std::vector<std::string> left_out_;
  std::mutex mutex_;
  mutable std::mutex told_mutex_;  // after mutex_
  Set told_;                       // a copy of set_, for who asks
  CounterWish wanted_;
  CounterWish counted_;  // what set_ was chosen for
  Set set_;
  uint32_t last_number_ = 0;
  uint32_t last_epoch_ = 0;
  std::vector<Attachment> programs_;
  std::map<int, CpuGroup> groups_;  // by CPU
  int idle_turns_ = 0;
  int paused_turns_ = 0;
  std::atomic<bool> attached_{false};
  std::atomic<uint64_t> cross_call_count_{0};  // relaxed: a count
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_COUNTER_PROGRAMS_H_
