#include "daemon/pmu/memory_sampling_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/os/perf_event_error.h"
#include "daemon/pmu/event_attributes.h"
#include "daemon/pmu/sysfs_events.h"

namespace hftmon {
namespace {

using Events = std::vector<MemorySamplingEvent>;

constexpr std::string_view kLoads = "mem-loads";
constexpr std::string_view kStores = "mem-stores";
constexpr std::string_view kLoadsLeader = "mem-loads-aux";
constexpr uint32_t kLoadLatencyMax = 65'535;
// Of IBS: the counter's lowest four bits are not there, and below nine steps the kernel refuses.
constexpr uint64_t kIbsStep = 16, kIbsPeriodMin = 0x90;
// Of SPE: the filter of latencies has twelve bits; the interval's lowest eight are not there, and no processor's smallest one is larger.
constexpr uint32_t kArmLatencyMax = 4'095;
constexpr uint64_t kArmStep = 256, kArmIntervalMinMax = 4'096, kArmIntervalMax = 0xffffff00;
constexpr uint64_t kPeriodMax = uint64_t{1} << 31;
constexpr uint64_t kSampleType = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU |
                                 PERF_SAMPLE_PERIOD | PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC;

absl::Status Refused(std::string reason, std::string mend) {
  return StatusOf({.code = absl::StatusCode::kFailedPrecondition, .reason = std::move(reason), .mend = std::move(mend)});
}

bool Has(const Pmu& pmu, std::string_view event) {
  return pmu.events.contains(std::string(event));
}

absl::Status AddIntelEvent(const Pmu& pmu, const std::string& terms, uint64_t period, bool joins_previous, Events* events) {
  absl::StatusOr<EventEncoding> encoding = EncodePmuTerms(pmu, terms);
  if (!encoding.ok())
    return absl::FailedPreconditionError(fmt::format("{}/{}/: {}", pmu.name, terms, std::string(encoding.status().message())));
  encoding->name = fmt::format("{}/{}/{}", pmu.name, terms, period == 0 ? "" : "P");
  if (period != 0) encoding->precise_ip = static_cast<uint8_t>(*pmu.precise_max);
  events->push_back({.encoding = *std::move(encoding), .period = period, .joins_previous = joins_previous});
  return absl::OkStatus();
}

absl::StatusOr<Events> OfIntel(const PmuList& pmus, const MemorySamplingWish& wish) {
  Events events;
  std::string imprecise;
  for (const Pmu* core : pmus.Cores()) {
    if (!Has(*core, kLoads)) continue;
    if (core->precise_max.value_or(0) == 0) {
      imprecise = core->name;
      continue;
    }
    const bool led = Has(*core, kLoadsLeader);
    if (led) {
      if (absl::Status added = AddIntelEvent(*core, std::string(kLoadsLeader), 0, false, &events); !added.ok()) return added;
    }
    const std::string loads = fmt::format("{},ldlat={}", kLoads, wish.load_latency_cycles);
    if (absl::Status added = AddIntelEvent(*core, loads, wish.period, led, &events); !added.ok()) return added;
    if (!Has(*core, kStores)) continue;
    if (absl::Status added = AddIntelEvent(*core, std::string(kStores), wish.period, false, &events); !added.ok()) return added;
  }
  if (!events.empty()) return events;
  if (!imprecise.empty()) {
    return Refused(fmt::format("PMU {} has no precise sampling (PEBS), by which loads tell address and latency", imprecise),
                   "run on the bare machine, or let the hypervisor pass PEBS through");
  }
  return Refused("no PMU of the processor has mem-loads", "run on the bare machine, on an Intel processor whose kernel lists that event");
}

absl::StatusOr<Events> OfAmd(const PmuList& pmus, const MemorySamplingWish& wish) {
  const Pmu* const ibs = pmus.Find("ibs_op");
  if (ibs == nullptr) {
    return Refused("there is no PMU ibs_op", "run on the bare machine, with instruction-based sampling (IBS) switched on in the firmware");
  }
  MemorySamplingEvent event{.encoding = EmptyEncoding(*ibs)};
  event.encoding.name = "ibs_op//";
  event.period = std::max(kIbsPeriodMin, (wish.period + kIbsStep - 1) / kIbsStep * kIbsStep);
  return Events{std::move(event)};
}

// Arm's terms. Jitter keeps samples from falling into step with a loop, and is left out where the PMU has none.
std::string ArmTerms(const Pmu& pmu, uint32_t latency_cycles) {
  std::string terms = "ts_enable=1,load_filter=1,store_filter=1";
  if (latency_cycles > 1) terms += fmt::format(",min_latency={}", latency_cycles);
  if (pmu.fields.contains("jitter")) terms += ",jitter=1";
  return terms;
}

absl::StatusOr<Events> OfArm(const PmuList& pmus, const ProcessorModel& model, const MemorySamplingWish& wish) {
  Events events;
  for (const Pmu& pmu : pmus.pmus) {
    if (!pmu.name.starts_with("arm_spe_")) continue;
    if (wish.load_latency_cycles > kArmLatencyMax) {
      return absl::InvalidArgumentError(fmt::format("{} tells accesses from a latency of at most {} cycles on, not {}", pmu.name,
                                                    kArmLatencyMax, wish.load_latency_cycles));
    }
    const std::string terms = ArmTerms(pmu, wish.load_latency_cycles);
    absl::StatusOr<EventEncoding> encoding = EncodePmuTerms(pmu, terms);
    if (!encoding.ok()) {
      return Refused(fmt::format("{}/{}/: {}", pmu.name, terms, std::string(encoding.status().message())),
                     "boot a kernel whose driver of the statistical profiling extension has those filters (Linux 4.16 or newer)");
    }
    encoding->name = fmt::format("{}/{}/", pmu.name, terms);
    const uint64_t period = std::max(wish.period, pmu.interval_min.value_or(kArmIntervalMinMax));
    events.push_back({.encoding = *std::move(encoding),
                      .period = std::min((period + kArmStep - 1) / kArmStep * kArmStep, kArmIntervalMax),
                      .spe = SpeSourceEncodingOf(MidrOf(model))});
  }
  if (!events.empty()) return events;
  return Refused(
      "there is no PMU arm_spe_0: this processor has no statistical profiling extension, or its firmware or kernel hides it",
      "run on the bare machine with a kernel built with CONFIG_ARM_SPE_PMU and booted with kpti=off where that hides it, or sample "
      "on Intel (PEBS) or AMD (IBS)");
}

}  // namespace

absl::StatusOr<Events> MemorySamplingEvents(const PmuList& pmus, const ProcessorModel& model, const MemorySamplingWish& wish) {
  if (wish.load_latency_cycles == 0 || wish.load_latency_cycles > kLoadLatencyMax) {
    return absl::InvalidArgumentError(
        fmt::format("loads are sampled from a latency of 1 to {} cycles on, not {}", kLoadLatencyMax, wish.load_latency_cycles));
  }
  if (wish.period == 0 || wish.period > kPeriodMax)
    return absl::InvalidArgumentError(fmt::format("one of 1 to {} accesses is sampled, not of {}", kPeriodMax, wish.period));
  if (!pmus.reason.empty()) return absl::FailedPreconditionError(fmt::format("memory accesses cannot be sampled: {}", pmus.reason));
  switch (model.vendor) {
    case ProcessorVendor::kIntel:
      return OfIntel(pmus, wish);
    case ProcessorVendor::kAmd:
      return OfAmd(pmus, wish);
    case ProcessorVendor::kArm:
      return OfArm(pmus, model, wish);
    case ProcessorVendor::kOther:
      break;
  }
  return Refused(fmt::format("{} is of no vendor whose sampling of memory accesses is known here", ProcessorName(model)),
                 "sample on Intel (PEBS) or AMD (IBS)");
}

std::vector<SampledEvent> SampledEventsOf(const Events& events) {
  std::vector<SampledEvent> sampled;
  sampled.reserve(events.size());
  for (const MemorySamplingEvent& event : events) {
    perf_event_attr attributes = AttributesOf(event.encoding);
    attributes.sample_period = event.period;
    if (event.spe) {
      attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
      attributes.exclude_guest = 1;
    } else {
      attributes.sample_type = kSampleType;
      attributes.use_clockid = 1;
      attributes.clockid = CLOCK_MONOTONIC;
    }
    sampled.push_back({.name = event.encoding.name, .attributes = attributes, .joins_previous = event.joins_previous, .spe = event.spe});
  }
  return sampled;
}

}  // namespace hftmon
