#include "daemon/pmu/host_counters.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "daemon/os/cpu_topology.h"
#include "daemon/pmu/counter_budget.h"
#include "daemon/pmu/cross_call_counter.h"
#include "daemon/pmu/event_attributes.h"
#include "daemon/pmu/host_event_names.h"

namespace hftmon {
namespace {

absl::StatusOr<std::vector<EventEncoding>> Encode(const EventNames& names, const std::string& name) {
  absl::StatusOr<std::vector<EventEncoding>> encodings = names.EncodeAll(name);
  if (!encodings.ok()) return encodings.status();
  for (const EventEncoding& encoding : *encodings) {
    if (absl::Status status = names.Validate(encoding); !status.ok()) return status;
  }
  return encodings;
}

// Why there is no PMU of the processor, as who would open its counter of cycles is told.
absl::Status NoCores(const HostCounters& host, HardwareMetric metric) {
  const int error = TryCycleCounter(*host.calls);
  if (error == 0) {
    return absl::FailedPreconditionError(
        fmt::format("{} is unavailable: the kernel lists no PMU of the processor in sysfs: mount it", HardwareMetricName(metric)));
  }
  const PerfEventRefusal refusal = ExplainPerfEventError(error, {.attributes = CycleAttributes()}, host.facts);
  return absl::FailedPreconditionError(fmt::format("{} is unavailable: {}: {}", HardwareMetricName(metric), refusal.reason, refusal.mend));
}

absl::StatusOr<std::vector<MetricEvent>> EncodeMetricOfHost(const HostCounters& host, const EventNames& names, HardwareMetric metric) {
  std::vector<MetricEvent> found;
  absl::Status last = absl::OkStatus();
  for (const Pmu* core : names.pmus().Cores()) {
    const absl::StatusOr<CoreKind> kind = ReadCoreKind(host.root, *core);
    absl::StatusOr<MetricEvent> event = EncodeMetric(metric, kind.value_or(CoreKind::kUnknown), *core, names);
    if (event.ok()) last = names.Validate(event->encoding);
    if (!event.ok()) last = event.status();
    if (!last.ok()) continue;
    // A name of one kind of core alone counts on its CPUs.
    if (event->encoding.cpus.empty()) event->encoding.cpus = core->cpus;
    found.push_back(*std::move(event));
  }
  if (!found.empty()) return found;
  return last.ok() ? NoCores(host, metric) : last;
}

absl::Status FitsAt(const HostCounters& host, const CounterPlace& place, int cpu, std::span<const ChosenEvent> events) {
  const CpuEvents counted = EventsOfCpu(events, cpu);
  if (counted.events.empty()) return absl::OkStatus();
  return CheckCounterBudget(*host.calls, place, counted.events, ReadCounterRivals(host.root, host.has_hypervisor));
}

absl::Status Fits(const HostCounters& host, const EventNames& names, std::span<const ChosenEvent> events) {
  const std::vector<const Pmu*> cores = names.pmus().Cores();
  const absl::StatusOr<std::vector<int>> online = ReadOnlineCpus(host.root);
  if (!online.ok()) return online.status();
  if (cores.size() < 2) return FitsAt(host, {}, online->empty() ? 0 : online->front(), events);
  for (const Pmu* core : cores) {
    const auto here = std::find_if(online->begin(), online->end(), [core](int cpu) {
      return core->cpus.empty() || std::binary_search(core->cpus.begin(), core->cpus.end(), cpu);
    });
    if (here == online->end()) continue;
    if (absl::Status status = FitsAt(host, {.tid = -1, .cpu = *here}, *here, events); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

CpuEvents EventsOfCpu(std::span<const ChosenEvent> events, int cpu) {
  CpuEvents counted;
  for (size_t place = 0; place < events.size(); ++place) {
    const EventEncoding* encoding = events[place].ForCpu(cpu);
    if (encoding == nullptr) continue;
    counted.events.push_back({.name = events[place].name, .attributes = AttributesOf(*encoding)});
    counted.places.push_back(place);
  }
  return counted;
}

absl::StatusOr<CounterChoice> ChooseHostCounters(const HostCounters& asked, const CounterWish& wish, size_t events_max,
                                                 uint64_t* cross_call_count) {
  CrossCallCounter calls(asked.calls);
  HostCounters host = asked;
  host.calls = &calls;
  const std::unique_ptr<EventNames> names =
      ReadHostEventNames(host.root, [&host](const EventEncoding& encoding) { return TryOpen(*host.calls, encoding, host.facts); });
  CounterChoiceParts parts;
  parts.encode = [&names](const std::string& name) { return Encode(*names, name); };
  parts.encode_metric = [&](HardwareMetric metric) { return EncodeMetricOfHost(host, *names, metric); };
  parts.fits = [&](std::span<const ChosenEvent> events) { return Fits(host, *names, events); };
  absl::StatusOr<CounterChoice> choice = ChooseCounters(wish, parts, events_max);
  *cross_call_count = calls.count();
  return choice;
}

}  // namespace hftmon
