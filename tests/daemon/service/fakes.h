// Fakes of the seams the service reads from. Each method is safe from any thread, as the seams demand.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKES_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKES_H_

#include <condition_variable>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/control/status_source.h"
#include "daemon/control/targets.h"
#include "daemon/control/thread_names.h"
#include "daemon/service/call_totals.h"
#include "daemon/service/fault_totals.h"
#include "daemon/service/hardware_totals.h"
#include "daemon/service/interrupt_affinities.h"
#include "daemon/service/interrupt_totals.h"
#include "daemon/service/kernel_lock_totals.h"
#include "daemon/service/network_totals.h"
#include "daemon/service/thread_totals.h"

namespace hftmon {

inline constexpr int64_t kNoFloorNs = std::numeric_limits<int64_t>::max();

// Counts leases that live; waits for a number of them without a sleep.
class LeaseCounter {
 public:
  void Change(int by) {
    std::lock_guard lock(mutex_);
    count_ += by;
    taken_ += by > 0 ? 1 : 0;
    changed_.notify_all();
  }
  int taken() {
    std::lock_guard lock(mutex_);
    return taken_;
  }
  int count() {
    std::lock_guard lock(mutex_);
    return count_;
  }
  // False when a minute passed: only a failing test waits that long.
  bool AwaitCount(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return count_ == count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
  int taken_ = 0;
};

class FakeTargets : public Targets {
 public:
  absl::StatusOr<AttachResult> Attach(const AttachWish& wish) override {
    std::lock_guard lock(mutex_);
    if (!next_error.ok()) return std::exchange(next_error, absl::OkStatus());
    if (wish.session_id != 0 && !sessions_.contains(wish.session_id)) return absl::FailedPreconditionError("no such session");
    AttachResult result;
    for (const int32_t pid : wish.pids) {
      result.targets.push_back(AddLocked(static_cast<uint32_t>(pid), wish.options));
      session_of_[static_cast<uint32_t>(pid)] = wish.session_id;
    }
    for (const RuleSelector& selector : wish.selectors) {
      rules_.push_back({.id = static_cast<uint32_t>(rules_.size() + 1), .selector = selector, .options = wish.options});
      rules_.back().visits.push_back({.cpu = 3, .comm = "kworker/3:1", .count = 5, .last_tid = 77, .last_pid = 77});
      result.rules.push_back(rules_.back());
    }
    return result;
  }
  absl::StatusOr<DetachResult> Detach(const DetachWish& wish) override {
    std::lock_guard lock(mutex_);
    DetachResult result;
    for (const auto& [pid, target] : targets_) {
      if (wish.all || std::find(wish.pids.begin(), wish.pids.end(), static_cast<int32_t>(pid)) != wish.pids.end())
        result.pids.push_back(static_cast<int32_t>(pid));
    }
    if (result.pids.empty() && !wish.all && wish.selectors.empty()) {
      return absl::NotFoundError("process is not a target: see `hftmon targets`");
    }
    for (const int32_t pid : result.pids) targets_.erase(static_cast<uint32_t>(pid));
    for (const RuleSelector& selector : wish.selectors) {
      const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const RuleInfo& known) { return known.selector == selector; });
      if (rule == rules_.end()) return absl::NotFoundError("no such rule");
      result.rules.push_back(*rule);
      rules_.erase(rule);
    }
    return result;
  }
  std::vector<RuleInfo> Rules() const override {
    std::lock_guard lock(mutex_);
    return rules_;
  }
  absl::StatusOr<uint64_t> OpenSession(const std::string& client) override {
    std::lock_guard lock(mutex_);
    if (!next_error.ok()) return std::exchange(next_error, absl::OkStatus());
    sessions_[++last_session_] = client;
    sessions_open.Change(+1);
    return last_session_;
  }
  void CloseSession(uint64_t session_id) override {
    std::lock_guard lock(mutex_);
    if (sessions_.erase(session_id) == 0) return;
    std::erase_if(targets_, [&](const auto& entry) {
      const auto session = session_of_.find(entry.first);
      return session != session_of_.end() && session->second == session_id;
    });
    sessions_open.Change(-1);
  }
  std::vector<TargetInfo> List() const override {
    std::lock_guard lock(mutex_);
    std::vector<TargetInfo> list;
    for (const auto& [pid, target] : targets_) list.push_back(target);
    return list;
  }
  absl::StatusOr<TargetInfo> Update(int32_t pid, const TargetUpdate& update) override {
    std::lock_guard lock(mutex_);
    const auto found = targets_.find(static_cast<uint32_t>(pid));
    if (found == targets_.end()) return absl::NotFoundError("process is not a target: see `hftmon targets`");
    TargetInfo& target = found->second;
    if (update.spike_threshold_ns) target.options.spike_threshold_ns = *update.spike_threshold_ns;
    if (update.blocked_threshold_ns) target.options.blocked_threshold_ns = *update.blocked_threshold_ns;
    if (update.sampling_interval_ns) target.options.sampling_interval_ns = *update.sampling_interval_ns;
    if (update.follow_children) target.options.follow_children = *update.follow_children;
    if (update.probe_groups) target.options.probe_groups = *update.probe_groups;
    if (update.cache) target.options.cache = *update.cache;
    if (update.counter_events) target.options.counter_events = *update.counter_events;
    if (update.counter_interval_ns) target.options.counter_interval_ns = *update.counter_interval_ns;
    if (update.state) target.state = *update.state;
    if (on_update) on_update();
    return target;
  }
  absl::StatusOr<std::unique_ptr<ThresholdLease>> LeaseThresholds(int64_t spike_ns, int64_t blocked_ns) override {
    std::lock_guard lock(mutex_);
    if (!next_lease_error.ok()) return std::exchange(next_lease_error, absl::OkStatus());
    leased_spike_ns = spike_ns;
    leased_blocked_ns = blocked_ns;
    return std::make_unique<Lease>(&leases);
  }
  Floors FloorsSince(int64_t since_mono_ns) const override {
    std::lock_guard lock(mutex_);
    if (since_mono_ns >= past_floors_end_ns) return floors;
    return {std::max(floors.run_queue_ns, past_floors.run_queue_ns), std::max(floors.off_cpu_ns, past_floors.off_cpu_ns)};
  }
  int64_t default_spike_threshold_ns() const override { return 50'000; }

  void Add(uint32_t pid, const TargetOptions& options = {}) {
    std::lock_guard lock(mutex_);
    AddLocked(pid, options);
  }
  void End(uint32_t pid, int64_t ended_mono_ns) {
    std::lock_guard lock(mutex_);
    targets_.at(pid).state = TargetState::kEnded;
    targets_.at(pid).ended_mono_ns = ended_mono_ns;
  }
  void Pause(uint32_t pid) {
    std::lock_guard lock(mutex_);
    targets_.at(pid).state = TargetState::kPaused;
  }
  void SetGroupSince(uint32_t pid, const std::string& group, int64_t mono_ns) {
    std::lock_guard lock(mutex_);
    targets_.at(pid).probes_since_mono_ns[group] = mono_ns;
  }
  void SetLevels(uint32_t pid, const PidLevels& levels) {
    std::lock_guard lock(mutex_);
    targets_.at(pid).pid_levels = levels;
  }
  void SetFloors(int64_t run_queue_ns, int64_t off_cpu_ns) {
    std::lock_guard lock(mutex_);
    floors = {run_queue_ns, off_cpu_ns};
  }

  // Those that were in force until `end_mono_ns`.
  void SetPastFloors(int64_t end_mono_ns, int64_t run_queue_ns, int64_t off_cpu_ns) {
    std::lock_guard lock(mutex_);
    past_floors_end_ns = end_mono_ns;
    past_floors = {run_queue_ns, off_cpu_ns};
  }

  LeaseCounter leases;
  LeaseCounter sessions_open;
  // Set before the server runs, or between calls.
  std::string comm;  // of targets attached from now on; empty: target and their pid
  absl::Status next_error;
  absl::Status next_lease_error;
  int64_t leased_spike_ns = -1;
  int64_t leased_blocked_ns = -1;
  int64_t sampling_interval_ns = 10'000'000;
  int64_t attached_mono_ns = 0;
  uint32_t parent_pid = 0;
  bool watched_from_birth = false;
  std::function<void()> on_update;  // what else an update does; set before the server is asked
  uint64_t unslotted_thread_count = 0;
  uint64_t unslotted_peak_count = 0;
  int64_t unslotted_mono_ns = 0;

 private:
  class Lease : public ThresholdLease {
   public:
    explicit Lease(LeaseCounter* counter) : counter_(counter) { counter_->Change(+1); }
    ~Lease() override { counter_->Change(-1); }

   private:
    LeaseCounter* counter_;
  };

  TargetInfo AddLocked(uint32_t pid, const TargetOptions& options) {
    TargetInfo target{.pid = pid,
                      .start_boottime_ns = 100,
                      .comm = comm.empty() ? "target" + std::to_string(pid) : comm,
                      .options = options,
                      .thread_count = 1,
                      .parent_pid = parent_pid,
                      .watched_from_birth = watched_from_birth,
                      .attached_mono_ns = attached_mono_ns,
                      .sampling_interval_ns = sampling_interval_ns,
                      .unslotted_thread_count = unslotted_thread_count,
                      .unslotted_peak_count = std::max(unslotted_thread_count, unslotted_peak_count),
                      .unslotted_mono_ns = unslotted_mono_ns};
    targets_[pid] = target;
    return target;
  }

  mutable std::mutex mutex_;
  std::map<uint32_t, TargetInfo> targets_;
  std::vector<RuleInfo> rules_;
  std::map<uint64_t, std::string> sessions_;
  std::map<uint32_t, uint64_t> session_of_;
  uint64_t last_session_ = 0;
  Floors floors{50'000, kNoFloorNs};
  Floors past_floors;
  int64_t past_floors_end_ns = 0;
};

class FakeStatus : public StatusSource {
 public:
  DaemonStatus Status() const override {
    DaemonStatus status;
    status.pid = 4242;
    status.uptime_ns = 1'000;
    status.cpu_time_ns = 250;
    status.version = "0.1.0";
    status.lost_records = 5;
    status.probes.push_back({.name = "sched_switch", .attach_point = "tp_btf/sched_switch", .run_count = 9, .mean_ns = 31.5});
    status.probes.push_back({.name = "fork", .attach_point = "tp_btf/sched_process_fork"});
    status.drops.push_back({.name = "ring_lost_records", .count = 5, .help = "lost", .data_loss = true});
    status.bounds.push_back({.name = "targets", .used = 1, .limit = 1024});
    status.loop.mode = "latency";
    status.loop.detection_histogram.assign(HFT_HISTOGRAM_BUCKETS, 0);
    status.loop.detection_histogram[20] = 100;
    status.loop.detection_max_ns = 4'000;
    status.clock.source = "tsc";
    status.clock.run_queue_clocks = {{.cpu = 2, .offset_ns = -500, .error_ns = 1'010, .rate_ppm = 12.5, .pair_count = 9}, {.cpu = 3}};
    status.clock.epochs = {{.pair = {.monotonic_ns = 1, .realtime_ns = 2, .error_ns = 3}}};
    status.clock.kernel_clock = {.available = true, .reason = "", .synchronised = true, .max_error_ns = 250'000};
    status.clock.ptp_clocks = {{.device = "/dev/ptp0", .name = "igc", .interfaces = {"enp1s0"}, .method = "precise", .offset_ns = -7},
                               {.device = "/dev/ptp1", .reason = "may not be opened"}};
    return status;
  }
  std::vector<Capability> Capabilities() const override {
    return {{.name = "bpf", .available = false, .reason = "no BTF", .mend = "boot a kernel with CONFIG_DEBUG_INFO_BTF", .required = true}};
  }
  TimePair Now() const override {
    std::lock_guard lock(mutex_);
    ++asked_;
    changed_.notify_all();
    return {.monotonic_ns = now_ns_, .realtime_ns = now_ns_ + 1'000'000, .error_ns = 20};
  }
  uint64_t lost_records() const override { return 5; }
  uint64_t LostBetween(int64_t begin, int64_t end) const override { return begin < lost_at_ns && lost_at_ns < end ? 7 : 0; }

  int64_t OffWithin(int64_t begin, int64_t end) const override {
    return std::max<int64_t>(0, std::min(end, off_end_ns) - std::max(begin, off_begin_ns));
  }

  std::vector<CpuTimeSpan> LossesWithin(int64_t /*begin*/, int64_t /*end*/) const override { return losses; }
  std::vector<TimeSpan> OffSpansWithin(int64_t /*begin*/, int64_t /*end*/) const override {
    if (off_begin_ns == off_end_ns) return {};
    return {{off_begin_ns, off_end_ns}};
  }

  void SetNow(int64_t now_ns) {
    std::lock_guard lock(mutex_);
    now_ns_ = now_ns;
  }
  int asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
  }
  // Waits until Now() was asked that often: the call under test has arrived.
  void AwaitAsked(int count) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_ >= count; });
  }

  int64_t lost_at_ns = -1;
  int64_t off_begin_ns = 0;
  int64_t off_end_ns = 0;
  std::vector<CpuTimeSpan> losses;  // set before the server asks

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  int64_t now_ns_ = 0;
  mutable int asked_ = 0;
};

class FakeNames : public ThreadNames {
 public:
  std::string NameOf(uint32_t tid) override { return tid == 0 ? "swapper" : "thread" + std::to_string(tid); }
  ThreadNumbers NumbersOf(uint32_t /*tgid*/, uint32_t tid) override {
    const auto found = numbers.find(tid);
    return found == numbers.end() ? ThreadNumbers{} : found->second;
  }
  std::map<uint32_t, ThreadNumbers> numbers;  // by tid; set before the server is asked
};

class FakeTotals : public ThreadTotals {
 public:
  std::optional<ThreadTotal> Find(const ThreadKey& thread) const override {
    for (const ThreadTotal& total : totals) {
      if (total.thread == thread) return total;
    }
    return std::nullopt;
  }
  std::vector<ThreadTotal> AllOf(uint32_t tgid) const override {
    std::vector<ThreadTotal> all;
    for (const ThreadTotal& total : totals) {
      if (total.thread.tgid == tgid) all.push_back(total);
    }
    return all;
  }
  std::vector<ThreadTotal> totals;  // set before the server runs
};

class FakeCallTotals : public CallTotals {
 public:
  std::vector<ThreadCallTotal> ThreadsOf(uint32_t tgid) const override {
    std::vector<ThreadCallTotal> found;
    for (const ThreadCallTotal& total : threads) {
      if (total.thread.tgid == tgid) found.push_back(total);
    }
    return found;
  }

