#include "daemon/service/evidence/memory_look.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

namespace hftmon {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(5);

}  // namespace

LookTargets TargetsToLookAt(const TargetSelection& selection) {
  LookTargets targets{.plan = {.processes = {}, .exact = false, .keep_pages = false, .pages_max = kLookedPagesMax}};
  std::vector<NumaLookProcess>& processes = targets.plan.processes;
  for (const TargetInfo& target : selection.targets()) {
    if (target.state == TargetState::kEnded || target.state == TargetState::kPaused || target.kernel_thread) continue;
    processes.push_back({.pid = target.pid, .start_boottime_ns = target.start_boottime_ns});
  }
  std::sort(processes.begin(), processes.end(), [](const NumaLookProcess& a, const NumaLookProcess& b) { return a.pid < b.pid; });
  const auto same = [](const NumaLookProcess& a, const NumaLookProcess& b) { return a.pid == b.pid; };
  processes.erase(std::unique(processes.begin(), processes.end(), same), processes.end());
  targets.left_out_count = processes.size() - std::min(processes.size(), kLookedProcessesMax);
  processes.resize(processes.size() - targets.left_out_count);
  return targets;
}

absl::StatusOr<NumaLook> LookAtMemory(NumaLooks* looks, const NumaLookPlan& plan, const std::stop_token& stop) {
  const absl::StatusOr<std::unique_ptr<NumaLookRun>> run = looks->Begin(plan);
  if (!run.ok()) return run.status();
  bool cancelled = false;
  // It ends: a look is over after its pages, or soon after it was cancelled.
  while ((*run)->Result() == nullptr) {
    if (stop.stop_requested() && !cancelled) {
      (*run)->Cancel();
      cancelled = true;
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  if (cancelled) return absl::CancelledError("the look at memory was given up");
  return *(*run)->Result();
}

EvidenceCost CostOf(const NumaLook& look) {
  EvidenceCost cost;
  for (const NumaLookedProcess& process : look.processes) {
    if (!process.placement.ok()) continue;
    const LookCost& one = process.placement->look_cost;
    cost.look_count += one.call_count;
    cost.page_count += one.page_count;
    cost.beside_page_count += one.beside_page_count;
    cost.sum_ns += one.sum_ns;
    cost.longest_ns = std::max(cost.longest_ns, one.longest_ns);
  }
  return cost;
}

}  // namespace hftmon
