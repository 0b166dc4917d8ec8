#include "common/metric_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>

#include "common/counter_rate_rows.h"
#include "common/near_names.h"

namespace hftmon {
namespace {

constexpr MetricKind kCounter = MetricKind::kCounter;
constexpr MetricKind kGauge = MetricKind::kGauge;
constexpr MetricKind kPercentile = MetricKind::kPercentile;

constexpr std::array kThreadMetrics = {
    MetricRow{"context_switches_voluntary_count", "count", kCounter, 0,
              "Switches in which the thread gave up its CPU: it slept or was blocked.", "task->nvcsw, copied at each switch of the thread"},
    MetricRow{"context_switches_involuntary_count", "count", kCounter, 0,
              "Switches in which a thread that could have run was taken off its CPU.", "task->nivcsw, copied at each switch of the thread"},
    MetricRow{"migrations_count", "count", kCounter, 0, "Moves of the thread to another CPU.", "sched_migrate_task"},
    MetricRow{"run_queue_wait_sum_ns", "ns", kCounter, 0, "Time the thread could have run and waited for a CPU.",
              "task->sched_info.run_delay, copied at each switch of the thread"},
    MetricRow{"run_queue_latency_p50_ns", "ns", kPercentile, 50, "Median wait for a CPU.", "sched_switch, histogram made in the kernel"},
    MetricRow{"run_queue_latency_p99_ns", "ns", kPercentile, 99, "99th percentile of the waits for a CPU.",
              "sched_switch, histogram made in the kernel"},
    MetricRow{"run_queue_latency_p99_9_ns", "ns", kPercentile, 99.9, "99.9th percentile of the waits for a CPU.",
              "sched_switch, histogram made in the kernel"},
    MetricRow{"run_queue_latency_max_ns", "ns", kGauge, 0, "Longest wait for a CPU that ended in the window.", "sched_switch"},
    MetricRow{"off_cpu_sum_ns", "ns", kCounter, 0, "Time off the CPU, from switch-out to switch-in, the wait for a CPU included.",
              "sched_switch, run queue's clock"},
    MetricRow{"off_cpu_p50_ns", "ns", kPercentile, 50, "Median time off the CPU.", "sched_switch, histogram made in the kernel"},
    MetricRow{"off_cpu_p99_ns", "ns", kPercentile, 99, "99th percentile of the times off the CPU.",
              "sched_switch, histogram made in the kernel"},
    MetricRow{"off_cpu_max_ns", "ns", kGauge, 0, "Longest time off the CPU that ended in the window.", "sched_switch"},
    MetricRow{"run_queue_depth_mean", "threads", kGauge, 0,
              "Mean number of runnable threads on the CPU at switch-in, the thread itself included.", "rq->nr_running at sched_switch"},
    MetricRow{"interrupted_sum_ns", "ns", kCounter, 0, "What interrupts of all levels took from the thread while it had its CPU.",
              "entry and exit tracepoints of interrupts, self times"},
    MetricRow{"interrupted_hard_irq_ns", "ns", kCounter, 0, "Of that: hard interrupts, IPIs and the local timer among them.",
              "irq_handler_*, irq_vectors"},
    MetricRow{"interrupted_softirq_ns", "ns", kCounter, 0, "Of that: softirqs.", "softirq_entry, softirq_exit"},
    MetricRow{"interrupted_nmi_ns", "ns", kCounter, 0, "Of that: non-maskable interrupts.", "nmi_handler"},
    MetricRow{"spikes_count", "count", kCounter, 0, "Latency spikes that ended in the window.", "the daemon's spike detector"},
};

constexpr std::array kDrops = {
    DropRow{"ring_lost_records", true,
            "Kernel records overwritten before the housekeeping thread read them: enlarge the ring or raise the thresholds."},
    DropRow{"stuck_cells_skipped", true, "Ring cells reserved but not written within 1 ms, skipped: each is a record lost."},
    DropRow{"recursion_misses", true, "Runs of a BPF program that the kernel skipped because it was already running on that CPU."},
    DropRow{"unslotted_switches", true,
            "Switches of watched processes' threads that have no slot, so they are in no figure: watch fewer threads or raise the thread "
            "limit."},
    DropRow{"foreign_switches", true,
            "Switches of a thread whose slot another thread's tid leads to, while exec by a non-leader exchanges them: in no histogram."},
    DropRow{"unseen_switch_ins", true,
            "Times a watched thread left its CPU without having been seen coming, because the kernel hid that switch from programs: counts "
            "and run-queue sums are exact, histograms and off-CPU times are short by so many."},
    DropRow{"discarded_intervals", true, "Intervals whose end lay before their start on the scheduler's clock: in no histogram."},
    DropRow{"life_queue_dropped", true,
            "Births, execs and ends of threads that the control thread could not take over in time: detach and attach the target to see "
            "its threads as they are."},
    DropRow{"window_store_dropped", true, "Thread figures of a window bucket that did not fit the store: raise the store's size."},
    DropRow{"refused_children", true,
            "Children of watched processes not watched because the daemon's limit of targets was reached: raise it (targets_max)."},
    DropRow{"forgotten_targets", false, "Ended targets no longer listed, because many ended after them."},
    DropRow{"slots_exhausted", false,
            "Threads of watched processes not watched because every thread slot was taken: raise the thread limit."},
    DropRow{"unbinned_durations", false,
            "Durations that are in every count, sum and maximum and in no percentile, because all histogram pages were in use: watch fewer "
            "threads."},
    DropRow{"pid_too_large", false,
            "Threads not watched because their id is above kernel.pid_max as it was when the daemon started: restart the daemon."},
    DropRow{"migration_segments_dropped", false,
            "Parts of waits spent on further CPUs that could not be kept apart: that time is in the spike as unexplained."},
    DropRow{"stalls_not_followed", false,
            "Stalls that went on and were told at their end only, because too many waits were followed at the time."},
    DropRow{"wakers_unknown", true,
            "Sleeps of threads whose waker is asked for that ended without the record of the wake-up: those spikes say that the waker is "
            "unknown."},
    DropRow{"stacks_lost", true,
            "Stacks that were asked for and overwritten or dropped before they could be unwound: raise the thresholds."},
    DropRow{"stacks_unavailable", false, "Stacks of which a part could not be had: the answer that lacks it says why."},
    DropRow{"unwind_failures", false,
            "Unwinding processes that crashed or took too long, by what a watched program maps: each cost one stack, which says so."},
    DropRow{
        "counter_spans_lost", true,
        "Spans of threads' counters overwritten before they were read, which windows and rates miss and totals have: raise the interval "
        "(--counter-interval), or count fewer threads."},
    DropRow{"counter_readings_failed", true,
            "Readings that a CPU refused, or in which its events stood still, as after it was offline; those stretches of threads are in "
            "no count: keep CPUs online while threads are counted."},
    DropRow{"counter_values_discarded", true,
            "Values of a CPU's event that were below the one before, which are in no count: choose another event, this one does not only "
            "rise."},
    DropRow{"subscriber_dropped", false,
            "Stream messages dropped because a subscriber read too slowly; its stream says how many: read faster or raise queue_limit."},
    DropRow{"connections_refused", false,
            "Connections closed at once because only the daemon's reserve of open files was left: raise its limit (LimitNOFILE)."},
};

constexpr char kHowCounted[] = ", read by programs at each switch of the thread and at the ticks of its CPU";

constexpr std::array kCounterTimes = {
    MetricRow{"counted_on_cpu_sum_ns", "ns", kCounter, 0, "Time on its CPU in which the thread's events were counted.",
              "readings of the thread's events, by programs at each of its switches and at the ticks of its CPU",
              MetricOrigin::kCounterTime, "", "any event"},
    MetricRow{"counter_running_ratio", "ratio", kGauge, 0,
              "Share of that time in which the events had counters: below 1 they took turns (multiplexed), and values are estimated.",
              "time_enabled and time_running of perf events, read as counted_on_cpu_sum_ns", MetricOrigin::kCounterTime, "", "any event"},
};

// All rows, and the texts that those are made of that are made here.
class Catalogue {
 public:
  Catalogue() {
    rows_.assign(kThreadMetrics.begin(), kThreadMetrics.end());
    rows_.insert(rows_.end(), kCounterTimes.begin(), kCounterTimes.end());
    for (const CounterRateRow& rate : CounterRateRows()) {
      const std::string_view source = Text(fmt::format("the processor's events {}{}", rate.events, kHowCounted));
      AddRate({rate.name, rate.unit, kGauge, 0, rate.help, source, MetricOrigin::kCounterRate, rate.name, rate.events},
              rate.low_is_bad ? 1 : 99);
    }
    for (const CounterEventRow& event : CounterEventRows()) {
      const std::string_view source = Text(fmt::format("perf's software event {}{}", event.event, kHowCounted));
      rows_.push_back({Text(fmt::format("{}_count", event.name)), "count", kCounter, 0, Text(fmt::format("{}.", event.what)), source,
                       MetricOrigin::kCounterEvent, event.event, event.event});
      AddRate({Text(fmt::format("{}_per_second", event.name)), "per_second", kGauge, 0,
               Text(fmt::format("{}, by second on the CPU.", event.what)), source, MetricOrigin::kCounterRate,
               Text(fmt::format("{}_per_second", event.event)), event.event},
              99);
    }
  }

