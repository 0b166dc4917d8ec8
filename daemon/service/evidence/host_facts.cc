#include "daemon/service/evidence/host_facts.h"

#include <cstdint>
#include <optional>

#include "daemon/os/idle_states.h"
#include "daemon/os/number_file.h"
#include "daemon/service/evidence/facts_of_numa_balancing.h"

namespace hftmon {

HostFacts::HostFacts(const ServiceCore& core, FileRoot files)
    : files_(std::move(files)), hardware_([totals = core.hardware](const Spike& spike) -> std::optional<HardwareEvidence> {
        return totals == nullptr ? std::nullopt : totals->EvidenceOf(spike);
      }) {}

void HostFacts::Add(const Spike& spike) {
  hardware_.Add(spike);
  waking_.Add(spike);
}

void HostFacts::ToFacts(const EvidenceContext& context, const SnapshotPair& sums, std::vector<Fact>* facts) const {
  hardware_.ToFacts(context, sums, facts);
  waking_.ToFacts(
      context, sums, [this](int cpu) { return ReadIdleStates(files_, cpu).value_or(std::vector<IdleState>()); }, facts);
  AddNumaBalancingFacts(context, sums, ReadNumber<int64_t>(files_, "/proc/sys/kernel/numa_balancing"), facts);
}

}  // namespace hftmon
