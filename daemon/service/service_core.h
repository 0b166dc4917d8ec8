// ServiceCore: what the handlers read from. Passive; the composition root fills it, and every pointer outlives the server.
#ifndef HFTMON_DAEMON_SERVICE_SERVICE_CORE_H_
#define HFTMON_DAEMON_SERVICE_SERVICE_CORE_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/analysis/spike_history.h"
#include "daemon/control/operation.h"
#include "daemon/control/scheduling_source.h"
#include "daemon/control/status_source.h"
#include "daemon/control/targets.h"
#include "daemon/control/thread_names.h"
#include "daemon/control/time_source.h"
#include "daemon/ingest/boost_step.h"
#include "daemon/os/numa_balancing.h"
#include "daemon/os/pid_namespaces.h"
#include "daemon/service/access_sampling.h"
#include "daemon/service/call_totals.h"
#include "daemon/service/coalescing_source.h"
#include "daemon/service/deferred_totals.h"
#include "daemon/service/fault_totals.h"
#include "daemon/service/file_lookup.h"
#include "daemon/service/hardware_totals.h"
#include "daemon/service/interrupt_affinities.h"
#include "daemon/service/interrupt_totals.h"
#include "daemon/service/kernel_lock_totals.h"
#include "daemon/service/mapping_lookup.h"
#include "daemon/service/network_totals.h"
#include "daemon/service/numa_look.h"
#include "daemon/service/operation_source.h"
#include "daemon/service/state_sampling.h"
#include "daemon/service/task_priorities.h"
#include "daemon/service/thread_totals.h"
#include "daemon/service/timer_returns.h"
#include "daemon/stacks/sender_stacks.h"
#include "daemon/stacks/stack_source.h"
#include "daemon/store/clock_pair_recorder.h"
#include "daemon/store/seq_ring.h"
#include "daemon/store/switch_event.h"
#include "daemon/store/thread_states.h"
#include "daemon/store/window_store.h"

namespace hftmon {

class CounterHistory;
class CounterSampling;
class CounterTotals;
class EvidenceSource;
class NumaMeasuring;
class SampledLines;

struct ServiceCore {
  Targets* targets = nullptr;
  const StatusSource* status = nullptr;
  Operation* operation = nullptr;
  ThreadNames* names = nullptr;
  const PidNamespaces* namespaces = nullptr;  // may be missing: numbers of other namespaces are refused then
  const ThreadTotals* totals = nullptr;
  const SchedulingSource* scheduling = nullptr;
  const InterruptTotals* interrupts = nullptr;
  const InterruptAffinities* affinities = nullptr;
  const DeferredTotals* deferred = nullptr;
  const CoalescingSource* coalescing = nullptr;
  const CallTotals* calls = nullptr;
  const FaultTotals* faults = nullptr;
  const KernelLockTotals* kernel_locks = nullptr;
  const TimerReturns* timer_returns = nullptr;
  CounterTotals* counters = nullptr;                // may be missing, as the next: nothing is counted then
  const CounterHistory* counter_history = nullptr;  // of what `counters` counts
  CounterSampling* counter_sampling = nullptr;      // may be missing
  const HardwareTotals* hardware = nullptr;
  const NetworkTotals* network = nullptr;
  const OperationSource* operations = nullptr;  // may be missing
  StateSampling* sampling = nullptr;            // may be missing
  AccessSampling* accesses = nullptr;           // may be missing
  MappingLookup::Reader mappings;               // may be empty: no mapping is known then
  FileLookup::Reader files;                     // may be empty: no file is known then
  SenderStacks* sender_stacks = nullptr;        // may be missing
  std::function<absl::StatusOr<NumaBalancing>()> numa;
  std::function<absl::StatusOr<NumaOfThread>(uint32_t pid, uint32_t tid)> numa_of_thread;  // asked where `numa` has an answer
  const WindowStore* windows = nullptr;
  const ThreadStates* thread_states = nullptr;          // of what `windows` has
  const ClockPairRecorder* run_queue_clocks = nullptr;  // may be missing: switch-outs are then known to a bucket
  std::function<int64_t()> boottime_offset_ns;          // CLOCK_BOOTTIME minus CLOCK_MONOTONIC; may be empty: 0
  const SeqRing<SwitchEvent>* switch_events = nullptr;
  const SpikeHistory* spikes = nullptr;
  const SeqRing<BoostStep>* boost_steps = nullptr;  // may be missing
  std::string boosts_unavailable;                   // why no boosts are collected; empty: they are
  TaskPriorities task_priorities;                   // may be empty
  const TimeSource* time = nullptr;
  const StackSource* stacks = nullptr;  // may be missing
  NumaLooks* numa_looks = nullptr;      // may be missing, as the next
  NumaMeasuring* numa_measuring = nullptr;
  const SampledLines* sampled_lines = nullptr;  // of what `accesses` finds; may be missing
  EvidenceSource* evidence = nullptr;           // may be missing
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SERVICE_CORE_H_