  std::span<const MetricRow> rows() const { return rows_; }

 private:
  std::string_view Text(std::string text) { return texts_.emplace_back(std::move(text)); }
  // Its mean, its median and the percentile of its bad end.
  void AddRate(const MetricRow& mean, int bad_percent) {
    rows_.push_back(mean);
    for (const int percent : {50, bad_percent}) {
      MetricRow row = mean;
      row.name = Text(fmt::format("{}_p{}", mean.name, percent));
      row.kind = kPercentile;
      row.percent = percent;
      row.help = Text(fmt::format("{} Spans whose rate was at most that took {} % of the counted time.", mean.help, percent));
      rows_.push_back(row);
    }
  }

  std::deque<std::string> texts_;  // which do not move
  std::vector<MetricRow> rows_;
};

}  // namespace

std::span<const MetricRow> MetricRows() {
  static const Catalogue catalogue;
  return catalogue.rows();
}
std::span<const DropRow> DropRows() {
  return kDrops;
}

const MetricRow* FindMetric(std::string_view name) {
  const std::span<const MetricRow> rows = MetricRows();
  const auto found = std::find_if(rows.begin(), rows.end(), [name](const MetricRow& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

const DropRow* FindDrop(std::string_view name) {
  const auto found = std::find_if(kDrops.begin(), kDrops.end(), [name](const DropRow& row) { return row.name == name; });
  return found == kDrops.end() ? nullptr : &*found;
}

std::string_view MetricKindName(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kGauge:
      return "gauge";
    case MetricKind::kPercentile:
      return "percentile";
  }
  return "unknown";
}

std::vector<std::string_view> NearMetricNames(std::string_view name, size_t limit) {
  std::vector<std::string_view> names;
  names.reserve(MetricRows().size());
  for (const MetricRow& row : MetricRows()) names.push_back(row.name);
  return NearNames(name, names, limit);
}

std::string UnknownMetricMessage(std::string_view name) {
  const std::vector<std::string_view> near = NearMetricNames(name);
  const std::string_view shown = name.substr(0, 64);
  if (near.empty()) return fmt::format("metric '{}' does not exist: ListMetrics (`hftmon metrics --list`) names them all", shown);
  return fmt::format("metric '{}' does not exist: did you mean {}? ListMetrics (`hftmon metrics --list`) names them all", shown,
                     fmt::join(near, " or "));
}

}  // namespace hftmon
