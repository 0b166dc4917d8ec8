#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "client/check/add_figures.h"
#include "client/check/modules.h"

namespace hftmon {
namespace {

constexpr int64_t kMillion = 1'000'000;

struct Faults {
  int64_t minor = 0;
  int64_t major = 0;
  int64_t sum_ns = 0;
  int64_t longest_ns = 0;  // since the daemon counts: no fault of this time was longer
  int64_t shootdowns = 0;
  int64_t unended = 0;
};

Faults SumOf(const std::vector<const v1::ThreadMemory*>& threads) {
  Faults faults;
  for (const v1::ThreadMemory* thread : threads) {
    faults.minor += static_cast<int64_t>(thread->user_minor().count() + thread->kernel_minor().count());
    faults.major += static_cast<int64_t>(thread->user_major().count() + thread->kernel_major().count());
    for (const v1::FaultSum* sum : {&thread->user_minor(), &thread->user_major(), &thread->kernel_minor(), &thread->kernel_major()}) {
      faults.sum_ns += sum->duration_ns();
      faults.longest_ns = std::max(faults.longest_ns, sum->longest_ns());
    }
    faults.shootdowns += static_cast<int64_t>(thread->tlb().remote_shootdown_count());
    faults.unended += static_cast<int64_t>(thread->unended_count());
  }
  return faults;
}

void AddFaults(const CheckInputs& inputs, const CheckScope& scope, const std::vector<const v1::Spike*>& spikes, ModuleResult* result) {
  std::string why_none;
  std::vector<const v1::ThreadMemory*> threads;
  if (inputs.memory.ok()) {
    threads = AvailableRows(inputs.memory->threads(), inputs, scope, "memory", &why_none, result);
  } else {
    why_none = WhyNot(inputs.memory.status());
  }
  if (threads.empty()) {
    AddUnmeasured({"minor_fault_count", "major_fault_count", "fault_ns", "shootdown_count"}, why_none, result);
    AddFigures(UnmeasuredPercentiles("fault", why_none), result);
    return;
  }
  const Faults faults = SumOf(threads);
  result->figures.push_back(Measured("minor_fault_count", faults.minor));
  result->figures.push_back(Measured("major_fault_count", faults.major));
  result->figures.push_back(Measured("fault_ns", faults.sum_ns));
  const std::optional<int64_t> floor_ns =
      inputs.memory->has_fault_floor_ns() ? std::optional<int64_t>(inputs.memory->fault_floor_ns()) : std::nullopt;
  AddFigures(RanksOf(static_cast<uint64_t>(faults.minor + faults.major), spikes, inputs, faults.longest_ns, floor_ns).Percentiles("fault"),
             result);
  result->figures.push_back(Measured("shootdown_count", faults.shootdowns));
  if (faults.unended > 0) {
    AddFinding({.severity = CheckVerdict::kWarn,
                .figure = "fault_ns",
                .text = std::to_string(faults.unended) + " faults are in no sum: their end was not seen (a signal, an error)",
                .advice = {}},
               result);
  }
  AddWindowFindings(*inputs.memory, result);
}

std::string WhyNoAccesses(const CheckInputs& inputs) {
  for (const v1::ProcessPlacement& process : inputs.numa->processes()) {
    for (const v1::UnavailablePart& part : process.unavailable()) {
      if (part.part() == "accesses") return part.reason();
    }
    if (!process.error().empty()) return process.error();
  }
  return "accesses to memory are not counted here: they need the processor's counters (`hftmon doctor`: hardware_pmu)";
}

// Where there is one node all memory is local.
void AddRemote(const CheckInputs& inputs, ModuleResult* result) {
  if (!inputs.numa.ok()) {
    AddUnmeasured({"remote_access_count", "remote_access_ppm"}, WhyNot(inputs.numa.status()), result);
    return;
  }
  if (inputs.numa->nodes_size() == 1) {
    result->figures.push_back(Measured("remote_access_count", 0));
    result->figures.push_back(Measured("remote_access_ppm", 0));
    return;
  }
  int64_t local = 0;
  int64_t remote = 0;
  for (const v1::ProcessPlacement& process : inputs.numa->processes()) {
    if (!process.has_accesses()) continue;
    local += static_cast<int64_t>(process.accesses().local_count());
    remote += static_cast<int64_t>(process.accesses().remote_count());
  }
  if (local + remote == 0) {
    AddUnmeasured({"remote_access_count", "remote_access_ppm"}, WhyNoAccesses(inputs), result);
    return;
  }
  result->figures.push_back(Measured("remote_access_count", remote));
  result->figures.push_back(
      Measured("remote_access_ppm", static_cast<int64_t>(static_cast<double>(remote) * kMillion / static_cast<double>(local + remote))));
}

}  // namespace

ModuleResult CheckMemory(const CheckInputs& inputs, const CheckScope& scope, const CheckLimits& limits) {
  ModuleResult result;
  result.module = CheckModule::kMemory;
  result.begin_ns = inputs.begin_ns;
  result.end_ns = inputs.end_ns;
  const std::vector<const v1::Spike*> spikes = SpikesOf(inputs, scope, {"fault"});
  AddFaults(inputs, scope, spikes, &result);
  AddRemote(inputs, &result);
  SetWorstEvent(spikes, inputs, &result);
  Judge(limits, &result);
  return result;
}

}  // namespace hftmon
