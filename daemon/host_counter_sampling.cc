#include "daemon/host_counter_sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/analysis/counter_rates.h"
#include "daemon/sampling_thread.h"
#include "daemon/with_reason.h"

namespace hftmon {
namespace {

constexpr uint32_t kSetNumber = 1;  // of every sampling: its spans meet no others
constexpr char kWhat[] = "its counters were";
constexpr char kNoCounter[] =
    "had no counter: hftmon's own counters or another user's hold them: `hftmon targets --set PID --cache no --counters none`, end other "
    "users of perf, or name fewer events";

int64_t ThreadCpuNs() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

CounterSet SetOf(const OverflowEvents& events) {
  CounterSet set{.number = kSetNumber, .events = {}, .interval_ns = 0};
  for (const ChosenEvent& event : events.events) {
    set.events.push_back({.name = event.name, .metric = event.metric, .counts = event.counts, .number_unchecked = event.number_unchecked});
  }
  return set;
}

// What the spans of each thread add up to.
class Windows {
 public:
  explicit Windows(std::vector<CounterRate> rates) : rates_(std::move(rates)) {}

  void Add(size_t number, const OverflowSpan& from) {
    // A thread that did not run any more has no rest.
    if (from.rest && from.enabled_ns == 0) return;
    CounterSpan span{.set = kSetNumber,
                     .cpu = from.cpu,
                     .begin_mono_ns = from.begin_mono_ns,
                     .end_mono_ns = from.end_mono_ns,
                     .on_cpu_ns = static_cast<int64_t>(from.enabled_ns),
                     .enabled_ns = static_cast<int64_t>(from.enabled_ns),
                     .running_ns = static_cast<int64_t>(from.running_ns)};
    const size_t count = std::min(from.values.size(), kThreadCountersMax);
    for (size_t place = 0; place < count; ++place) {
      span.values[place] = from.values[place];
      span.counted |= static_cast<uint16_t>(1u << place);
    }
    SampledCounters& thread = threads_[number];
    thread.throttled_span_count += from.throttled ? 1 : 0;
    if (!from.rest) thread.widths.Add(from.end_mono_ns - from.begin_mono_ns);
    if (from.rest || from.throttled) return thread.window.Add(SpanRates(rates_.size()), span);
    thread.window.Add(rates_, span);
  }

  SampledCounters Take(size_t number) {
    const auto taken = threads_.extract(number);
    return taken.empty() ? SampledCounters() : std::move(taken.mapped());
  }
  const std::vector<CounterRate>& rates() const { return rates_; }

 private:
  const std::vector<CounterRate> rates_;
  std::unordered_map<size_t, SampledCounters> threads_;  // by their place in ProcessOverflows
};

// One entry for all threads that had to do without, each of which the kernel may have told in its own way.
void TellStarved(bool one_kind_of_cores, CounterSamples* samples) {
  const auto count = std::count_if(samples->threads.begin(), samples->threads.end(), [&](const SampledCounters& thread) {
    // On cores of another kind there is no counter either, which is told already.
    return thread.counts.starved || (!one_kind_of_cores && thread.window.enabled_ns > 0 && thread.window.running_ns == 0);
  });
  if (count > 0) samples->unavailable.emplace_back(fmt::format("{} of {} threads", count, samples->threads.size()), kNoCounter);
}

}  // namespace

class HostCounterSampling::Run final : public CounterSamplingRun {
 public:
  Run(HostCounterSampling* owner, const CounterSamplingPlan& plan) : owner_(owner), parts_(owner->parts_), plan_(plan) {
    thread_.emplace("hftmon_overflow", [this](Thread& thread) { return Sample(thread); });
  }
  ~Run() override {
    // Its place is free when nothing of it is open any more.
    thread_.reset();
    owner_->Leave(plan_.pid);
  }

  void Cancel() override { thread_->Cancel(); }
  const absl::StatusOr<CounterSamples>* Result() const override { return thread_->result(); }

 private:
  using Thread = SamplingThread<CounterSamples>;

  absl::StatusOr<CounterSamples> Sample(Thread& thread);
  absl::StatusOr<ProcessOverflows> Open(Thread& thread, CounterSamples* samples);
  // Not OK: cancelled, quiet mode, or off.
  absl::Status GoOn(Thread& thread) const;
  // Returns when the time is over or the process has ended, which is true. NOT_FOUND: it was detached.
  absl::StatusOr<bool> Gather(Thread& thread, ProcessOverflows& overflows, ProcessOverflows::Visit visit, int64_t begin_mono_ns);

