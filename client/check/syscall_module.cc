#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "client/check/add_figures.h"
#include "client/check/modules.h"

namespace hftmon {
namespace {

// Calls that end at a time of the caller's choosing or when something happens: a hot thread spins instead.
const std::set<std::string, std::less<>> kSleeps{"nanosleep",       "clock_nanosleep", "pause",      "poll",          "ppoll",
                                                 "select",          "pselect6",        "epoll_wait", "epoll_pwait",   "epoll_pwait2",
                                                 "rt_sigtimedwait", "wait4",           "waitid",     "rt_sigsuspend", "sched_yield"};

bool IsFutex(std::string_view name) {
  return name.starts_with("futex");
}

// Everything else that blocks: reads and writes of files, sockets and pipes, syncs, memory that had to be read, io_uring.
struct Blocked {
  int64_t futex = 0;
  int64_t futex_ns = 0;
  int64_t io = 0;
  int64_t io_ns = 0;
  int64_t sleep = 0;
  int64_t sleep_ns = 0;
  int64_t longest_ns = 0;  // since the daemon counts
};

void Add(const v1::CallSum& call, Blocked* blocked) {
  const auto count = static_cast<int64_t>(call.count());
  const bool futex = IsFutex(call.name());
  const bool sleep = !futex && kSleeps.contains(call.name());
  (futex ? blocked->futex : sleep ? blocked->sleep : blocked->io) += count;
  (futex ? blocked->futex_ns : sleep ? blocked->sleep_ns : blocked->io_ns) += call.blocked_ns();
  if (count > 0) blocked->longest_ns = std::max(blocked->longest_ns, call.longest_ns());
}

void AddCounts(const Blocked& blocked, ModuleResult* result) {
  result->figures.push_back(Measured("futex_wait_count", blocked.futex));
  result->figures.push_back(Measured("futex_wait_ns", blocked.futex_ns));
  result->figures.push_back(Measured("blocking_io_count", blocked.io));
  result->figures.push_back(Measured("blocking_io_ns", blocked.io_ns));
  result->figures.push_back(Measured("sleep_count", blocked.sleep));
  result->figures.push_back(Measured("sleep_ns", blocked.sleep_ns));
  result->figures.push_back(Measured("blocked_ns", blocked.futex_ns + blocked.io_ns + blocked.sleep_ns));
}

std::vector<const v1::Spike*> InCalls(std::vector<const v1::Spike*> spikes) {
  std::erase_if(spikes, [](const v1::Spike* spike) { return !spike->has_call(); });
  return spikes;
}

// Sleeps that go on are counted nowhere until they end: a thread that blocks for all of the time would look as if it never did.
void CountGoingOn(const std::vector<const v1::Spike*>& spikes, Blocked* blocked) {
  for (const v1::Spike* spike : spikes) {
    if (!spike->in_progress()) continue;
    v1::CallSum call;
    call.set_name(spike->call().name());
    call.set_count(1);
    call.set_blocked_ns(spike->duration_ns());
    call.set_longest_ns(spike->duration_ns());
    Add(call, blocked);
  }
}

}  // namespace

ModuleResult CheckSyscall(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits) {
  ModuleResult result;
  result.module = CheckModule::kSyscall;
  result.begin_ns = inputs.begin_ns;
  result.end_ns = inputs.end_ns;
  const std::vector<const v1::Spike*> spikes = InCalls(SpikesOf(inputs, scope, {"blocked"}));
  std::string why_none;
  std::vector<const v1::ThreadCalls*> threads;
  if (inputs.locks.ok()) {
    threads = AvailableRows(inputs.locks->threads(), inputs, scope, "locks", &why_none, &result);
  } else {
    why_none = WhyNot(inputs.locks.status());
  }
  if (threads.empty()) {
    AddUnmeasured({"futex_wait_count", "futex_wait_ns", "blocking_io_count", "blocking_io_ns", "sleep_count", "sleep_ns", "blocked_ns"},
                  why_none, &result);
    AddFigures(UnmeasuredPercentiles("blocked", why_none), &result);
  } else {
    Blocked blocked;
    for (const v1::ThreadCalls* thread : threads) {
      for (const v1::CallSum& call : thread->calls()) Add(call, &blocked);
      if (thread->has_others()) Add(thread->others(), &blocked);
    }
    CountGoingOn(spikes, &blocked);
    AddCounts(blocked, &result);
    const std::optional<int64_t> floor_ns =
        inputs.locks->has_blocked_floor_ns() ? std::optional<int64_t>(inputs.locks->blocked_floor_ns()) : std::nullopt;
    const auto count = static_cast<uint64_t>(blocked.futex + blocked.io + blocked.sleep);
    DurationRanks ranks = RanksOf(count, spikes, inputs, blocked.longest_ns, floor_ns);
    AddFigures(ranks.Percentiles("blocked"), &result);
    AddWindowFindings(*inputs.locks, &result);
  }
  SetWorstEvent(spikes, inputs, &result);
  Judge(limits, &result);
  return result;
}

}  // namespace hftmon
