// Daemon: the composition root: builds every part, starts them in order, stops them in the reverse order.
//
// Start order: placement and clock, programs loaded, store and detector, housekeeping thread, programs attached, control thread, server.
// Whoever can reach the server finds everything behind it running. Stop order: server, control thread, programs, housekeeping thread. The
// threads that read markers and counters start last and stop before the control thread, which goes on to tell the latter what is wanted: it
// outlives that, and is not started again.
// Threads: made, started and stopped by the main thread.
#ifndef HFTMON_DAEMON_DAEMON_H_
#define HFTMON_DAEMON_DAEMON_H_

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/analysis/counter_history.h"
#include "daemon/analysis/marked_spikes.h"
#include "daemon/analysis/spike_detector.h"
#include "daemon/analysis/spike_history.h"
#include "daemon/analysis/stall_recorder.h"
#include "daemon/collectors/quiet_gate.h"
#include "daemon/collectors/switch_collector.h"
#include "daemon/collectors/task_iterator.h"
#include "daemon/config_book.h"
#include "daemon/config_flags.h"
#include "daemon/control/collection_switch.h"
#include "daemon/control/control_loop.h"
#include "daemon/control/heartbeat_watchdog.h"
#include "daemon/control/process_facts.h"
#include "daemon/control/process_names.h"
#include "daemon/control/scheduling_book.h"
#include "daemon/control/target_registry.h"
#include "daemon/counter_thread.h"
#include "daemon/cpu_follower.h"
#include "daemon/daemon_operation.h"
#include "daemon/demand_cost.h"
#include "daemon/hardware_evidence_book.h"
#include "daemon/host_access_sampling.h"
#include "daemon/host_coalescing.h"
#include "daemon/host_counter_sampling.h"
#include "daemon/host_interrupt_affinities.h"
#include "daemon/host_numa_look.h"
#include "daemon/host_numa_measuring.h"
#include "daemon/ingest/housekeeping_loop.h"
#include "daemon/ingest/life_queue.h"
#include "daemon/loop_thread.h"
#include "daemon/marker_thread.h"
#include "daemon/mode_controller.h"
#include "daemon/naming_task_source.h"
#include "daemon/numa/page_locations.h"
#include "daemon/os/file_root.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_ring_memory.h"
#include "daemon/os/pid_namespaces.h"
#include "daemon/os/thread_scheduling.h"
#include "daemon/os/tsc_clock.h"
#include "daemon/service/evidence/evidence_turn.h"
#include "daemon/service/evidence/service_evidence.h"
#include "daemon/service/sampled_lines.h"
#include "daemon/service/server.h"
#include "daemon/service_manager.h"
#include "daemon/shared_call_totals.h"
#include "daemon/shared_counter_totals.h"
#include "daemon/shared_deferred_totals.h"
#include "daemon/shared_fault_totals.h"
#include "daemon/shared_hardware_totals.h"
#include "daemon/shared_interrupt_totals.h"
#include "daemon/shared_kernel_lock_totals.h"
#include "daemon/shared_network_totals.h"
#include "daemon/shared_state_sampling.h"
#include "daemon/shared_timer_returns.h"
#include "daemon/slot_totals.h"
#include "daemon/stacks/kernel_stack_names.h"
#include "daemon/stacks/stack_collector.h"
#include "daemon/stacks/unwind_process.h"
#include "daemon/status_reader.h"
#include "daemon/store/boost_history.h"
#include "daemon/store/clock_pair_recorder.h"
#include "daemon/store/event_recorder.h"
#include "daemon/store/loss_history.h"
#include "daemon/store/thread_states.h"
#include "daemon/store/window_store.h"
#include "daemon/time_keeper.h"

namespace hftmon {

class Daemon {
 public:
  // `source` made `config` and is read again at a reload.
  Daemon(Config config, ConfigSource source) : config_(std::move(config)), source_(std::move(source)) {}
  ~Daemon() { Stop(); }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // PERMISSION_DENIED, FAILED_PRECONDITION, ALREADY_EXISTS, … with the thing, the cause and the mend. Nothing is left behind on failure.
  absl::Status Start();
  void Stop();
  // Reads the configuration again. What may change while it runs is put in force; faults leave everything as it is. Returns what happened,
  // for the log. Between Start and Stop; no thread waits for it and nothing that was collected is lost.
  std::string Reload();

  // For the log: what is listened on, where the loop runs and how.
  std::string Describe() const;
  ServiceManager& service_manager() { return service_manager_; }

 private:
  absl::Status CheckAddresses() const;
  absl::Status LoadPrograms();
  absl::Status PlaceThreads();
  void BuildModes();
  void BuildStore();
  void BuildTime();
  void BuildControl();
  void BuildTotals();
  void BuildHardware();
  void BuildDeferred();
  void BuildCounters();
  void BuildMarkers();
  void BuildSampling();
  void BuildAccesses();
  // Of a request that leaves all to its defaults.
  absl::StatusOr<std::vector<SampledEvent>> AccessEvents();
  void BuildCounterSampling();
  void BuildNuma();
  void BuildNumaMeasuring();
  // Not OK: quiet mode, or off.
  absl::Status AdmitNumaMaps() const;
  absl::Status AdmitNumaMeasuring() const;
  absl::StatusOr<MeasureHost> ReadMeasureHost() const;
  absl::StatusOr<HostBandwidth> MeasureBandwidth(int64_t duration_ns, const std::function<bool(int64_t)>& wait);
  // To which watched threads are bound; sorted.
  std::vector<int> WatchedCpus(const std::vector<int>& online, const std::vector<int>& reserved) const;
  // By what counters would be sampled here.
  absl::StatusOr<OverflowEvent> BestOverflow();
  // FAILED_PRECONDITION with one of the two texts, and its reason: off (OFF), or quiet mode (QUIET).
  absl::Status AdmitUnlessQuiet(const std::string& while_off, const std::string& while_quiet) const;
  // As that. `what`: "sampling counters".
  absl::Status AdmitSampling(const std::string& what) const;
  SampledProcess LookAtTarget(uint32_t pid, int64_t start_boottime_ns) const;
  void BuildStatus();
  absl::Status StartThreads();
  absl::Status StartServer();
  // What the server looks up when it answers.
  void AddLookups(ServiceCore* core);
  void BuildEvidence(ServiceCore* core);
  void PutInForce(const Config& config);
  void ApplyThresholds(const ThresholdSettings& settings);
  void ApplyPolicy(const PollPolicy* policy);
  bool IsWatchedThreadPinnedToLoop() const;
  std::vector<ControlLoop::Job> Jobs();
  void MeasureProbes();
  // Those that are attached on demand, by what asks for them.
  std::array<std::pair<bool ProgramDemand::*, DemandProgram*>, 7> DemandPrograms();
  absl::Status AttachDemanded(const ProgramDemand& demand);
  void WantDemanded(const ProgramDemand& demand);
  void SettleDemand();

