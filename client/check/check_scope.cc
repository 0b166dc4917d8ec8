#include "client/check/check_scope.h"

#include <algorithm>

#include "common/cpu_list.h"

namespace hftmon {
namespace {

// Empty: not known.
std::set<int> AllowedCpus(const v1::ScheduledThread& thread) {
  const auto cpus = ParseCpuList(thread.scheduling().cpus_allowed());
  return cpus.ok() ? std::set<int>(cpus->begin(), cpus->end()) : std::set<int>();
}

bool IsWithin(const std::set<int>& part, const std::set<int>& whole) {
  return !part.empty() && std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

JudgedThread Describe(const v1::ScheduledThread& thread, const std::set<int>& allowed, int online_cpu_count) {
  return {.tid = thread.thread().tid(),
          .pid = thread.thread().pid(),
          .comm = thread.thread().comm(),
          .cpus_allowed = thread.scheduling().cpus_allowed(),
          .bound = !allowed.empty() && static_cast<int>(allowed.size()) < online_cpu_count,
          .ran = thread.cpu_time_ns() > 0};
}

void KeepBound(CheckScope* scope) {
  const bool some = std::any_of(scope->threads.begin(), scope->threads.end(), [](const JudgedThread& each) { return each.bound; });
  if (!some) return;
  const size_t before = scope->threads.size();
  std::erase_if(scope->threads, [](const JudgedThread& each) { return !each.bound; });
  scope->left_out_thread_count = static_cast<int64_t>(before - scope->threads.size());
}

}  // namespace

bool CheckScope::Judges(int32_t tid) const {
  return std::any_of(threads.begin(), threads.end(), [tid](const JudgedThread& each) { return each.tid == tid; });
}

CheckScope ScopeOf(const CheckInputs& inputs) {
  CheckScope scope;
  scope.by_process = !inputs.pids.empty();
  scope.cpus.insert(inputs.cpus.begin(), inputs.cpus.end());
  if (!inputs.threads.ok()) {
    scope.threads_unknown = WhyNot(inputs.threads.status());
    return scope;
  }
  for (const v1::ScheduledThread& thread : inputs.threads->threads()) {
    const std::set<int> allowed = AllowedCpus(thread);
    if (!scope.by_process && !IsWithin(allowed, scope.cpus)) continue;
    scope.threads.push_back(Describe(thread, allowed, inputs.online_cpu_count));
  }
  if (scope.by_process && !inputs.tids_given) KeepBound(&scope);
  std::sort(scope.threads.begin(), scope.threads.end(), [](const JudgedThread& a, const JudgedThread& b) { return a.tid < b.tid; });
  if (!scope.by_process || !scope.cpus.empty()) return scope;
  for (const JudgedThread& thread : scope.threads) {
    if (!thread.bound) continue;
    const auto cpus = ParseCpuList(thread.cpus_allowed);
    if (cpus.ok()) scope.cpus.insert(cpus->begin(), cpus->end());
  }
  return scope;
}

}  // namespace hftmon
