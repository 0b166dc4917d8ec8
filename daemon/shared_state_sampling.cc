#include "daemon/shared_state_sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/cpu_list.h"
#include "daemon/ingest/departure.h"
#include "daemon/ingest/watched_slot.h"
#include "daemon/ring/shared_word.h"
#include "daemon/with_reason.h"

namespace hftmon {
std::string WhoSharesLoopCpu(const HostFacts& facts, const std::vector<int>& usable_cpus) {
  const bool others_elsewhere = std::any_of(usable_cpus.begin(), usable_cpus.end(), [&](int cpu) { return cpu != facts.loop_cpu; });
  if (!others_elsewhere) {
    return fmt::format(
        "CPU {} is the only one that the daemon may use, and whatever else runs there would wait: let it use a second one "
        "(AllowedCPUs= of its unit, taskset)",
        facts.loop_cpu);
  }
  if (facts.watched_pinned_here) {
    return fmt::format("a watched thread is pinned to the loop's CPU {} and would wait: give the loop another CPU (hftmond --cpu)",
                       facts.loop_cpu);
  }
  if (facts.core_shared && !facts.loop_cpu_reserved) {
    return fmt::format(
        "another CPU of the core of the loop's CPU {} is isolated and would be slowed: give the loop another CPU (hftmond --cpu)",
        facts.loop_cpu);
  }
  return "";
}

absl::Status SharedStateSampling::Begin(const StateSamplingPlan& plan) {
  if (LoadRelaxed(parts_.view.controls->off) != 0) {
    return WithReason(absl::FailedPreconditionError("the programs are off, nothing tells what CPUs do: hftmon on"), "OFF");
  }
  const std::string shared = parts_.shared();
  if (!shared.empty() && plan.interval_ns < kSharedIntervalMinNs) {
    return WithReason(absl::FailedPreconditionError(fmt::format(
                          "an interval of {} ns keeps the loop's CPU busy without a rest, but {}; or give an interval of 100 us or more",
                          plan.interval_ns, shared)),
                      "SHARED_CPU");
  }
  const absl::StatusOr<std::vector<int>> cpus = ChooseCpus(plan.cpus);
  if (!cpus.ok()) return cpus.status();
  if (!parts_.sampler->Begin(
          {.cpus = *cpus, .duration_ns = plan.duration_ns, .interval_ns = plan.interval_ns, .may_spin = shared.empty()})) {
    return WithReason(
        absl::ResourceExhaustedError("somebody samples the states of CPUs already, one at a time can: call again when it is over"),
        "SAMPLING");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int>> SharedStateSampling::ChooseCpus(const std::vector<int>& asked) const {
  if (asked.empty()) {
    std::vector<int> cpus = CpusOfWatched();
    if (!cpus.empty()) return cpus;
    return WithReason(absl::FailedPreconditionError("no watched thread has been seen on a CPU: name the CPUs, or attach a process first"),
                      "NO_CPU");
  }
  const std::vector<int> online = parts_.online_cpus();
  for (const int cpu : asked) {
    const bool known = cpu >= 0 && static_cast<size_t>(cpu) < parts_.view.cpus.size();
    if (known && std::find(online.begin(), online.end(), cpu) != online.end()) continue;
    return WithReason(absl::NotFoundError(fmt::format("CPU {} is {}: give CPUs of {}", cpu, known ? "not online" : "none of this host's",
                                                      FormatCpuList(online))),
                      "NOT_A_CPU");
  }
  return asked;
}

// Of those that run the CPU that shows them, of the others the one that they left last.
std::vector<int> SharedStateSampling::CpusOfWatched() const {
  const KernelView& view = parts_.view;
  std::set<int> cpus;
  for (size_t i = 1; i < view.slots.size(); ++i) {
    hft_thread_slot& slot = view.slots[i];
    if (!IsWatchedSlot(view, static_cast<uint32_t>(i), LoadRelaxed(slot.tid), LoadRelaxed(slot.tgid))) continue;
    if (LoadRelaxed(slot.out_clock_ns) != 0) cpus.insert(LoadDeparture(slot).cpu);
  }
  for (size_t cpu = 0; cpu < view.cpus.size(); ++cpu) {
    CpuState state;
    if (!state.Read(view, static_cast<uint32_t>(cpu)) || !state.known || state.tid == 0 || state.tid >= view.slot_of_tid.size()) continue;
    const uint16_t slot = LoadRelaxed(view.slot_of_tid[state.tid]);
    if (slot == HFT_NO_SLOT || slot >= view.slots.size()) continue;
    if (IsWatchedSlot(view, slot, state.tid, state.tgid)) cpus.insert(static_cast<int>(cpu));
  }
  std::erase_if(cpus, [&](int cpu) { return static_cast<size_t>(cpu) >= view.cpus.size(); });
  return {cpus.begin(), cpus.end()};
}

std::vector<UnsampledState> SharedStateSampling::Unsampled(const StateSamples& samples) const {
  std::vector<UnsampledState> unsampled = {
      {"run_queue_depth",
       "it stands in the kernel's own run queue, which is not mapped, and a copy of it would cost each switch and wake-up of the host a "
       "store: waiting_watched_mean counts the watched threads that wait, hftmon switches has the depth at each switch-in"},
      {"waiting_woken", "of threads that were woken and wait, only those are counted whose wake-ups are asked for (hftmon attach --waker)"},
      {"system_call", "what a thread does, in user mode or in which system call, is in its registers: hftmon locks has what it blocks in"},
      {"nmi", "an NMI is told at its end only: hftmon irqs counts them"},
  };
  if (parts_.view.interrupts.empty()) {
    unsampled.push_back({"interrupts", "this kernel's interrupt tracepoints could not be used: hftmon doctor says why"});
  }
  std::vector<int> unknown;
  std::vector<int> own;
  for (const CpuSamples& cpu : samples.cpus) {
    if (cpu.unknown_count > 0) unknown.push_back(cpu.cpu);
    if (cpu.cpu == parts_.loop_cpu()) own.push_back(cpu.cpu);
  }
  if (!unknown.empty()) {
    unsampled.push_back(
        {"running_thread", fmt::format("CPU {} had not switched since the daemon began to watch: who runs there is known from "
                                       "its next switch on, and until then the samples are nobody's",
                                       FormatCpuList(unknown))});
  }
  if (!own.empty()) {
    unsampled.push_back({"loop_cpu", fmt::format("CPU {} is the one that samples: it shows the daemon's loop, and never an interrupt in "
                                                 "progress",
                                                 FormatCpuList(own))});
  }
  return unsampled;
}

}  // namespace hftmon
