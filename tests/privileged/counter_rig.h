// CounterRig: the programs that count what threads do, with all that stands behind them, in the test's own process: targets are attached,
// and what the kernel's side has is read from memory. One thread. In force until the destructor's end.
#ifndef HFTMON_TESTS_PRIVILEGED_COUNTER_RIG_H_
#define HFTMON_TESTS_PRIVILEGED_COUNTER_RIG_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/collectors/switch_collector.h"
#include "daemon/collectors/task_iterator.h"
#include "daemon/control/collection_switch.h"
#include "daemon/control/target_registry.h"
#include "daemon/ingest/counter_ring_reader.h"
#include "daemon/shared_counter_totals.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {

class CounterRig {
 public:
  CounterRig() = default;
  absl::Status Start();

  absl::Status Attach(pid_t pid, const std::vector<std::string>& events, int64_t interval_ns = 1'000'000);
  absl::Status Detach(pid_t pid);
  void DetachAll();
  // What the daemon's control thread does at regular times, until nothing changes.
  void Settle();
  absl::Status TurnOff() { return switch_->TurnOff(); }
  absl::Status TurnOn() { return switch_->TurnOn(); }

  SharedCounterTotals& totals() { return *totals_; }
  CounterPrograms& programs() { return collector_->counter_programs(); }
  const std::vector<MissingProgram>& missing_programs() const { return collector_->missing_programs(); }
  std::vector<ProbeFigures> Probes() const { return collector_->Probes(); }
  // Sums over the process's threads; where one has no figures the reason is a failure of the test.
  CounterSpan SumOf(pid_t pid);
  // What its threads' slots hold that is in no span yet.
  CounterSpan PendingOf(pid_t pid) const;
  // Of the spans that were told so far.
  CounterSpan SpansOf(pid_t pid);
  size_t SpanCountOf(pid_t pid);
  uint64_t lost_count() const { return sink_.lost_count; }
  // Counts that the switch program keeps of the thread, both kinds.
  uint64_t SwitchesOf(pid_t tid) const;

 private:
  class SystemClock : public MonotonicClock {
   public:
    int64_t NowNs() const override { return workload::NowNs(); }
  };
  struct Sink final : CounterSink {
    void OnCounterSet(const CounterSet& set) override { sets.push_back(set); }
    void OnCounterSpan(const CounterSpan& span) override { spans.push_back(span); }
    void OnCounterLoss(uint16_t, uint64_t count, int64_t, int64_t) override { lost_count += count; }
    std::vector<CounterSet> sets;
    std::vector<CounterSpan> spans;
    uint64_t lost_count = 0;
  };
  void Drain() { reader_->Drain(clock_.NowNs()); }

  const SystemClock clock_;
  Sink sink_;
  std::unique_ptr<TaskIterator> tasks_;
  std::unique_ptr<SwitchCollector> collector_;
  std::unique_ptr<TargetRegistry> registry_;
  std::unique_ptr<CollectionSwitch> switch_;
  std::unique_ptr<SharedCounterTotals> totals_;
  std::unique_ptr<CounterRingReader> reader_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_COUNTER_RIG_H_