  // Set before the server asks.
  std::vector<ThreadCallTotal> threads;
};

class FakeNetworkTotals : public NetworkTotals {
 public:
  NetworkTotal Read() const override { return total; }
  // Whatever is asked for: the answer leaves out what is not.
  HostNetwork ReadHost(const std::string&) const override { return host; }
  std::vector<ThreadNetworkTotal> ThreadsOf(uint32_t tgid) const override {
    std::vector<ThreadNetworkTotal> found;
    std::copy_if(threads.begin(), threads.end(), std::back_inserter(found),
                 [tgid](const ThreadNetworkTotal& one) { return one.thread.tgid == tgid; });
    return found;
  }

  // Set before the server asks.
  NetworkTotal total;
  HostNetwork host;
  std::vector<ThreadNetworkTotal> threads;
};

// A stack of one frame, named after its number.
class FakeSenderStacks : public SenderStacks {
 public:
  void Prepare() override {}
  StackPart Find(int32_t stack) override {
    StackFrame frame{.address = 1, .symbol = "stack_" + std::to_string(stack), .module = "[kernel]"};
    return {StackState::kComplete, "", {std::move(frame)}};
  }
};

class FakeFaultTotals : public FaultTotals {
 public:
  std::vector<ThreadFaultTotal> ThreadsOf(uint32_t tgid) const override {
    std::vector<ThreadFaultTotal> found;
    std::copy_if(threads.begin(), threads.end(), std::back_inserter(found),
                 [tgid](const ThreadFaultTotal& total) { return total.thread.tgid == tgid; });
    return found;
  }
  std::optional<CollapseTotal> CollapsesOf(uint32_t tgid) const override {
    const auto found = collapses.find(tgid);
    return found == collapses.end() ? std::nullopt : std::optional<CollapseTotal>(found->second);
  }
  std::vector<std::pair<std::string, std::string>> Missing() const override { return missing; }

