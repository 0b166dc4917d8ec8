// TargetRegistry: which processes are watched, with which options, and what becomes of them while they fork, exec and end.
//
// The kernel's programs follow a target's threads and children by themselves (fork hook); the registry learns of it from life events, a few
// milliseconds late, and makes its books agree: child processes become targets, ended threads' slots go back to the stack, ended targets
// are remembered. Where events were lost, Resync() rebuilds the books from the slots and the task source.
//
// Threads: any, but never the housekeeping thread; one mutex. Pump, Maintain and Resync are the control thread's. An attach holds the mutex
// for a few enumerations of the host's threads (about 0.4 us a thread each). Bounds: `targets_max` live targets, the slots' number of
// threads, kEndedMax ended targets, kPidsMax ids and kSelectorsMax rules a call, HoldingLimits for what clients hold.
//
// A target is held by parts (target_parts.h): a client's, through its process id or through a rule, or inherited from its parent. Its
// options are the union of its parts; with the last part it is let go. A rule (target_rules.cc) adds parts to the processes that it finds,
// at their exec, at a visit to one of its CPUs, and in a look at all processes every kLookIntervalNs. Pausing: the bit is cleared, threads
// keep their slots. Resuming gives every thread a new slot, whose base is what the kernel counts at that moment: nothing that was counted
// while paused can appear as a difference of a window.
#ifndef HFTMON_DAEMON_CONTROL_TARGET_REGISTRY_H_
#define HFTMON_DAEMON_CONTROL_TARGET_REGISTRY_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "common/monotonic_clock.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/collectors/slot_stack.h"
#include "daemon/collectors/task_source.h"
#include "daemon/control/holding_limits.h"
#include "daemon/control/process_facts.h"
#include "daemon/control/process_watcher.h"
#include "daemon/control/program_demand.h"
#include "daemon/control/rule_table.h"
#include "daemon/control/target_options.h"
#include "daemon/control/target_parts.h"
#include "daemon/control/targets.h"
#include "daemon/control/threshold_arbiter.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

class RuleCandidate;

class TargetRegistry : public Targets {
 public:
  static constexpr size_t kPidsMax = 64;
  static constexpr size_t kSelectorsMax = 16;  // in a call
  static constexpr size_t kEndedMax = 256;
  static constexpr int64_t kCheckIntervalNs = 1'000'000'000;  // between looks at a target that may end without an event
  static constexpr int kChecksPerCall = 4;                    // looks in one Maintain(): each enumerates the host's threads

  static constexpr int64_t kLookIntervalNs = 2'000'000'000;  // between looks at all processes, while there are rules
  static constexpr size_t kVisitorLooksPerCall = 4;          // visitors of CPUs between two Maintain(): some enumerations each
  static constexpr size_t kDeferredVisitorsMax = 64;         // that wait for one of the next Maintain(); more are refused
  static constexpr size_t kLooksPerCall = 64;  // processes in one Maintain(): a file of /proc each where cgroups are asked for

  struct Config {
    uint32_t own_pid = 0;  // the daemon's process: refused as a target
    uint32_t targets_max = 1024;
    TargetDefaults defaults;
    const ProcessFacts* facts = nullptr;  // outlives the registry; without it no process is in any cgroup
    // Outlives the registry; who slept before it was watched is noted there.
    EarlierSleeps* earlier_sleeps = nullptr;
    // Called with whether any running target asks for stacks, at each change of the targets; with the mutex held. May be empty.
    std::function<void(bool)> on_stacks_wanted;
    // Called before a target is watched that asks for programs on demand, and with what all running ones ask for, at each change of the
    // targets; with the mutex held. An error refuses the attachment. Both may be empty.
    std::function<absl::Status(const ProgramDemand&)> attach_demanded;
    std::function<void(const ProgramDemand&)> on_demand;
  };

  // What happened; all since start unless said otherwise.
  struct Counters {
    int64_t target_count = 0;         // now, running or paused
    int64_t ended_target_count = 0;   // now, remembered
    int64_t slot_count = 0;           // now, of living threads
    int64_t retiring_slot_count = 0;  // now, in their grace time
    int64_t slot_limit = 0;
    int64_t lease_count = 0;              // now
    int64_t target_limit = 0;             // now
    int64_t lease_limit = 0;              // now
    int64_t session_count = 0;            // now
    int64_t session_limit = 0;            // now
    int64_t rule_count = 0;               // now
    int64_t rule_limit = 0;               // now
    int64_t holder_count = 0;             // now, of the target or rule that has most
    int64_t holder_limit = 0;             // now
    uint64_t refused_child_count = 0;     // children not followed because targets_max was reached
    uint64_t forgotten_target_count = 0;  // ended targets beyond kEndedMax
    uint64_t stray_slot_count = 0;        // second slots of one thread, taken back
    uint64_t orphan_slot_count = 0;       // slots of threads that ended without an event
    uint64_t recycled_pid_count = 0;      // pids of dead targets given to processes that are none
    uint64_t resync_count = 0;
    uint64_t slot_push_failure_count = 0;
  };

