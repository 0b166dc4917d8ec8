// StatusReader: the daemon's own state and cost, put together when somebody asks.
//
// Owner: the daemon; every part outlives it. Threads: any but the housekeeping thread (it reads /proc and asks the kernel about programs).
#ifndef HFTMON_DAEMON_STATUS_READER_H_
#define HFTMON_DAEMON_STATUS_READER_H_

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/analysis/counter_history.h"
#include "daemon/analysis/spike_detector.h"
#include "daemon/analysis/spike_history.h"
#include "daemon/collectors/switch_collector.h"
#include "daemon/collectors/task_iterator.h"
#include "daemon/config_book.h"
#include "daemon/control/off_periods.h"
#include "daemon/control/operation.h"
#include "daemon/control/process_names.h"
#include "daemon/control/status_source.h"
#include "daemon/control/target_registry.h"
#include "daemon/counter_thread.h"
#include "daemon/cpu_follower.h"
#include "daemon/host_access_sampling.h"
#include "daemon/host_counter_sampling.h"
#include "daemon/ingest/housekeeping_loop.h"
#include "daemon/ingest/life_queue.h"
#include "daemon/loop_thread.h"
#include "daemon/os/tsc_clock.h"
#include "daemon/pmu/overflow_event.h"
#include "daemon/pmu/sampled_place.h"
#include "daemon/service/hardware_totals.h"
#include "daemon/slot_totals.h"
#include "daemon/stacks/stack_collector.h"
#include "daemon/stacks/unwind_process.h"
#include "daemon/store/loss_history.h"
#include "daemon/store/seq_ring.h"
#include "daemon/store/switch_event.h"
#include "daemon/store/window_store.h"
#include "daemon/time_keeper.h"

namespace hftmon {

class StatusReader : public StatusSource {
 public:
  struct Parts {
    const TimeKeeper* time = nullptr;
    const TscClock* clock = nullptr;
    const SwitchCollector* collector = nullptr;
    const TaskIterator* tasks = nullptr;
    HousekeepingLoop* loop = nullptr;
    const LoopThread* loop_thread = nullptr;
    const CpuFollower* cpus = nullptr;
    const SpikeDetector* detector = nullptr;
    const LossHistory* losses = nullptr;
    const WindowStore* windows = nullptr;
    const TargetRegistry* registry = nullptr;
    const LifeQueue* life_events = nullptr;
    const SlotTotals* totals = nullptr;
    const HardwareTotals* hardware = nullptr;
    const StackCollector* stacks = nullptr;
    const UnwindProcess* unwinder = nullptr;
    const Operation* operation = nullptr;
    const OffPeriods* off_periods = nullptr;
    std::function<uint64_t()> subscriber_dropped;        // messages skipped for slow readers; may be empty
    std::function<uint64_t()> connections_refused;       // for want of open files; may be empty
    std::function<std::vector<Bound>()> service_bounds;  // of streams, queries and answers; may be empty
    const ConfigBook* config = nullptr;
    const SpikeHistory* spikes = nullptr;
    const SeqRing<SwitchEvent>* switch_events = nullptr;
    const ProcessNames* names = nullptr;
    const CounterThread* counters = nullptr;
    const CounterHistory* counter_history = nullptr;
    std::function<absl::StatusOr<std::vector<SampledEvent>>()> access_events;  // by which memory accesses are sampled, or why none are
    const HostAccessSampling* accesses = nullptr;
    std::function<absl::StatusOr<OverflowEvent>()> best_overflow;  // by which counters are sampled
    const HostCounterSampling* counter_sampling = nullptr;
  };
  explicit StatusReader(const Parts& parts);

  DaemonStatus Status() const override;
  std::vector<Capability> Capabilities() const override;
  TimePair Now() const override;
  uint64_t lost_records() const override { return parts_.losses->total(); }
  uint64_t LostBetween(int64_t begin_mono_ns, int64_t end_mono_ns) const override {
    return parts_.losses->LostBetween(begin_mono_ns, end_mono_ns);
  }
  int64_t OffWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const override {
    return parts_.off_periods->Within(begin_mono_ns, end_mono_ns);
  }
  std::vector<CpuTimeSpan> LossesWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const override {
    return parts_.losses->SpansWithin(begin_mono_ns, end_mono_ns);
  }
  std::vector<TimeSpan> OffSpansWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const override {
    return parts_.off_periods->SpansWithin(begin_mono_ns, end_mono_ns);
  }

 private:
  LoopStatus Loop() const;
  Capability UserStacks() const;
  Capability Locks() const;
  Capability Memory() const;
  Capability KernelLocks() const;
  Capability Returns() const;
  void AddHardware(std::vector<Capability>* capabilities) const;
  void AddCounters(std::vector<Capability>* capabilities) const;
  Capability Network() const;
  Capability Irq() const;
  std::string RegistersMend() const;
  std::vector<DropCounter> Drops(const std::vector<ProbeStatus>& probes) const;
  std::vector<Bound> Bounds() const;

  const Parts parts_;
  const int64_t started_mono_ns_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STATUS_READER_H_