  HostCounterSampling* const owner_;
  const Parts& parts_;
  const CounterSamplingPlan plan_;
  uint64_t tried_cross_call_count_ = 0;  // the thread's own
  bool one_kind_of_cores_ = false;       // the thread's own
  absl::Status refused_;                 // the thread's own: what GoOn said while threads were opened
  std::optional<Thread> thread_;         // last: it uses the others
};

absl::Status HostCounterSampling::Run::GoOn(Thread& thread) const {
  return thread.Wait(0) ? absl::CancelledError("sampling was cancelled") : parts_.admit();
}

absl::StatusOr<ProcessOverflows> HostCounterSampling::Run::Open(Thread& thread, CounterSamples* samples) {
  const PerfEventRefusalFacts facts = parts_.facts();
  absl::StatusOr<OverflowEvents> events = parts_.events(facts, plan_);
  if (!events.ok()) return WithReason(events.status(), "NO_COUNTERS");
  samples->set = SetOf(*events);
  samples->overflow_event = events->overflow.event.name;
  samples->overflow_period = events->overflow.period;
  samples->overflow_reason = events->overflow.reason;
  samples->unavailable = std::move(events->unavailable);
  tried_cross_call_count_ = events->cross_call_count;
  one_kind_of_cores_ = events->one_kind_of_cores;
  const auto go_on = [this, &thread] { return refused_ = GoOn(thread); };
  absl::StatusOr<ProcessOverflows> overflows = ProcessOverflows::Open(
      {.calls = parts_.calls, .memory = parts_.memory, .clock = parts_.clock, .threads = parts_.threads, .go_on = go_on},
      static_cast<pid_t>(plan_.pid), std::move(events->overflow), std::move(events->members), {.rate_hz = plan_.rate_hz, .facts = facts});
  if (!refused_.ok()) return refused_;
  if (absl::IsNotFound(overflows.status())) return EndedBefore(plan_.pid, kWhat);
  if (absl::IsFailedPrecondition(overflows.status())) return WithReason(overflows.status(), "NO_COUNTERS");
  // Asked now: it had not ended when it was opened, so those are its threads.
  if (!overflows.ok()) return overflows;
  const SampledProcess process = parts_.look_at(plan_.pid, plan_.start_boottime_ns);
  if (absl::Status runs = CheckRuns(process, plan_.pid, kWhat); !runs.ok()) return runs;
  return overflows;
}

absl::StatusOr<bool> HostCounterSampling::Run::Gather(Thread& thread, ProcessOverflows& overflows, ProcessOverflows::Visit visit,
                                                      int64_t begin_mono_ns) {
  const int64_t over_ns = begin_mono_ns + plan_.duration_ns;
  int64_t next_look_ns = begin_mono_ns + kLookIntervalNs;
  for (int64_t now_ns = begin_mono_ns; now_ns < over_ns; now_ns = parts_.clock->NowNs()) {
    if (thread.Wait(std::min(kDrainIntervalNs, over_ns - now_ns))) return absl::CancelledError("sampling was cancelled");
    if (absl::Status admitted = parts_.admit(); !admitted.ok()) return admitted;
    overflows.Drain(visit);
    if (parts_.clock->NowNs() < next_look_ns) continue;
    next_look_ns = parts_.clock->NowNs() + kLookIntervalNs;
    const SampledProcess process = parts_.look_at(plan_.pid, plan_.start_boottime_ns);
    if (process == SampledProcess::kNotTarget) return Detached(plan_.pid, kWhat);
    if (process == SampledProcess::kEnded) return true;
    const absl::Status looked = overflows.Look();
    if (absl::IsNotFound(looked)) return true;
    if (!looked.ok()) return looked;
  }
  const SampledProcess process = parts_.look_at(plan_.pid, plan_.start_boottime_ns);
  if (process == SampledProcess::kNotTarget) return Detached(plan_.pid, kWhat);
  return process == SampledProcess::kEnded;
}

absl::StatusOr<CounterSamples> HostCounterSampling::Run::Sample(Thread& thread) {
  CounterSamples samples;
  absl::StatusOr<ProcessOverflows> overflows = Open(thread, &samples);
  if (!overflows.ok()) return overflows.status();
  Windows windows(RatesOf(samples.set));
  const auto add = [&windows](size_t number, const OverflowSpan& span) { windows.Add(number, span); };
  samples.begin_mono_ns = parts_.clock->NowNs();
  if (absl::Status begun = overflows->Begin(); !begun.ok()) return begun;
  const absl::StatusOr<bool> process_ended = Gather(thread, *overflows, add, samples.begin_mono_ns);
  const absl::Status ended = overflows->End(add);
  samples.end_mono_ns = parts_.clock->NowNs();
  if (!process_ended.ok()) return process_ended.status();
  if (!ended.ok()) return ended;
  samples.process_ended = *process_ended;
  samples.sample_rate_max_hz = parts_.sample_rate_max();
  samples.rates = windows.rates();
  samples.counts = overflows->counts();
  samples.counts.cross_call_count_max += tried_cross_call_count_;
  for (const ThreadOverflowFigures& figures : overflows->threads()) {
    SampledCounters counters = windows.Take(samples.threads.size());
    counters.tid = static_cast<uint32_t>(figures.tid);
    counters.born = figures.born;
    counters.counts = figures.counts;
    samples.threads.push_back(std::move(counters));
  }
  TellStarved(one_kind_of_cores_, &samples);
  samples.daemon_cpu_ns = ThreadCpuNs();
  return samples;
}

absl::StatusOr<std::unique_ptr<CounterSamplingRun>> HostCounterSampling::Begin(const CounterSamplingPlan& plan) {
  if (absl::Status admitted = parts_.admit(); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  if (pids_.contains(plan.pid)) {
    return WithReason(absl::ResourceExhaustedError(fmt::format(
                          "counters of process {} are sampled already, by one call at a time: call again when it is over", plan.pid)),
                      "SAMPLING");
  }
  if (pids_.size() >= kRunsMax) {
    return WithReason(
        absl::ResourceExhaustedError(fmt::format(
            "counters of {} processes are sampled, and no more are at once: call again when one of them is over", pids_.size())),
        "SAMPLING");
  }
  pids_.insert(plan.pid);
  return std::make_unique<Run>(this, plan);
}

Bound HostCounterSampling::bound() const {
  std::lock_guard lock(mutex_);
  return {.name = "counter_samplings", .used = static_cast<int64_t>(pids_.size()), .limit = static_cast<int64_t>(kRunsMax)};
}

void HostCounterSampling::Leave(uint32_t pid) {
  std::lock_guard lock(mutex_);
  pids_.erase(pid);
}

}  // namespace hftmon
