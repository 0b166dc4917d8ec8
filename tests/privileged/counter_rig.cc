#include "tests/privileged/counter_rig.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hftmon::testing {
namespace {

void Add(const CounterSpan& span, CounterSpan* sum) {
  sum->on_cpu_ns += span.on_cpu_ns;
  sum->enabled_ns += span.enabled_ns;
  sum->running_ns += span.running_ns;
  for (size_t event = 0; event < sum->values.size(); ++event) sum->values[event] += span.values[event];
}

}  // namespace

absl::Status CounterRig::Start() {
  absl::StatusOr<std::unique_ptr<TaskIterator>> tasks = TaskIterator::Create();
  if (!tasks.ok()) return tasks.status();
  tasks_ = *std::move(tasks);
  absl::StatusOr<uint32_t> register_offset = tasks_->RegisterOffset();
  if (!register_offset.ok()) return register_offset.status();
  absl::StatusOr<std::unique_ptr<SwitchCollector>> collector =
      SwitchCollector::Create({.threads_max = 256, .pid_bound = HFT_PID_LIMIT, .register_offset = *register_offset});
  if (!collector.ok()) return collector.status();
  collector_ = *std::move(collector);
  TargetRegistry::Config config;
  config.own_pid = static_cast<uint32_t>(getpid());
  config.attach_demanded = [this](const ProgramDemand& demand) { return programs().Attach(demand.counters); };
  config.on_demand = [this](const ProgramDemand& demand) { programs().Want(demand.counters); };
  registry_ = std::make_unique<TargetRegistry>(collector_->view(), tasks_.get(), collector_.get(), &clock_, config,
                                               [](const ThresholdSettings&) {});
  CollectionSwitch::Parts off;
  off.view = collector_->view();
  off.registry = registry_.get();
  off.clock = &clock_;
  off.sleep_ns = [](int64_t duration_ns) { workload::SleepUntil(workload::NowNs() + duration_ns); };
  off.conclusive = [](int64_t, int64_t) {};
  switch_ = std::make_unique<CollectionSwitch>(std::move(off));
  SharedCounterTotals::Parts totals;
  totals.view = collector_->view();
  totals.high_water = [] { return 256u; };
  totals.set = [this] { return programs().set(); };
  totals.attached = [this] { return programs().attached(); };
  totals.cross_calls = [this] { return programs().cross_call_count(); };
  totals.read_now = [this](int cpu) { return programs().ReadNow(cpu); };
  totals_ = std::make_unique<SharedCounterTotals>(std::move(totals));
  CounterRingReader::Parts reader;
  reader.view = collector_->view();
  reader.sink = &sink_;
  reader.set = [this] { return CounterSetOf(programs().set()); };
  reader_ = std::make_unique<CounterRingReader>(std::move(reader));
  return collector_->Attach();
}

absl::Status CounterRig::Attach(pid_t pid, const std::vector<std::string>& events, int64_t interval_ns) {
  const std::vector<int32_t> pids = {pid};
  TargetOptions options{.counter_events = events, .counter_interval_ns = interval_ns};
  return registry_->Attach({.pids = pids, .options = options}).status();
}

absl::Status CounterRig::Detach(pid_t pid) {
  const std::vector<int32_t> pids = {pid};
  return registry_->Detach({.pids = pids}).status();
}

void CounterRig::DetachAll() {
  registry_->Detach({.all = true}).IgnoreError();  // nothing may be attached
}

void CounterRig::Settle() {
  for (int turn = 0; turn <= CounterPrograms::kPatienceTurns; ++turn) {
    programs().Settle();
    programs().FollowCpus();
  }
}

CounterSpan CounterRig::SumOf(pid_t pid) {
  CounterSpan sum;
  for (const ThreadCounterTotal& total : totals_->ThreadsOf(static_cast<uint32_t>(pid))) {
    EXPECT_EQ(total.unavailable, "") << total.thread.tid;
    Add(total.sum, &sum);
  }
  return sum;
}

CounterSpan CounterRig::PendingOf(pid_t pid) const {
  CounterSpan sum;
  const KernelView& view = collector_->view();
  for (size_t slot = 1; slot < view.slots.size(); ++slot) {
    if (view.slots[slot].state == HFT_SLOT_FREE || view.slots[slot].tgid != static_cast<uint32_t>(pid)) continue;
    const hft_counter_sum& pending = view.thread_counters[slot].pending;
    CounterSpan span{.on_cpu_ns = static_cast<int64_t>(pending.on_cpu_ns),
                     .enabled_ns = static_cast<int64_t>(pending.enabled_ns),
                     .running_ns = static_cast<int64_t>(pending.running_ns)};
    std::copy(std::begin(pending.values), std::end(pending.values), span.values.begin());
    Add(span, &sum);
  }
  return sum;
}

CounterSpan CounterRig::SpansOf(pid_t pid) {
  Drain();
  CounterSpan sum;
  for (const CounterSpan& span : sink_.spans) {
    if (span.thread.tgid == static_cast<uint32_t>(pid)) Add(span, &sum);
  }
  return sum;
}

size_t CounterRig::SpanCountOf(pid_t pid) {
  Drain();
  return static_cast<size_t>(std::count_if(sink_.spans.begin(), sink_.spans.end(),
                                           [pid](const CounterSpan& span) { return span.thread.tgid == static_cast<uint32_t>(pid); }));
}

uint64_t CounterRig::SwitchesOf(pid_t tid) const {
  const KernelView& view = collector_->view();
  const hft_thread_slot& slot = view.slots[view.slot_of_tid[static_cast<size_t>(tid)]];
  uint64_t count = 0;
  for (const __u32& kind : slot.kind_count) count += std::atomic_ref<__u32>(const_cast<__u32&>(kind)).load(std::memory_order_relaxed);
  return count;
}

}  // namespace hftmon::testing