  // What is pointed to outlives the registry, the view's memory too. `observer` follows the thresholds, see ThresholdArbiter.
  TargetRegistry(const KernelView& view, TaskSource* tasks, SlotStack* stack, const MonotonicClock* clock, const Config& config,
                 ThresholdObserver observer);
  ~TargetRegistry() override;

  absl::StatusOr<AttachResult> Attach(const AttachWish& wish) override;
  absl::StatusOr<DetachResult> Detach(const DetachWish& wish) override;
  std::vector<TargetInfo> List() const override;
  // The same where nobody holds the lock, as an attachment does while programs are attached: for who must not wait.
  std::optional<std::vector<TargetInfo>> TryList() const;
  std::vector<RuleInfo> Rules() const override;
  absl::StatusOr<uint64_t> OpenSession(const std::string& client) override;
  void CloseSession(uint64_t session_id) override;
  absl::StatusOr<TargetInfo> Update(int32_t pid, const TargetUpdate& update) override;
  absl::StatusOr<std::unique_ptr<ThresholdLease>> LeaseThresholds(int64_t spike_threshold_ns, int64_t blocked_threshold_ns) override;
  Floors FloorsSince(int64_t since_mono_ns) const override;
  int64_t default_spike_threshold_ns() const override;

  // What the configuration may change while targets are watched. A target that left an option to the default follows it; what is above a
  // lower limit stays. Any thread.
  void SetDefaults(const TargetDefaults& defaults);
  void SetLimits(uint32_t targets_max, int64_t leases_max);
  void SetHoldingLimits(const HoldingLimits& limits);

  // One life event, in the order of time.
  void Pump(const LifeEvent& event);
  // Every few milliseconds: slots whose grace time is over, suspects, paused targets that ended, visitors that wait, and the look for
  // processes of rules.
  void Maintain();
  // After life events were dropped and the rest was pumped. Reads every slot: milliseconds, and the slots' memory becomes resident.
  void Resync();

  // Around a time in which the programs were off (target_off.cc), by CollectionSwitch: before it; at its end, while they do not run yet;
  // when they run again. Each enumerates the host's threads once; an error of the task source leaves everything as it was.
  absl::Status BeginOff();
  absl::Status ForgetBeforeOn();
  void CatchUpAfterOn();

  Counters counters() const;
  ThresholdSettings thresholds() const { return thresholds_->settings(); }
  // See ThresholdArbiter.
  void SetStallThreshold(int64_t threshold_ns) { thresholds_->SetStallThreshold(threshold_ns); }
  int64_t StallFloorSince(int64_t since_mono_ns) const { return thresholds_->StallFloorSince(since_mono_ns); }

 private:
  struct Target {
    TargetInfo info;      // options resolved; thread_count and sampling_interval_ns are filled in when it is asked for
    TargetParts parts;    // never empty between calls
    bool ending = false;  // the kernel said that no thread is alive: ends with its last slot
    bool verify = false;  // events were lost: every slot of it is in doubt
    int64_t next_check_mono_ns = 0;
  };
  using TargetMap = std::map<uint32_t, Target>;  // by pid; running or paused
  struct EndedTarget {
    TargetInfo info;
    TargetParts parts;  // what its children inherit whose births are pumped later
  };

  // A process that was seen on a CPU of a rule.
  struct Visitor {
    uint32_t tgid = 0;
    int cpu = 0;
    bool operator==(const Visitor&) const = default;
  };

  // Attach and its parts (target_registry.cc).
  absl::StatusOr<std::vector<ProcessInfo>> FindProcesses(std::span<const int32_t> pids) const;
  absl::StatusOr<ProcessInfo> FindProcess(int32_t pid) const;
  absl::Status WithWhatProcShows(const absl::Status& status, uint32_t pid) const;
  absl::Status AttachDemanded(const ProgramDemand& demand) const;
  absl::Status CheckRoom(const std::vector<ProcessInfo>& processes) const;
  absl::Status StartWatching(const std::vector<ProcessInfo>& processes, int64_t now_ns);
  absl::Status AttachPids(const AttachWish& wish, int64_t now_ns);
  absl::Status CheckHolders(const AttachWish& wish) const;
  absl::Status CheckCounters(const TargetOptions& options, uint32_t instead_of_pid = 0) const;
  absl::Status CheckCounterUpdate(const Target& target, const TargetUpdate& update, const TargetOptions& updated) const;
  void WithoutCountersOf(uint32_t pid) const;
  Target& Enlist(const ProcessInfo& process, const TargetParts& parts, int64_t now_ns);
  void FollowChildrenNow(const TargetOptions& options);
  bool IsCurrent(const ProcessInfo& process) const;
  absl::Status SetState(TargetMap::iterator target, TargetState state, int64_t now_ns);
  void ApplySettings();
  std::vector<TargetInfo> ListLocked() const;  // mutex_ held
  TargetInfo Describe(const Target& target) const;
  static ProcessInfo ProcessOf(const TargetInfo& info);

