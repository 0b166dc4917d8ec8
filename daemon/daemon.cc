#include "daemon/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <optional>

#include "daemon/os/memory_lock.h"
#include "daemon/os/open_files.h"
#include "daemon/os/privileges.h"
#include "daemon/os/process_threads.h"
#include "daemon/os/runtime_directory.h"
#include "daemon/os/thread_placement.h"
#include "daemon/os/tsc.h"
#include "daemon/os/unix_socket_lock.h"

namespace hftmon {
namespace {

constexpr int64_t kCalibrationIntervalNs = 100'000'000;
constexpr int64_t kCostMeasurementNs = 50'000'000;
constexpr int64_t kModeReconsideredNs = 5'000'000'000;
// Of the control thread in economy mode: what became of threads and targets is known that much later.
constexpr int64_t kEconomyPeriodNs = 50'000'000;
constexpr size_t kSlotsLookedAtMax = 4096;
constexpr int64_t kShutdownPatienceNs = 1'000'000'000;
constexpr std::string_view kUnixPrefix = "unix:";

absl::StatusOr<uint32_t> ReadPidBound(const FileRoot& files) {
  constexpr char kPath[] = "/proc/sys/kernel/pid_max";
  absl::StatusOr<std::string> text = files.ReadFile(kPath);
  if (!text.ok()) return text.status();
  uint32_t bound = 0;
  if (std::from_chars(text->data(), text->data() + text->size(), bound).ec != std::errc()) {
    return absl::InternalError(fmt::format("{}: '{}' is no number", kPath, *text));
  }
  return std::min(bound, HFT_PID_LIMIT);
}

KernelAccess AccessOf(const Config& config) {
  if (config.kernel_access == "btf") return KernelAccess::kBtf;
  return config.kernel_access == "raw" ? KernelAccess::kRaw : KernelAccess::kAuto;
}

TargetDefaults DefaultsOf(const Config& config) {
  return {.spike_threshold_ns = config.spike_threshold_ns, .sampling_interval_ns = config.sampling_interval_ns};
}

HoldingLimits HoldingLimitsOf(const Config& config) {
  return {.sessions_max = static_cast<size_t>(config.limits.sessions_max),
          .rules_max = static_cast<size_t>(config.limits.rules_max),
          .target_holders_max = static_cast<size_t>(config.limits.target_holders_max)};
}

TimePair ReadTimePair(const RawClocks& clocks) {
  const ClockPair pair = ReadClockPair(clocks);
  return {pair.monotonic_ns, pair.realtime_ns, pair.error_ns};
}

}  // namespace

absl::Status Daemon::CheckAddresses() const {
  // The server will lock the sockets; looking now keeps a second daemon from loading anything into the kernel.
  for (const std::string& address : config_.listen) {
    if (!address.starts_with(kUnixPrefix)) continue;
    if (address == kDefaultListenAddress) {
      if (absl::Status made = MakeRuntimeDirectory(kRuntimeDirectory); !made.ok()) return made;
    }
    absl::StatusOr<std::unique_ptr<UnixSocketLock>> lock = UnixSocketLock::Acquire(address.substr(kUnixPrefix.size()));
    if (!lock.ok()) return lock.status();
  }
  return absl::OkStatus();
}

absl::Status Daemon::LoadPrograms() {
  absl::StatusOr<uint32_t> pid_bound = ReadPidBound(files_);
  if (!pid_bound.ok()) return pid_bound.status();
  SwitchCollector::Options options;
  options.threads_max = static_cast<uint32_t>(config_.threads_max);
  options.rings_bytes_total = static_cast<uint64_t>(config_.rings_bytes);
  options.pid_bound = *pid_bound;
  options.btf_path = config_.btf_path;
  options.access = AccessOf(config_);
  options.gate = &quiet_gate_;
  if (access(config_.btf_path.c_str(), R_OK) == 0) {
    absl::StatusOr<std::unique_ptr<TaskIterator>> tasks = TaskIterator::Create(&quiet_gate_);
    if (!tasks.ok()) return tasks.status();
    tasks_ = *std::move(tasks);
    absl::StatusOr<uint32_t> register_offset = tasks_->RegisterOffset();
    if (!register_offset.ok()) return register_offset.status();
    options.register_offset = *register_offset;
  }
  absl::StatusOr<std::unique_ptr<SwitchCollector>> collector = SwitchCollector::Create(options);
  if (!collector.ok()) return collector.status();
  collector_ = *std::move(collector);
  return absl::OkStatus();
}

absl::Status Daemon::PlaceThreads() {
  SystemSchedulingCalls calls;
  absl::StatusOr<std::vector<int>> allowed = CurrentAffinity(calls);
  if (!allowed.ok()) return allowed.status();
  const std::optional<int> asked = config_.cpu < 0 ? std::nullopt : std::optional<int>(static_cast<int>(config_.cpu));
  absl::StatusOr<Placement> placement = ChoosePlacement(files_, *allowed, asked);
  if (!placement.ok()) return placement.status();
  CpuFollower::Parts parts;
  parts.files = files_;
  parts.choose = [this, allowed = *std::move(allowed), asked] {
    absl::StatusOr<Placement> again = ChoosePlacement(files_, allowed, asked);
    // The CPU that was asked for is offline: any that is fit rather than where the kernel put the loop.
    return again.ok() || !asked ? again : ChoosePlacement(files_, allowed, std::nullopt);
  };
  parts.loop_is_on = [this](int cpu) { return loop_thread_->IsOn(cpu); };
  parts.move_all = [this](const Placement& to) {
    absl::Status moved = modes_->SetCpus(to.usable_cpus, to.loop_cpu);
    return moved.ok() ? loop_thread_->MoveTo(to.loop_cpu) : moved;
  };
  cpus_ = std::make_unique<CpuFollower>(std::move(parts), *std::move(placement));
  BuildModes();
  // Every thread made from here on inherits it, gRPC's too; the loop pins itself.
  return SetCurrentAffinity(modes_->other_cpus(), calls);
}

void Daemon::BuildModes() {
  loop_thread_ = std::make_unique<LoopThread>();
  ModeController::Parts parts;
  parts.usable_cpus = cpus_->placement().usable_cpus;
  parts.loop_cpu = cpus_->placement().loop_cpu;
  parts.facts = [this] {
    HostFacts facts = cpus_->placement().facts;
    facts.watched_pinned_here = IsWatchedThreadPinnedToLoop();
    return facts;
  };
  parts.fifo_unthrottled = [this] {
    const absl::StatusOr<std::string> runtime = files_.ReadFile("/proc/sys/kernel/sched_rt_runtime_us");
    return runtime.ok() && Trim(*runtime) == "-1";
  };
  parts.set_policy = [this](const PollPolicy* policy) { ApplyPolicy(policy); };
  parts.reschedule_loop = [this](const std::string& scheduling) { loop_thread_->Reschedule(scheduling, config_.nice); };
  parts.move_other_threads = [this](const std::vector<int>& cpus) { return MoveThreads(files_, cpus, loop_thread_->tid()); };
  modes_ = std::make_unique<ModeController>(std::move(parts), config_.mode, config_.scheduling);
}

void Daemon::ApplyPolicy(const PollPolicy* policy) {
  loop_->SetPolicy(policy);
  if (MonitorServer* server = serving_.load(std::memory_order_acquire)) server->SetNotifyIntervals(policy->sleep_ns, policy->sleep_max_ns);
  if (control_) control_->SetPeriodNs(policy == &kEconomyPolicy ? kEconomyPeriodNs : ControlLoop::kPeriodNs);
}

bool Daemon::IsWatchedThreadPinnedToLoop() const {
  if (!collector_ || !loop_) return false;
  const std::span<hft_thread_slot> slots = collector_->view().slots;
  const int loop_cpu = cpus_->placement().loop_cpu;
  const size_t end = std::min<size_t>({slots.size(), size_t{loop_->sampler().high_water()} + 1, kSlotsLookedAtMax});
  for (size_t slot = 1; slot < end; ++slot) {
    if (std::atomic_ref<__u32>(slots[slot].state).load(std::memory_order_relaxed) != HFT_SLOT_LIVE) continue;
    const auto tid = static_cast<pid_t>(std::atomic_ref<__u32>(slots[slot].tid).load(std::memory_order_relaxed));
    if (IsPinnedTo(tid, loop_cpu)) return true;
  }
  return false;
}

void Daemon::BuildStore() {
  spikes_ = std::make_unique<SpikeHistory>(static_cast<uint64_t>(config_.spike_history), config_.threads_max + 1);
  switch_events_ = std::make_unique<SeqRing<SwitchEvent>>(static_cast<uint64_t>(config_.switch_history));
  WindowStore::Options store_options;
  store_options.slot_count = static_cast<uint32_t>(config_.threads_max) + 1;
  store_options.run_id = static_cast<uint64_t>(ReadClockPair(raw_clocks_).realtime_ns);
  windows_ = std::make_unique<WindowStore>(store_options);
  thread_states_ = std::make_unique<ThreadStates>(collector_->view().slots, windows_.get());
  losses_ = std::make_unique<LossHistory>();
  recorder_ = std::make_unique<EventRecorder>(switch_events_.get());
  clock_pairs_ = std::make_unique<ClockPairRecorder>(collector_->view().ring_count);
  detector_ = std::make_unique<SpikeDetector>(clock_.get(), spikes_.get(), config_.threads_max + 1);
  stalls_ = std::make_unique<StallRecorder>();
  marked_spikes_ = std::make_unique<MarkedSpikes>(detector_.get());
  life_events_ = std::make_unique<LifeQueue>();
  HousekeepingLoop::Wiring wiring;
  wiring.view = collector_->view();
  wiring.clock = clock_.get();
  // The detector first: its latency is what users wait for.
  wiring.interval_sinks = {detector_.get(), recorder_.get(), losses_.get(), clock_pairs_.get(), stalls_.get()};
  wiring.interruption_sinks = {detector_.get(), stalls_.get()};
  wiring.kernel_stall_sinks = {detector_.get(), stalls_.get()};
  wiring.stall_sinks = {detector_.get()};
  wiring.held_up_sinks = {detector_.get()};
  boosts_ = std::make_unique<BoostHistory>();
  wiring.boost_sinks = {boosts_.get()};
  earlier_sleeps_ = std::make_unique<EarlierSleeps>(collector_->view().slots.size());
  wiring.earlier_sleeps = earlier_sleeps_.get();
  wiring.guests = {marked_spikes_.get()};
  wiring.life_sinks = {life_events_.get(), recorder_.get(), thread_states_.get()};
  wiring.window_sink = thread_states_.get();
  wiring.sleep_ns = SleepNs;
  HousekeepingLoop::Options options;
  options.policy = modes_->policy();
  options.sampling_interval_ns = config_.sampling_interval_ns;
  loop_ = std::make_unique<HousekeepingLoop>(std::move(wiring), options);
}

void Daemon::ApplyThresholds(const ThresholdSettings& settings) {
  detector_->SetThresholds(settings.run_queue_threshold_ns, settings.blocked_threshold_ns);
  recorder_->SetThresholds(settings.run_queue_threshold_ns, settings.blocked_threshold_ns);
  loop_->SetStallLevels(settings.run_queue_levels_ns);
  loop_->SetSleepLevels(settings.blocked_levels_ns);
  loop_->SetHeldUpWishes(settings.held_up);
  loop_->SetSamplingIntervalNs(settings.sampling_interval_ns);
}

void Daemon::BuildTime() {
  TimeKeeper::Parts parts;
  parts.raw_clocks = &raw_clocks_;
  parts.clock = clock_.get();
  parts.pairs = clock_pairs_.get();
  parts.files = files_;
  parts.adjust_clock = SystemAdjustClock();
  parts.ptp_calls = std::make_unique<SystemPtpCalls>();
  // Without the kernel's notice steps of the wall clock are still seen in the clocks themselves.
  absl::StatusOr<std::unique_ptr<TimerWallClockNotice>> notice = TimerWallClockNotice::Create();
  time_ = std::make_unique<TimeKeeper>(std::move(parts), notice.ok() ? *std::move(notice) : nullptr);
}

void Daemon::BuildControl() {
  names_ = std::make_unique<ProcessNames>(&files_, namespaces_.in_initial());
  named_tasks_ = std::make_unique<NamingTaskSource>(tasks_.get(), names_.get());
  TargetRegistry::Config registry_config;
  registry_config.own_pid = static_cast<uint32_t>(getpid());
  registry_config.targets_max = static_cast<uint32_t>(config_.targets_max);
  registry_config.defaults = DefaultsOf(config_);
  registry_config.facts = &process_facts_;
  registry_config.earlier_sleeps = earlier_sleeps_.get();
  unwinder_ = std::make_unique<UnwindProcess>(UnwindBinaryPath(), clock_.get());
  stacks_ = std::make_unique<StackCollector>(collector_->view().stack_ring, unwinder_.get(), clock_.get());
  registry_config.on_stacks_wanted = [this](bool wanted) { stacks_->Enable(wanted); };
  registry_config.attach_demanded = [this](const ProgramDemand& demand) { return AttachDemanded(demand); };
  registry_config.on_demand = [this](const ProgramDemand& demand) {
    WantDemanded(demand);
    if (markers_) markers_->Rescan();  // the targets have changed
  };
  registry_ = std::make_unique<TargetRegistry>(collector_->view(), named_tasks_.get(), collector_.get(), clock_.get(), registry_config,
                                               [this](const ThresholdSettings& settings) { ApplyThresholds(settings); });
  registry_->SetLimits(registry_config.targets_max, config_.threshold_leases_max);
  registry_->SetHoldingLimits(HoldingLimitsOf(config_));
  CollectionSwitch::Parts collection;
  collection.view = collector_->view();
  collection.registry = registry_.get();
  collection.clock = clock_.get();
  collection.sleep_ns = SleepNs;
  collection.conclusive = [this](int64_t since_mono_ns, int64_t until_mono_ns) { detector_->SetConclusive(since_mono_ns, until_mono_ns); };
  collection_ = std::make_unique<CollectionSwitch>(std::move(collection));
  demand_cost_ = std::make_unique<DemandCost>(&quiet_gate_, [this](bool on) { return collector_->MeasureCost(on); });
  operation_ = std::make_unique<DaemonOperation>(modes_.get(), &quiet_gate_, demand_cost_.get(), collection_.get(), clock_.get());
  BuildTotals();
  BuildMarkers();
  BuildStatus();
}

void Daemon::BuildStatus() {
  StatusReader::Parts parts;
  parts.time = time_.get();
  parts.clock = clock_.get();
  parts.collector = collector_.get();
  parts.tasks = tasks_.get();
  parts.loop = loop_.get();
  parts.loop_thread = loop_thread_.get();
  parts.cpus = cpus_.get();
  parts.detector = detector_.get();
  parts.losses = losses_.get();
  parts.windows = windows_.get();
  parts.registry = registry_.get();
  parts.life_events = life_events_.get();
  parts.totals = totals_.get();
  parts.hardware = hardware_totals_.get();
  parts.stacks = stacks_.get();
  parts.unwinder = unwinder_.get();
  parts.operation = operation_.get();
  parts.off_periods = &collection_->periods();
  parts.spikes = spikes_.get();
  parts.switch_events = switch_events_.get();
  parts.names = names_.get();
  parts.counters = counter_thread_.get();
  parts.counter_history = &counter_history_;
  parts.access_events = [this] { return AccessEvents(); };
  parts.accesses = accesses_.get();
  parts.best_overflow = [this] { return BestOverflow(); };
  parts.counter_sampling = counter_sampling_.get();
  // Asked by the server's own threads too, as soon as it serves.
  parts.service_bounds = [this] {
    const MonitorServer* server = serving_.load(std::memory_order_acquire);
    return server != nullptr ? server->Bounds() : std::vector<Bound>();
  };
  parts.subscriber_dropped = [this]() -> uint64_t {
    const MonitorServer* server = serving_.load(std::memory_order_acquire);
    return server != nullptr ? server->dropped_message_count() : 0;
  };
  parts.connections_refused = [this]() -> uint64_t {
    const MonitorServer* server = serving_.load(std::memory_order_acquire);
    return server != nullptr ? server->refused_connection_count() : 0;
  };
  book_ = std::make_unique<ConfigBook>(config_, source_.path(), ReadTimePair(raw_clocks_));
  parts.config = book_.get();
  status_ = std::make_unique<StatusReader>(parts);
  watchdog_ = std::make_unique<HeartbeatWatchdog>([this] { return loop_->stats().iteration_count.Get(); },
                                                  [this] { service_manager_.FeedWatchdog(); });
}

std::vector<ControlLoop::Job> Daemon::Jobs() {
  std::vector<ControlLoop::Job> jobs = {
      {"calibrate the clock", kCalibrationIntervalNs,
       [this] {
         clock_->Calibrate();
         time_->NoteCalibration();
       }},
      {"look at the clocks", EpochWatcher::kLookIntervalNs, [this] { time_->LookAtClocks(); }},
      {"read the kernel's clock", TimeKeeper::kKernelClockIntervalNs, [this] { time_->RefreshKernelClock(); }},
      {"read the PTP clocks", TimeKeeper::kPtpIntervalNs, [this] { time_->RefreshPtpClocks(); }},
      {"follow the CPUs", CpuFollower::kLookIntervalNs, [this] { cpus_->Look(); }},
      {"choose the mode", kModeReconsideredNs, [this] { modes_->Reconsider(); }},
      {"note what hardware had of spikes", HardwareEvidenceBook::kLookIntervalNs, [this] { hardware_evidence_->Look(); }},
      {"look how threads are scheduled", SchedulingBook::kTurnNs, [this] { scheduling_->Turn(); }},
      {"attach and detach on demand", DemandCost::kTurnNs, [this] { SettleDemand(); }},
  };
  if (const int64_t interval_ns = service_manager_.WatchdogIntervalNs(); interval_ns > 0) {
    jobs.push_back({"feed the watchdog", interval_ns / 3, [this] { watchdog_->Check(); }});
  }
  return jobs;
}

absl::Status Daemon::StartThreads() {
  const KernelView& view = collector_->view();
  // Locked one by one: mlockall would need CAP_IPC_LOCK for gRPC's memory too. Without it the loop may wait for a page; said by `doctor`.
  LockMemory(view.rings, view.ring_stride_bytes * view.ring_count, "record rings").IgnoreError();
  if (absl::Status status = loop_thread_->Start(loop_.get(), cpus_->placement(), config_); !status.ok()) return status;
  if (absl::Status status = collector_->Attach(); !status.ok()) return status;
  MeasureProbes();
  control_ = std::make_unique<ControlLoop>(clock_.get(), life_events_.get(), registry_.get(), names_.get(), Jobs(),
                                           [this] { return losses_->total(); });
  ApplyPolicy(modes_->policy());
  control_->Start();
  stacks_->Start();
  markers_->Start();
  if (counter_thread_) counter_thread_->Start();
  return absl::OkStatus();
}

void Daemon::MeasureProbes() {
  // Without CAP_SYS_ADMIN the cost stays unmeasured: `mean_ns` is then absent from the status.
  if (!collector_->MeasureCost(true).ok()) return;
  SleepNs(kCostMeasurementNs);
  collector_->MeasureCost(false).IgnoreError();
}

absl::Status Daemon::StartServer() {
  interrupt_affinities_ = std::make_unique<HostInterruptAffinities>(files_, collector_->view());
  ServiceCore core;
  core.targets = registry_.get();
  core.status = status_.get();
  core.operation = operation_.get();
  core.names = names_.get();
  core.namespaces = &namespaces_;
  core.totals = totals_.get();
  core.interrupts = interrupt_totals_.get();
  core.affinities = interrupt_affinities_.get();
  core.deferred = deferred_totals_.get();
  core.coalescing = coalescing_.get();
  core.calls = call_totals_.get();
  core.faults = fault_totals_.get();
  core.kernel_locks = kernel_lock_totals_.get();
  core.hardware = hardware_totals_.get();
  core.network = network_totals_.get();
  core.operations = markers_.get();
  core.sampling = sampling_.get();
  core.accesses = accesses_.get();
  core.counter_sampling = counter_sampling_.get();
  core.numa_looks = numa_looks_.get();
  core.numa_measuring = numa_measuring_.get();
  core.sampled_lines = &sampled_lines_;
  AddLookups(&core);
  core.windows = windows_.get();
  core.switch_events = switch_events_.get();
  core.spikes = spikes_.get();
  core.stacks = stacks_.get();
  core.time = time_.get();
  BuildEvidence(&core);
  absl::StatusOr<std::unique_ptr<MonitorServer>> server = MonitorServer::Start(core, config_.listen, config_.limits);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  serving_.store(server_.get(), std::memory_order_release);  // pairs with the loads of status and policy
  server_->SetNotifyIntervals(modes_->policy()->sleep_ns, modes_->policy()->sleep_max_ns);
  return absl::OkStatus();
}

void Daemon::PutInForce(const Config& config) {
  registry_->SetDefaults(DefaultsOf(config));
  registry_->SetLimits(static_cast<uint32_t>(config.targets_max), config.threshold_leases_max);
  registry_->SetHoldingLimits(HoldingLimitsOf(config));
  server_->SetLimits(config.limits);
  server_->OnDefaultsChanged();
}

std::string Daemon::Reload() {
  if (absl::Status admitted = quiet_gate_.Admit("reloading the configuration"); !admitted.ok()) {
    // Nobody reads the log who does not know of it: status tells that the file's changes are not in force.
    book_->Refuse({std::string(admitted.message())});
    return std::string(admitted.message());
  }
  service_manager_.Reloading();
  const ConfigSource::Loaded loaded = source_.Load();
  if (!loaded.faults.empty()) {
    book_->Refuse(loaded.faults);
    service_manager_.Ready("configuration refused at the last reload, the one before is in force: hftmon status says why");
    return fmt::format("the configuration is refused, the one before stays in force:\n{}", fmt::join(loaded.faults, "\n"));
  }
  const std::string mode_before = mode_in_force_;
  const Config in_force = book_->Take(loaded.config, ReadTimePair(raw_clocks_));
  PutInForce(in_force);
  mode_in_force_ = in_force.mode;
  // A mode that was set otherwise since stays, unless the file's has changed.
  if (mode_in_force_ != mode_before) {
    if (absl::Status status = modes_->SetMode(in_force.mode, ""); !status.ok()) book_->Refuse({std::string(status.message())});
  }
  const std::string pending = book_->PendingText();
  service_manager_.Ready(Describe());
  return "the configuration was read again" + (pending.empty() ? "" : "; " + pending);
}

absl::Status Daemon::Start() {
  RaiseOpenFilesLimit();
  if (absl::Status status = CheckBpfPrivileges(SystemCapabilities()); !status.ok()) return status;
  if (absl::Status status = CheckAddresses(); !status.ok()) return status;
  if (absl::Status status = PlaceThreads(); !status.ok()) return status;
  clock_ = std::make_unique<TscClock>(&raw_clocks_, files_, TscIsInvariant());
  if (absl::Status status = LoadPrograms(); !status.ok()) return status;
  BuildStore();
  BuildTime();
  BuildControl();
  if (absl::Status status = StartThreads(); !status.ok()) return status;
  if (absl::Status status = StartServer(); !status.ok()) return status;
  quiet_gate_.Close(config_.quiet == "on");
  return absl::OkStatus();
}

void Daemon::Stop() {
  if (server_) server_->Shutdown(kShutdownPatienceNs);
  serving_.store(nullptr, std::memory_order_release);
  server_.reset();
  evidence_turn_.reset();
  evidence_.reset();
  if (unwinder_) unwinder_->Cancel();
  if (stacks_) stacks_->Stop();
  if (markers_) markers_->Stop();
  if (counter_thread_) counter_thread_->Stop();
  if (control_) control_->Stop();
  control_.reset();
  if (loop_thread_) loop_thread_->Stop();
  status_.reset();
  registry_.reset();
  markers_.reset();
  stacks_.reset();
  unwinder_.reset();
  loop_.reset();
  loop_thread_.reset();
  // Detaches and unloads.
  collector_.reset();
  tasks_.reset();
}

std::string Daemon::Describe() const {
  std::string text = "listening on";
  for (const std::string& address : server_->addresses()) text += " " + address;
  const Placement placement = cpus_->placement();
  text += fmt::format("; {} mode on CPU {} ({}), {}; clock {}", loop_->policy().name, placement.loop_cpu, placement.reason,
                      loop_thread_->scheduling(), clock_->state().source);
  if (collector_->fallback_reason().empty()) return text;
  return text + fmt::format("; through raw tracepoints, which cost each switch more and give no kernel stacks, because of: {}",
                            collector_->fallback_reason());
}

}  // namespace hftmon
