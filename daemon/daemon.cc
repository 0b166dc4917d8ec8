#include "daemon/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "daemon/os/memory_lock.h"
#include "daemon/os/privileges.h"
#include "daemon/os/thread_placement.h"
#include "daemon/os/tsc.h"
#include "daemon/os/unix_socket_lock.h"

namespace hftmon {
namespace {

constexpr int64_t kCalibrationIntervalNs = 100'000'000;
constexpr int64_t kCostMeasurementNs = 50'000'000;
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

}  // namespace

absl::Status Daemon::CheckAddresses() const {
  // The server will lock the sockets; looking now keeps a second daemon from loading anything into the kernel.
  for (const std::string& address : config_.listen) {
    if (!address.starts_with(kUnixPrefix)) continue;
    absl::StatusOr<std::unique_ptr<UnixSocketLock>> lock = UnixSocketLock::Acquire(address.substr(kUnixPrefix.size()));
    if (!lock.ok()) return lock.status();
  }
  return absl::OkStatus();
}

absl::Status Daemon::LoadPrograms() {
  absl::StatusOr<uint32_t> pid_bound = ReadPidBound(files_);
  if (!pid_bound.ok()) return pid_bound.status();
  SwitchCollector::Options options;
  options.threads_max = config_.threads_max;
  options.rings_bytes_total = config_.rings_bytes;
  options.pid_bound = *pid_bound;
  options.btf_path = config_.btf_path;
  options.access = config_.kernel_access;
  if (access(config_.btf_path.c_str(), R_OK) == 0) {
    absl::StatusOr<std::unique_ptr<TaskIterator>> tasks = TaskIterator::Create();
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

void Daemon::BuildStore() {
  spikes_ = std::make_unique<SeqRing<Spike>>(config_.spike_history);
  switch_events_ = std::make_unique<SeqRing<SwitchEvent>>(config_.switch_history);
  WindowStore::Options store_options;
  store_options.slot_count = config_.threads_max + 1;
  windows_ = std::make_unique<WindowStore>(store_options);
  losses_ = std::make_unique<LossHistory>();
  recorder_ = std::make_unique<EventRecorder>(switch_events_.get());
  detector_ = std::make_unique<SpikeDetector>(clock_.get(), spikes_.get());
  life_events_ = std::make_unique<LifeQueue>();
  HousekeepingLoop::Wiring wiring;
  wiring.view = collector_->view();
  wiring.clock = clock_.get();
  // The detector first: its latency is what users wait for.
  wiring.interval_sinks = {detector_.get(), recorder_.get(), losses_.get()};
  wiring.life_sinks = {life_events_.get(), recorder_.get()};
  wiring.window_sink = windows_.get();
  wiring.sleep_ns = SleepNs;
  HousekeepingLoop::Options options;
  options.policy = placement_.policy;
  options.sampling_interval_ns = config_.sampling_interval_ns;
  loop_ = std::make_unique<HousekeepingLoop>(std::move(wiring), options);
}

void Daemon::ApplyThresholds(const ThresholdSettings& settings) {
  detector_->SetThresholds(settings.run_queue_threshold_ns, settings.blocked_threshold_ns);
  loop_->SetSamplingIntervalNs(settings.sampling_interval_ns);
}

void Daemon::BuildControl() {
  names_ = std::make_unique<ProcessNames>(&files_);
  named_tasks_ = std::make_unique<NamingTaskSource>(tasks_.get(), names_.get());
  TargetRegistry::Config registry_config;
  registry_config.own_pid = static_cast<uint32_t>(getpid());
  registry_config.targets_max = config_.targets_max;
  registry_config.facts = &process_facts_;
  registry_config.defaults.spike_threshold_ns = config_.spike_threshold_ns;
  registry_config.defaults.sampling_interval_ns = config_.sampling_interval_ns;
  registry_ = std::make_unique<TargetRegistry>(collector_->view(), named_tasks_.get(), collector_.get(), clock_.get(), registry_config,
                                               [this](const ThresholdSettings& settings) { ApplyThresholds(settings); });
  totals_ = std::make_unique<SlotTotals>(collector_->view(), [this] { return loop_->sampler().high_water(); });
  StatusReader::Parts parts;
  parts.raw_clocks = &raw_clocks_;
  parts.clock = clock_.get();
  parts.collector = collector_.get();
  parts.tasks = tasks_.get();
  parts.loop = loop_.get();
  parts.loop_thread = loop_thread_.get();
  parts.placement = &placement_;
  parts.detector = detector_.get();
  parts.losses = losses_.get();
  parts.windows = windows_.get();
  parts.registry = registry_.get();
  parts.life_events = life_events_.get();
  parts.totals = totals_.get();
  parts.targets_max = config_.targets_max;
  parts.subscriber_dropped = [this]() -> uint64_t { return server_ ? server_->dropped_message_count() : 0; };
  status_ = std::make_unique<StatusReader>(parts);
  watchdog_ = std::make_unique<HeartbeatWatchdog>([this] { return loop_->stats().iteration_count.Get(); },
                                                  [this] { service_manager_.FeedWatchdog(); });
}

std::vector<ControlLoop::Job> Daemon::Jobs() {
  std::vector<ControlLoop::Job> jobs = {{"calibrate the clock", kCalibrationIntervalNs, [this] { clock_->Calibrate(); }}};
  if (const int64_t interval_ns = service_manager_.WatchdogIntervalNs(); interval_ns > 0) {
    jobs.push_back({"feed the watchdog", interval_ns / 3, [this] { watchdog_->Check(); }});
  }
  return jobs;
}

absl::Status Daemon::StartThreads() {
  const KernelView& view = collector_->view();
  // Locked one by one: mlockall would need CAP_IPC_LOCK for gRPC's memory too. Without it the loop may wait for a page; said by `doctor`.
  LockMemory(view.rings, view.ring_stride_bytes * view.ring_count, "record rings").IgnoreError();
  if (absl::Status status = loop_thread_->Start(loop_.get(), placement_, config_); !status.ok()) return status;
  if (absl::Status status = collector_->Attach(); !status.ok()) return status;
  MeasureProbes();
  control_ = std::make_unique<ControlLoop>(clock_.get(), life_events_.get(), registry_.get(), names_.get(), Jobs(),
                                           [this] { return losses_->total(); });
  control_->Start();
  return absl::OkStatus();
}

void Daemon::MeasureProbes() {
  // Without CAP_SYS_ADMIN the cost stays unmeasured: `mean_ns` is then absent from the status.
  if (!collector_->MeasureCost(true).ok()) return;
  SleepNs(kCostMeasurementNs);
  collector_->MeasureCost(false).IgnoreError();
}

absl::Status Daemon::StartServer() {
  ServiceCore core;
  core.targets = registry_.get();
  core.status = status_.get();
  core.names = names_.get();
  core.totals = totals_.get();
  core.windows = windows_.get();
  core.switch_events = switch_events_.get();
  core.spikes = spikes_.get();
  absl::StatusOr<std::unique_ptr<MonitorServer>> server = MonitorServer::Start(core, config_.listen);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

absl::Status Daemon::Start() {
  if (absl::Status status = CheckBpfPrivileges(SystemCapabilities()); !status.ok()) return status;
  if (absl::Status status = CheckAddresses(); !status.ok()) return status;
  absl::StatusOr<Placement> placement = ChoosePlacement(config_);
  if (!placement.ok()) return placement.status();
  placement_ = *std::move(placement);
  // Every thread made from here on inherits it, gRPC's too; the loop pins itself.
  SystemSchedulingCalls calls;
  if (absl::Status status = SetCurrentAffinity(placement_.other_cpus, calls); !status.ok()) return status;
  clock_ = std::make_unique<TscClock>(&raw_clocks_, files_, TscIsInvariant());
  if (absl::Status status = LoadPrograms(); !status.ok()) return status;
  loop_thread_ = std::make_unique<LoopThread>();
  BuildStore();
  BuildControl();
  if (absl::Status status = StartThreads(); !status.ok()) return status;
  return StartServer();
}

void Daemon::Stop() {
  if (server_) server_->Shutdown(kShutdownPatienceNs);
  server_.reset();
  if (control_) control_->Stop();
  control_.reset();
  if (loop_thread_) loop_thread_->Stop();
  status_.reset();
  registry_.reset();
  loop_.reset();
  loop_thread_.reset();
  // Detaches and unloads.
  collector_.reset();
  tasks_.reset();
}

std::string Daemon::Describe() const {
  std::string text = "listening on";
  for (const std::string& address : server_->addresses()) text += " " + address;
  return text + fmt::format("; {} mode on CPU {} ({}), {}; clock {}", loop_->policy().name, placement_.loop_cpu, placement_.reason,
                            loop_thread_->scheduling(), clock_->state().source);
}

}  // namespace hftmon