  // Parts and sessions (target_sessions.cc).
  absl::Status CheckSession(uint64_t session_id) const;
  absl::Status CheckDetach(const DetachWish& wish) const;
  absl::Status CheckDetachedPid(const DetachWish& wish, uint32_t pid) const;
  bool IsEnded(uint32_t pid) const;
  template <typename Predicate>
  void EraseParts(Predicate leaves);
  // Targets and rules that nobody holds are let go, and the options of the others follow their parts.
  DetachResult Sweep(int64_t now_ns);
  std::vector<HolderInfo> HoldersOf(const TargetParts& parts) const;
  size_t HoldersMost() const;
  std::vector<int> SpikeCpusOf(const TargetParts& parts) const;

  // Rules (target_rules.cc).
  void AttachRules(const AttachWish& wish, int64_t now_ns);
  RuleInfo DescribeRule(const TargetRule& rule) const;
  static TargetParts PartsOf(const TargetRule& rule);
  bool IsHeldBy(const TargetRule& rule, uint32_t pid) const;
  void Consider(RuleCandidate* candidate, int64_t now_ns);
  bool HasRoomFor(const TargetParts& parts, uint32_t pid) const;
  void JoinRule(TargetRule* rule, const ProcessInfo& process, int64_t now_ns);
  void LeaveRule(const TargetRule& rule, uint32_t pid, int64_t now_ns);
  void OnExecOfStranger(const LifeEvent& event, int64_t now_ns);
  void OnVisitor(const LifeEvent& event, int64_t now_ns);
  void JoinCpuRules(uint32_t tgid, int cpu, size_t* looks_left, int64_t now_ns);
  bool DeferVisitor(const Visitor& visitor);
  void JoinDeferredVisitors(int64_t now_ns);
  void LookAtRunning(int64_t now_ns);
  void LookForProcesses(int64_t now_ns);

  // Life (target_life.cc).
  void OnFork(const LifeEvent& event, int64_t now_ns);
  void OnNewThread(const LifeEvent& event, int64_t now_ns);
  void OnNewProcess(const LifeEvent& event, int64_t now_ns);
  void OnExec(const LifeEvent& event, int64_t now_ns);
  void OnEnded(const LifeEvent& event, int64_t now_ns);
  void OnRecycled(const LifeEvent& event, int64_t now_ns);
  void NoteSlot(Target* target, const LifeEvent& event, int64_t now_ns);
  void ReleaseSlot(const LifeEvent& event, int64_t now_ns);
  void WatchAgain(Target* target, int64_t now_ns);
  void WatchMissing(Target* target, int64_t now_ns);
  static void NoteUnslotted(TargetInfo* info, uint64_t thread_count, int64_t now_ns);
  TargetParts InheritedParts(uint32_t parent_tgid) const;
  bool FollowChild(const ProcessInfo& child, int64_t mono_ns);
  void JoinParents(Target* target, uint32_t parent_tgid);
  void End(TargetMap::iterator target, int64_t now_ns);
  bool EndIfGone(uint32_t tgid, int64_t now_ns);
  void CheckTargets(int64_t now_ns);
  void CheckTarget(Target* target, int64_t now_ns);
  // Resync's parts (target_resync.cc).
  void ReconcileSlot(uint16_t slot, int64_t now_ns);
  void ReconcileBits(int64_t now_ns);
  bool AdoptLostChildren(std::vector<uint32_t>* unexplained, int64_t now_ns);
  // Off and on (target_off.cc).
  void CatchUpWith(const std::vector<TaskInfo>& threads, int64_t now_ns);
  bool AdoptBornWhileOff(const std::map<uint32_t, std::vector<TaskInfo>>& threads_of, int64_t now_ns);

  const MonotonicClock* const clock_;
  hft_controls* const controls_;
  TaskSource* const tasks_;
  const std::shared_ptr<ThresholdArbiter> thresholds_;

  mutable std::mutex mutex_;
  Config config_;
  ProcessWatcher watcher_;
  TargetMap targets_;
  std::deque<EndedTarget> ended_;  // oldest first
  HoldingLimits limits_;
  RuleTable rules_;
  std::map<uint64_t, std::string> sessions_;  // the client's name, by id
  uint64_t next_session_id_ = 1;
  std::vector<TaskInfo> to_look_at_;  // the rest of a look at all processes
  int64_t next_look_mono_ns_ = 0;
  size_t cgroup_reads_left_ = kLooksPerCall;  // for execs, until the next Maintain()
  size_t visitor_looks_left_ = kVisitorLooksPerCall;
  std::deque<Visitor> deferred_visitors_;  // each once
  Counters counters_;                      // the cumulative ones
  bool off_ = false;                       // the programs are off: nothing tells of ends
  int64_t youngest_before_off_ns_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_TARGET_REGISTRY_H_