  const Config config_;  // as at the start; what is in force since stands in the book
  const ConfigSource source_;
  std::string mode_in_force_ = config_.mode;  // the main thread's
  ServiceManager service_manager_;
  QuietGate quiet_gate_;
  std::unique_ptr<CpuFollower> cpus_;
  SystemRawClocks raw_clocks_;
  FileRoot files_;
  std::unique_ptr<TscClock> clock_;
  std::unique_ptr<ModeController> modes_;
  std::unique_ptr<TaskIterator> tasks_;
  std::unique_ptr<SwitchCollector> collector_;
  std::unique_ptr<SpikeHistory> spikes_;
  std::unique_ptr<SeqRing<SwitchEvent>> switch_events_;
  std::unique_ptr<WindowStore> windows_;
  std::unique_ptr<ThreadStates> thread_states_;
  std::unique_ptr<LossHistory> losses_;
  std::unique_ptr<BoostHistory> boosts_;
  std::unique_ptr<EventRecorder> recorder_;
  std::unique_ptr<ClockPairRecorder> clock_pairs_;
  std::unique_ptr<TimeKeeper> time_;
  std::unique_ptr<SpikeDetector> detector_;
  std::unique_ptr<StallRecorder> stalls_;
  std::unique_ptr<MarkedSpikes> marked_spikes_;
  std::unique_ptr<LifeQueue> life_events_;
  std::unique_ptr<EarlierSleeps> earlier_sleeps_;
  std::unique_ptr<HousekeepingLoop> loop_;
  std::unique_ptr<LoopThread> loop_thread_;
  std::unique_ptr<ProcessNames> names_;
  std::unique_ptr<NamingTaskSource> named_tasks_;
  PidNamespaces namespaces_{&files_};
  ProcProcessFacts process_facts_{&files_, &namespaces_};
  std::unique_ptr<UnwindProcess> unwinder_;
  std::unique_ptr<StackCollector> stacks_;
  std::unique_ptr<KernelStackNames> sender_stacks_;
  std::unique_ptr<TargetRegistry> registry_;
  std::unique_ptr<MarkerThread> markers_;
  std::unique_ptr<CollectionSwitch> collection_;
  std::unique_ptr<DemandCost> demand_cost_;
  std::unique_ptr<DaemonOperation> operation_;
  std::unique_ptr<SlotTotals> totals_;
  SystemSchedulingQueries scheduling_queries_;
  std::unique_ptr<SchedulingBook> scheduling_;
  std::unique_ptr<HostInterruptAffinities> interrupt_affinities_;
  std::unique_ptr<SharedInterruptTotals> interrupt_totals_;
  std::unique_ptr<SharedCallTotals> call_totals_;
  std::unique_ptr<SharedFaultTotals> fault_totals_;
  std::unique_ptr<SharedKernelLockTotals> kernel_lock_totals_;
  std::unique_ptr<SharedTimerReturns> timer_returns_;
  CounterHistory counter_history_;  // of threads' events: takes no memory before the first is counted
  std::unique_ptr<HardwareEvidenceBook> hardware_evidence_;
  std::unique_ptr<SharedHardwareTotals> hardware_totals_;
  std::unique_ptr<SharedNetworkTotals> network_totals_;
  std::unique_ptr<KernelFunctions> kernel_functions_;
  std::unique_ptr<SharedDeferredTotals> deferred_totals_;
  std::unique_ptr<SharedCounterTotals> counter_totals_;
  std::unique_ptr<CounterThread> counter_thread_;
  std::unique_ptr<HostCoalescing> coalescing_;
  std::unique_ptr<SharedStateSampling> sampling_;
  SystemPerfEventCalls perf_calls_;
  SystemPerfRingMemory perf_memory_;
  SampledLines sampled_lines_;  // of what accesses_ finds
  std::unique_ptr<HostAccessSampling> accesses_;
  std::unique_ptr<HostCounterSampling> counter_sampling_;
  SystemPageLocations page_locations_;
  std::unique_ptr<HostNumaLooks> numa_looks_;
  std::unique_ptr<HostNumaMeasuring> numa_measuring_;
  std::unique_ptr<ConfigBook> book_;
  std::unique_ptr<StatusReader> status_;
  std::unique_ptr<HeartbeatWatchdog> watchdog_;
  std::unique_ptr<ControlLoop> control_;
  std::unique_ptr<ServiceEvidence> evidence_;
  std::unique_ptr<EvidenceTurn> evidence_turn_;
  std::unique_ptr<MonitorServer> server_;
  std::atomic<MonitorServer*> serving_{nullptr};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_DAEMON_H_
