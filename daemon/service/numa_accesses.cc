#include "daemon/service/numa_accesses.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/pmu/hardware_metric.h"
#include "daemon/service/counter_absence.h"
#include "daemon/service/counter_totals.h"

namespace hftmon {
namespace {

// Of threads in which it was counted, each scaled for the time without a counter.
struct ServedSum {
  double count = 0;
  int64_t enabled_ns = 0;
  int64_t running_ns = 0;
};

std::optional<size_t> PlaceOf(const CounterSet& set, HardwareMetric metric) {
  const auto found = std::find_if(set.events.begin(), set.events.end(),
                                  [metric](const CounterSetEvent& event) { return event.metric == HardwareMetricName(metric); });
  return found == set.events.end() ? std::nullopt : std::optional<size_t>(static_cast<size_t>(found - set.events.begin()));
}

ServedSum SumOf(const std::vector<ThreadCounterTotal>& threads, uint32_t set, size_t place) {
  ServedSum sum;
  for (const ThreadCounterTotal& thread : threads) {
    const CounterSpan& span = thread.sum;
    if (!thread.unavailable.empty() || span.set != set || (span.counted & (1u << place)) == 0 || span.running_ns <= 0) continue;
    sum.count += static_cast<double>(span.values[place]) * static_cast<double>(span.enabled_ns) / static_cast<double>(span.running_ns);
    sum.enabled_ns += span.enabled_ns;
    sum.running_ns += span.running_ns;
  }
  return sum;
}

// Why the set lacks the event.
std::string WhyNotInSet(const CounterTotals::State& state, HardwareMetric metric) {
  const std::string name(HardwareMetricName(metric));
  for (const auto& [what, reason] : state.unavailable) {
    if (what == name) return absl::StrCat(name, ": ", reason);
  }
  return absl::StrCat("the events that are counted now have no ", name, ": attach with --cache, or with --counters local_dram,remote_dram");
}

std::string Fill(const CounterTotals::State& state, const std::vector<ThreadCounterTotal>& threads, v1::NumaAccesses* out) {
  const std::optional<size_t> local = PlaceOf(state.set, HardwareMetric::kLocalDram);
  const std::optional<size_t> remote = PlaceOf(state.set, HardwareMetric::kRemoteDram);
  if (!local) return WhyNotInSet(state, HardwareMetric::kLocalDram);
  if (!remote) return WhyNotInSet(state, HardwareMetric::kRemoteDram);
  const ServedSum here = SumOf(threads, state.set.number, *local);
  const ServedSum there = SumOf(threads, state.set.number, *remote);
  if (here.running_ns == 0 || there.running_ns == 0) {
    const auto told =
        std::find_if(threads.begin(), threads.end(), [](const ThreadCounterTotal& thread) { return !thread.unavailable.empty(); });
    return told != threads.end() ? told->unavailable
                                 : "none of its threads was counted yet: attach it with --cache, or wait until they run";
  }
  out->set_local_count(static_cast<uint64_t>(here.count));
  out->set_remote_count(static_cast<uint64_t>(there.count));
  const double all = here.count + there.count;
  out->set_remote_share(all > 0 ? there.count / all : 0);
  out->set_source(absl::StrCat(state.set.events[*local].name, ", ", state.set.events[*remote].name));
  const auto share = [](const ServedSum& sum) {
    return static_cast<double>(sum.running_ns) / static_cast<double>(std::max<int64_t>(sum.enabled_ns, 1));
  };
  out->set_running_share(std::min({share(here), share(there), 1.0}));
  return {};
}

}  // namespace

void PutNumaAccesses(const ServiceCore& core, uint32_t pid, v1::ProcessPlacement* out) {
  std::string reason = kNoCounters;
  v1::NumaAccesses accesses;
  if (core.counters != nullptr) {
    const CounterTotals::State state = core.counters->state();
    reason = state.reason.empty() ? Fill(state, core.counters->ThreadsOf(pid), &accesses) : state.reason;
  }
  if (reason.empty()) {
    *out->mutable_accesses() = accesses;
    return;
  }
  v1::UnavailablePart* part = out->add_unavailable();
  part->set_part("accesses");
  part->set_reason(reason);
}

}  // namespace hftmon