  // Set before the server asks.
  std::vector<ThreadFaultTotal> threads;
  std::map<uint32_t, CollapseTotal> collapses;  // by process
  std::vector<std::pair<std::string, std::string>> missing;
};

class FakeKernelLockTotals : public KernelLockTotals {
 public:
  std::vector<ThreadKernelLockTotal> ThreadsOf(uint32_t tgid) const override {
    std::vector<ThreadKernelLockTotal> found;
    std::copy_if(threads.begin(), threads.end(), std::back_inserter(found),
                 [tgid](const ThreadKernelLockTotal& total) { return total.thread.tgid == tgid; });
    return found;
  }

  // Set before the server asks.
  std::vector<ThreadKernelLockTotal> threads;
};

class FakeHardwareTotals : public HardwareTotals {
 public:
  std::vector<HardwareSource> Sources() const override { return sources; }
  std::vector<int> OnlineCpus() const override { return online; }
  int possible_cpu_count() const override { return 4; }
  CpuHardwareTotal Read(int cpu) const override {
    const auto found = totals.find(cpu);
    return found == totals.end() ? CpuHardwareTotal{.cpu = cpu} : found->second;
  }
  bool collecting() const override { return is_collecting; }
  uint64_t attach_cross_calls() const override { return 8; }
  ModelRegisterReadings ReadRegisters(int cpu) const override {
    registers_read.push_back(cpu);
    return registers;
  }
  std::optional<HardwareEvidence> EvidenceOf(const Spike&) const override { return evidence; }

