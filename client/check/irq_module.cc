#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "client/check/add_figures.h"
#include "client/check/modules.h"

namespace hftmon {
namespace {

constexpr int64_t kMillion = 1'000'000;
const std::set<std::string> kIpis{"reschedule", "call_function", "irq_work"};

int64_t DurationOf(const CheckInputs& inputs) {
  return std::max<int64_t>(1, inputs.interrupts_duration_ns);
}

bool IsChecked(const CheckScope& scope, int cpu) {
  return scope.cpus.empty() || scope.JudgesCpu(cpu);
}

// What interrupts took: of the judged threads; without a process of the CPUs. The share is the largest of one thread, or CPU.
void AddTaken(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result) {
  int64_t count = 0;
  int64_t sum_ns = 0;
  int64_t most_ns = 0;
  const auto add = [&](int64_t self_count, int64_t self_ns) {
    count += self_count;
    sum_ns += self_ns;
    most_ns = std::max(most_ns, self_ns);
  };
  if (scope.by_process) {
    for (const v1::ThreadInterrupts& thread : inputs.interrupts->threads()) {
      if (scope.Judges(thread.thread().tid())) add(static_cast<int64_t>(thread.count()), thread.self_ns());
    }
  } else {
    for (const v1::CpuInterrupts& cpu : inputs.interrupts->cpus()) {
      if (!scope.JudgesCpu(cpu.cpu())) continue;
      int64_t cpu_count = 0;
      int64_t cpu_ns = 0;
      for (const v1::InterruptSource& source : cpu.sources()) {
        cpu_count += static_cast<int64_t>(source.count());
        cpu_ns += source.self_ns();
      }
      add(cpu_count, cpu_ns);
    }
  }
  result->figures.push_back(Measured("interrupt_count", count));
  result->figures.push_back(Measured("interrupted_ns", sum_ns));
  result->figures.push_back(
      Measured("interrupted_ppm", static_cast<int64_t>(static_cast<double>(most_ns) * kMillion / static_cast<double>(DurationOf(inputs)))));
}

// Longer stretches than the floor are spikes; of the others the daemon keeps the longest since it began to watch.
void AddLongest(const CheckInputs& inputs, const CheckScope& scope, const std::vector<const v1::Spike*>& spikes, ModuleResult* result) {
  int64_t longest_ns = 0;
  for (const v1::Spike* spike : spikes) longest_ns = std::max(longest_ns, spike->duration_ns());
  if (longest_ns > 0) {
    result->figures.push_back(Measured("longest_interruption_ns", longest_ns));
    return;
  }
  int64_t bound_ns = 0;
  for (const v1::ThreadInterrupts& thread : inputs.interrupts->threads()) {
    if (scope.Judges(thread.thread().tid())) bound_ns = std::max(bound_ns, thread.stretch_max_ns());
  }
  if (SpikesAreWhole(inputs)) bound_ns = scope.by_process ? std::min(bound_ns, inputs.spikes->floor_ns()) : inputs.spikes->floor_ns();
  if (!scope.by_process && !SpikesAreWhole(inputs)) {
    result->figures.push_back(Unmeasured("longest_interruption_ns", "single interruptions of that time are not all known"));
    return;
  }
  CheckFigure figure = Measured("longest_interruption_ns", bound_ns);
  figure.certainty = CheckCertainty::kAtMost;
  result->figures.push_back(std::move(figure));
}

// As /proc/interrupts counts them.
void AddCpuCounts(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result) {
  int64_t devices = 0;
  int64_t timers = 0;
  int64_t ipis = 0;
  for (const v1::CpuInterrupts& cpu : inputs.interrupts->cpus()) {
    if (!IsChecked(scope, cpu.cpu())) continue;
    for (const v1::InterruptSource& source : cpu.sources()) {
      const auto count = static_cast<int64_t>(source.count());
      if (source.name() == "device") devices += count;
      if (source.name() == "local_timer") timers += count;
      if (kIpis.contains(source.name())) ipis += count;
    }
  }
  result->figures.push_back(Measured("device_count", devices));
  result->figures.push_back(Measured("local_timer_count", timers));
  result->figures.push_back(Measured("ipi_count", ipis));
}

void AddBuckets(const v1::DelaySums& durations, DurationRanks* ranks) {
  for (const v1::DelayBucket& bucket : durations.buckets()) ranks->Add(bucket.upper_ns(), bucket.count());
}

// Of buckets: at most a quarter too long.
void AddDurations(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result) {
  const v1::DeferredWork& deferred = inputs.interrupts->deferred();
  if (!deferred.collecting()) {
    const std::string reason = WhyNoGroup(inputs, "irq", deferred.reason());
    AddFigures(UnmeasuredPercentiles("handler", reason), result);
    AddFigures(UnmeasuredPercentiles("softirq", reason), result);
    AddUnmeasured({"handler_count", "softirq_count", "softirq_overlap_count"}, reason, result);
    return;
  }
  DurationRanks handlers;
  DurationRanks softirqs;
  int64_t overlaps = 0;
  for (const v1::CpuDeferred& cpu : deferred.cpus()) {
    if (!IsChecked(scope, cpu.cpu())) continue;
    for (const v1::HandlerDurations& handler : cpu.handlers()) AddBuckets(handler.duration(), &handlers);
    for (const v1::SoftirqDelay& softirq : cpu.softirqs()) {
      AddBuckets(softirq.duration(), &softirqs);
      overlaps += static_cast<int64_t>(softirq.overlapped_count());
    }
  }
  AddFigures(handlers.Percentiles("handler"), result);
  AddFigures(softirqs.Percentiles("softirq"), result);
  result->figures.push_back(Measured("handler_count", static_cast<int64_t>(handlers.count())));
  result->figures.push_back(Measured("softirq_count", static_cast<int64_t>(softirqs.count())));
  result->figures.push_back(Measured("softirq_overlap_count", overlaps));
}

bool IsSentTo(const v1::InterruptLine& line, const std::set<int>& cpus) {
  const auto& sent = line.effective_cpus().empty() ? line.allowed_cpus() : line.effective_cpus();
  return std::any_of(sent.begin(), sent.end(), [&cpus](int cpu) { return cpus.contains(cpu); });
}

void AddAffinity(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result) {
  constexpr char kKey[] = "affinity_violation_count";
  if (scope.cpus.empty()) {
    result->figures.push_back(Unmeasured(kKey, "no thread is bound to a CPU that an interrupt could be kept from: bind it (taskset -pc)"));
    return;
  }
  if (!inputs.interrupts->lines_unavailable().empty()) {
    result->figures.push_back(Unmeasured(kKey, inputs.interrupts->lines_unavailable()));
    return;
  }
  int64_t count = 0;
  for (const v1::InterruptLine& line : inputs.interrupts->lines()) count += IsSentTo(line, scope.cpus) ? 1 : 0;
  result->figures.push_back(Measured(kKey, count));
}

}  // namespace

ModuleResult CheckIrq(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits) {
  ModuleResult result;
  result.module = CheckModule::kIrq;
  result.begin_ns = inputs.begin_ns;
  result.end_ns = inputs.end_ns;
  const std::vector<const v1::Spike*> spikes = SpikesOf(inputs, scope, {"interrupted"});
  if (inputs.interrupts.ok()) {
    result.end_ns = inputs.interrupts->time().monotonic_ns();
    result.begin_ns = result.end_ns - inputs.interrupts_duration_ns;
    AddTaken(inputs, scope, &result);
    AddLongest(inputs, scope, spikes, &result);
    AddCpuCounts(inputs, scope, &result);
    AddDurations(inputs, scope, &result);
    AddAffinity(inputs, scope, &result);
    if (inputs.interrupts->unslotted_thread_count() > 0 || inputs.interrupts->late()) {
      AddFinding({.severity = CheckVerdict::kWarn,
                  .figure = "",
                  .text = "some threads are in no figure: see `hftmon status` (slots_exhausted, the loop's lateness)",
                  .advice = {}},
                 &result);
    }
  } else {
    const std::string reason = WhyNot(inputs.interrupts.status());
    AddUnmeasured({"interrupt_count", "interrupted_ns", "interrupted_ppm", "longest_interruption_ns", "device_count", "local_timer_count",
                   "ipi_count", "handler_count", "softirq_count", "softirq_overlap_count", "affinity_violation_count"},
                  reason, &result);
    AddFigures(UnmeasuredPercentiles("handler", reason), &result);
    AddFigures(UnmeasuredPercentiles("softirq", reason), &result);
  }
  SetWorstEvent(spikes, inputs, &result);
  Judge(limits, &result);
  return result;
}

}  // namespace hftmon
