#include "daemon/service/evidence/cpu_sums.h"

#include <algorithm>
#include <set>
#include <utility>

namespace hftmon {
namespace {

void ReadWorks(const DeferredTotals& deferred, const CpuList& reserved, std::vector<WorkSum>* works) {
  if (reserved.empty() || !deferred.Read().collecting) return;
  deferred.LearnNames();  // else one function has an address for a name in the first snapshot of a pair
  const DeferredTotal total = deferred.Read();
  for (const CpuDeferredTotal& cpu : total.cpus) {
    if (!std::binary_search(reserved.begin(), reserved.end(), static_cast<int>(cpu.cpu))) continue;
    for (const WorkTotal& work : cpu.works) {
      if (work.function.empty() || work.end_count == 0) continue;
      works->push_back({.cpu = static_cast<int>(cpu.cpu), .function = work.function, .duration_ns = work.duration_ns});
    }
  }
}

void ReadPolls(const NetworkTotals& network, std::vector<PollSum>* polls) {
  const NetworkTotal total = network.Read();
  if (!total.collecting) return;
  for (size_t cpu = 0; cpu < total.polls.size(); ++cpu) {
    for (const InterfacePollTotal& poll : total.polls[cpu]) {
      if (poll.name.empty() || poll.poll_count == 0) continue;
      polls->push_back({.cpu = static_cast<int>(cpu),
                        .interface = poll.name,
                        .other_namespace = poll.other_namespace,
                        .poll_count = poll.poll_count,
                        .work_count = poll.work_count});
    }
  }
}

}  // namespace

CpuList AuditedCpus(std::span<const RuleInfo> rules) {
  std::set<int> cpus;
  for (const RuleInfo& rule : rules) cpus.insert(rule.selector.cpus.begin(), rule.selector.cpus.end());
  return {cpus.begin(), cpus.end()};
}

void ReadCpuSums(const ServiceCore& core, std::span<const RuleInfo> rules, const CpuList& reserved, EvidenceSnapshot* snapshot) {
  std::set<std::pair<int, std::string>> known;  // two rules may name one CPU, whose table is one
  for (const RuleInfo& rule : rules) {
    for (const CpuVisitInfo& visit : rule.visits) {
      if (known.emplace(visit.cpu, visit.comm).second) snapshot->visits.push_back(visit);
    }
  }
  if (core.deferred != nullptr) ReadWorks(*core.deferred, reserved, &snapshot->works);
  if (core.network != nullptr) ReadPolls(*core.network, &snapshot->polls);
}

}  // namespace hftmon
