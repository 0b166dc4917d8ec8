#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "client/check/duration_ranks.h"
#include "client/check/judgement.h"
#include "client/check/modules.h"
#include "client/check/worst_event.h"

namespace hftmon {
namespace {

const std::set<std::string> kWaits{"preempted", "run_queue"};

std::vector<const v1::ThreadSwitches*> JudgedSwitches(const CheckInputs& inputs, const CheckScope& scope) {
  std::vector<const v1::ThreadSwitches*> judged;
  for (const v1::ThreadSwitches& thread : inputs.switches->threads()) {
    // One that ended before its scheduling was read is in no scope; of the processes it is one all the same where nobody is bound.
    const bool unknown_scope = scope.by_process && scope.threads.empty();
    if (unknown_scope || scope.Judges(thread.thread().tid())) judged.push_back(&thread);
  }
  return judged;
}

// Of one thread. What the daemon has too few samples for is the longest wait.
CheckFigure PercentileOf(const v1::DurationStatistics& waits, const CheckPercentile& wanted, std::string key) {
  CheckFigure figure = Measured(std::move(key), waits.max_ns());
  figure.certainty = CheckCertainty::kLargestSeen;
  if (waits.unbinned_count() > 0) return figure;  // its percentiles are of the others
  for (const v1::Percentile& percentile : waits.percentiles()) {
    if (percentile.percent() != wanted.percent) continue;
    figure.value = percentile.value_ns();
    figure.certainty = CheckCertainty::kMeasured;
  }
  return figure;
}

int64_t LongestGoingOn(const std::vector<const v1::Spike*>& spikes) {
  int64_t longest_ns = 0;
  for (const v1::Spike* spike : spikes) longest_ns = std::max(longest_ns, spike->in_progress() ? spike->duration_ns() : 0);
  return longest_ns;
}

// Each of the thread that has the largest: no percentile of all waits together is above it. A wait that goes on is one more, and counts
// where a largest one is told.
void AddWaits(const std::vector<const v1::ThreadSwitches*>& threads, const std::vector<const v1::Spike*>& spikes, ModuleResult* result) {
  const int64_t going_on_ns = LongestGoingOn(spikes);
  for (const CheckPercentile& wanted : kCheckPercentiles) {
    CheckFigure worst = Measured(std::string(wanted.prefix) + "_runqueue_ns", 0);
    worst.certainty = CheckCertainty::kLargestSeen;
    for (const v1::ThreadSwitches* thread : threads) {
      if (thread->run_queue_latency().count() == 0) continue;
      CheckFigure figure = PercentileOf(thread->run_queue_latency(), wanted, worst.key);
      if (*figure.value >= *worst.value) worst = std::move(figure);
    }
    if (worst.certainty == CheckCertainty::kLargestSeen) worst.value = std::max(*worst.value, going_on_ns);
    result->figures.push_back(std::move(worst));
  }
  int64_t longest_ns = going_on_ns;
  int64_t count = 0;
  for (const v1::ThreadSwitches* thread : threads) {
    longest_ns = std::max(longest_ns, thread->run_queue_latency().max_ns());
    count += static_cast<int64_t>(thread->run_queue_latency().count());
  }
  result->figures.push_back(Measured("max_runqueue_ns", longest_ns));
  result->figures.push_back(Measured("runqueue_count", count));
}

void AddUnmeasuredWaits(const std::string& reason, ModuleResult* result) {
  std::vector<CheckFigure> figures = UnmeasuredPercentiles("runqueue", reason);
  std::move(figures.begin(), figures.end(), std::back_inserter(result->figures));
  result->figures.push_back(Unmeasured("max_runqueue_ns", reason));
  result->figures.push_back(Unmeasured("runqueue_count", reason));
}

// Nobody that is bound to these CPUs ran there. Of those who only visited, each wait there above the floor is a spike.
void AddVisitorsWaits(const CheckInputs& inputs, const std::vector<const v1::Spike*>& spikes, ModuleResult* result) {
  if (!SpikesAreWhole(inputs)) {
    AddUnmeasuredWaits("no thread that is bound to these CPUs ran there, and single waits are not all known", result);
    return;
  }
  int64_t longest_ns = 0;
  for (const v1::Spike* spike : spikes) longest_ns = std::max(longest_ns, spike->duration_ns());
  for (const CheckPercentile& wanted : kCheckPercentiles) {
    CheckFigure figure = Measured(std::string(wanted.prefix) + "_runqueue_ns", std::max(longest_ns, inputs.spikes->floor_ns()));
    figure.certainty = longest_ns > 0 ? CheckCertainty::kLargestSeen : CheckCertainty::kAtMost;
    result->figures.push_back(std::move(figure));
  }
  CheckFigure longest = Measured("max_runqueue_ns", std::max(longest_ns, inputs.spikes->floor_ns()));
  longest.certainty = longest_ns > 0 ? CheckCertainty::kMeasured : CheckCertainty::kAtMost;
  result->figures.push_back(std::move(longest));
  result->figures.push_back(
      Unmeasured("runqueue_count", "waits of threads that are not bound to these CPUs are counted wherever they were"));
}

void AddCounts(const std::vector<const v1::ThreadSwitches*>& threads, ModuleResult* result) {
  int64_t voluntary = 0;
  int64_t involuntary = 0;
  int64_t migrations = 0;
  for (const v1::ThreadSwitches* thread : threads) {
    voluntary += static_cast<int64_t>(thread->voluntary_count());
    involuntary += static_cast<int64_t>(thread->involuntary_count());
    migrations += static_cast<int64_t>(thread->migration_count());
  }
  result->figures.push_back(Measured("voluntary_count", voluntary));
  result->figures.push_back(Measured("involuntary_count", involuntary));
  result->figures.push_back(Measured("migration_count", migrations));
}

void AddVisitors(const CheckInputs& inputs, ModuleResult* result) {
  if (inputs.cpus.empty()) return;
  if (!inputs.rule.ok()) {
    result->figures.push_back(Unmeasured("visitor_count", WhyNot(inputs.rule.status())));
    return;
  }
  int64_t visits = static_cast<int64_t>(inputs.rule->unnamed_visit_count());
  std::set<int32_t> processes(inputs.rule->pids().begin(), inputs.rule->pids().end());
  for (const v1::CpuVisit& visit : inputs.rule->visits()) {
    if (visit.count() == 0) continue;
    visits += static_cast<int64_t>(visit.count());
    processes.insert(visit.last_pid());
  }
  // Who came, ended and was found before is in the rule's own count alone.
  const auto known = std::max(static_cast<int64_t>(processes.size()), static_cast<int64_t>(inputs.rule->found_count()));
  result->figures.push_back(Measured("visitor_count", known));
  result->figures.push_back(Measured("visit_count", visits));
  if (inputs.rule->refused_count() > 0) {
    AddFinding({.severity = CheckVerdict::kWarn,
                .figure = "visitor_count",
                .text = "processes that ran there could not be watched: a bound of the daemon's was reached: see `hftmon status`",
                .advice = {}},
               result);
  }
}

bool AnybodyRan(const CheckScope& scope) {
  return std::any_of(scope.threads.begin(), scope.threads.end(), [](const JudgedThread& thread) { return thread.ran; });
}

}  // namespace

ModuleResult CheckIsolation(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits) {
  ModuleResult result;
  result.module = CheckModule::kIsolation;
  result.begin_ns = inputs.begin_ns;
  result.end_ns = inputs.end_ns;
  const std::vector<const v1::Spike*> spikes = SpikesOf(inputs, scope, kWaits);
  if (!inputs.switches.ok()) {
    AddUnmeasuredWaits(WhyNot(inputs.switches.status()), &result);
    if (scope.by_process) {
      for (const char* key : {"voluntary_count", "involuntary_count", "migration_count"}) {
        result.figures.push_back(Unmeasured(key, WhyNot(inputs.switches.status())));
      }
    }
  } else {
    result.begin_ns = inputs.switches->window().begin_monotonic_ns();
    result.end_ns = inputs.switches->window().end_monotonic_ns();
    const std::vector<const v1::ThreadSwitches*> threads = JudgedSwitches(inputs, scope);
    if (scope.by_process ? AnybodyRan(scope) || LongestGoingOn(spikes) > 0 : !threads.empty()) {
      AddWaits(threads, spikes, &result);
    } else if (scope.by_process) {
      AddUnmeasuredWaits(scope.threads_unknown.empty() ? "no judged thread ran in that time" : scope.threads_unknown, &result);
    } else {
      AddVisitorsWaits(inputs, spikes, &result);
    }
    // Kernel threads of a CPU give way to each other all the time: on --cpus who came is judged, not how.
    if (scope.by_process) AddCounts(threads, &result);
    AddWindowFindings(*inputs.switches, &result);
  }
  AddVisitors(inputs, &result);
  SetWorstEvent(spikes, inputs, &result);
  Judge(limits, &result);
  return result;
}

}  // namespace hftmon