  // Set before the server asks.
  std::vector<HardwareSource> sources;
  std::vector<int> online;
  std::map<int, CpuHardwareTotal> totals;
  bool is_collecting = false;
  ModelRegisterReadings registers;
  std::optional<HardwareEvidence> evidence;
  mutable std::vector<int> registers_read;  // of which CPUs, by one call at a time
};

class FakeInterruptAffinities : public InterruptAffinities {
 public:
  absl::StatusOr<InterruptAffinityReport> Read(std::span<const ThreadKey> threads) const override {
    std::lock_guard lock(mutex_);
    asked_.assign(threads.begin(), threads.end());
    return report;
  }
  std::vector<ThreadKey> asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
  }

  absl::StatusOr<InterruptAffinityReport> report = InterruptAffinityReport{};  // set before the server asks

 private:
  mutable std::mutex mutex_;
  mutable std::vector<ThreadKey> asked_;
};

class FakeInterruptTotals : public InterruptTotals {
 public:
  std::vector<ThreadInterruptTotal> ThreadsOf(uint32_t tgid) const override {
    std::vector<ThreadInterruptTotal> found;
    for (const ThreadInterruptTotal& total : threads) {
      if (total.thread.tgid == tgid) found.push_back(total);
    }
    return found;
  }
  std::vector<CpuInterruptTotal> Cpus() const override { return cpus; }

  // Set before the server asks.
  std::vector<ThreadInterruptTotal> threads;
  std::vector<CpuInterruptTotal> cpus;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKES_H_
