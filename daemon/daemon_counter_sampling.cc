// The part of the composition root that has counters read at a stated rate on request, and what all samplings on request are bound to.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/daemon.h"
#include "daemon/os/model_registers.h"
#include "daemon/os/perf_event_facts.h"
#include "daemon/os/privileges.h"
#include "daemon/os/thread_ids.h"
#include "daemon/pmu/host_overflow_events.h"
#include "daemon/service/counter_sampling_call.h"
#include "daemon/with_reason.h"

namespace hftmon {

absl::Status Daemon::AdmitUnlessQuiet(const std::string& while_off, const std::string& while_quiet) const {
  if (collection_->periods().since_mono_ns().has_value()) return WithReason(absl::FailedPreconditionError(while_off), "OFF");
  // The gate's own words are of what disturbs every CPU.
  if (quiet_gate_.is_closed()) return WithReason(absl::FailedPreconditionError(while_quiet), "QUIET");
  return absl::OkStatus();
}

absl::Status Daemon::AdmitSampling(const std::string& what) const {
  return AdmitUnlessQuiet(fmt::format("{} interrupts the process, and hftmon is off: call again after `hftmon on`", what),
                          fmt::format("{}: refused in quiet mode (market hours), because each sample interrupts the process: ask again "
                                      "after `hftmon quiet off`",
                                      what));
}

SampledProcess Daemon::LookAtTarget(uint32_t pid, int64_t start_boottime_ns) const {
  SampledProcess process = SampledProcess::kNotTarget;
  for (const TargetInfo& target : registry_->List()) {
    if (target.pid != pid || target.start_boottime_ns != start_boottime_ns) continue;
    if (target.state != TargetState::kEnded) return SampledProcess::kRuns;
    process = SampledProcess::kEnded;
  }
  return process;
}

void Daemon::BuildCounterSampling() {
  HostCounterSampling::Parts parts;
  parts.calls = &perf_calls_;
  parts.memory = &perf_memory_;
  parts.clock = clock_.get();
  parts.threads = [this](pid_t pid) { return ReadThreadIds(files_, pid); };
  parts.facts = [this] { return ReadPerfEventFacts(files_, SystemCapabilities(), perf_calls_); };
  parts.events = [this](const PerfEventRefusalFacts& facts, const CounterSamplingPlan& plan) {
    const HostCounters host{.root = files_, .calls = &perf_calls_, .facts = facts, .has_hypervisor = HasHypervisor()};
    return HostOverflowEvents(host, plan.wish, kThreadCountersMax, plan.by, plan.rate_hz);
  };
  parts.sample_rate_max = [this] { return ReadSampleRateMax(files_); };
  parts.admit = [this] { return AdmitSampling("sampling counters"); };
  parts.look_at = [this](uint32_t pid, int64_t start_boottime_ns) { return LookAtTarget(pid, start_boottime_ns); };
  counter_sampling_ = std::make_unique<HostCounterSampling>(std::move(parts));
}

absl::StatusOr<OverflowEvent> Daemon::BestOverflow() {
  const PerfEventRefusalFacts facts = ReadPerfEventFacts(files_, SystemCapabilities(), perf_calls_);
  absl::StatusOr<OverflowEvent> overflow = ChooseOverflowEvent(OverflowBy::kBest, CounterSamplingCall::kRateDefaultHz,
                                                               TrySampledCycles(perf_calls_, facts), ReadTopCyclesPerSecond(files_));
  if (!overflow.ok()) return overflow.status();
  PerfEventRequest request{.attributes = overflow->event.attributes};
  request.attributes.size = sizeof(request.attributes);
  request.attributes.disabled = 1;
  const int descriptor = OpenRetrying(perf_calls_, request.attributes, 0, -1, -1);
  if (descriptor < 0) return PerfEventError(overflow->event.name, ExplainPerfEventError(-descriptor, request, facts));
  perf_calls_.Close(descriptor);
  return overflow;
}

}  // namespace hftmon
