#include "daemon/pmu/counter_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace hftmon {
namespace {

constexpr std::array kCacheMetrics = {HardwareMetric::kCycles,        HardwareMetric::kInstructions, HardwareMetric::kL1dMisses,
                                      HardwareMetric::kL2Misses,      HardwareMetric::kL3Misses,     HardwareMetric::kL1dLoads,
                                      HardwareMetric::kDtlbLoadWalks, HardwareMetric::kBranchMisses, HardwareMetric::kStalledCycles,
                                      HardwareMetric::kL3Accesses,    HardwareMetric::kL1iMisses,    HardwareMetric::kItlbWalks,
                                      HardwareMetric::kDtlbStoreWalks};

std::optional<HardwareMetric> MetricNamed(std::string_view name) {
  for (size_t i = 0; i < kHardwareMetricCount; ++i) {
    const auto metric = static_cast<HardwareMetric>(i);
    if (HardwareMetricName(metric) == name) return metric;
  }
  return std::nullopt;
}

absl::StatusOr<ChosenEvent> ChooseMetric(HardwareMetric metric, const CounterChoiceParts& parts) {
  absl::StatusOr<std::vector<MetricEvent>> found = parts.encode_metric(metric);
  if (!found.ok()) return found.status();
  ChosenEvent event{.name = std::string(HardwareMetricName(metric)), .metric = std::string(HardwareMetricName(metric))};
  for (MetricEvent& one : *found) {
    const std::string counts = one.counts.empty() ? one.encoding.name : fmt::format("{} ({})", one.counts, one.encoding.name);
    if (event.counts.find(counts) == std::string::npos) event.counts += (event.counts.empty() ? "" : "; ") + counts;
    event.number_unchecked = event.number_unchecked || one.encoding.number_unchecked;
    event.encodings.push_back(std::move(one.encoding));
  }
  return event;
}

absl::Status CheckOfThread(const std::string& name, const EventEncoding& encoding) {
  if (!encoding.per_thread) {
    return absl::InvalidArgumentError(
        fmt::format("event '{}': PMU {} counts for a package or a cache, whoever runs, not for a thread: name an event of the cores", name,
                    encoding.pmu));
  }
  if (encoding.precise_ip != 0) {
    return absl::InvalidArgumentError(fmt::format("event '{}': precise events sample, and here events are counted: leave the p out", name));
  }
  return absl::OkStatus();
}

absl::StatusOr<ChosenEvent> ChooseNamed(const std::string& name, const CounterChoiceParts& parts) {
  if (const std::optional<HardwareMetric> metric = MetricNamed(name)) return ChooseMetric(*metric, parts);
  absl::StatusOr<std::vector<EventEncoding>> encodings = parts.encode(name);
  if (!encodings.ok()) return encodings.status();
  ChosenEvent event{.name = name, .encodings = *std::move(encodings)};
  for (const EventEncoding& encoding : event.encodings) {
    if (absl::Status status = CheckOfThread(name, encoding); !status.ok()) return status;
    event.number_unchecked = event.number_unchecked || encoding.number_unchecked;
  }
  return event;
}

// What does not fit is short of counters, whoever is to blame.
absl::Status AsExhausted(const absl::Status& status) {
  return absl::IsOutOfRange(status) ? absl::ResourceExhaustedError(status.message()) : status;
}

void AddCacheMetrics(const CounterChoiceParts& parts, size_t events_max, CounterChoice* choice) {
  for (const HardwareMetric metric : kCacheMetrics) {
    const std::string name(HardwareMetricName(metric));
    const auto is_it = [&name](const ChosenEvent& event) { return event.name == name; };
    if (std::any_of(choice->events.begin(), choice->events.end(), is_it)) continue;
    if (choice->events.size() == events_max) {
      choice->unavailable.emplace_back(name, fmt::format("{} events are counted already, which is all that are at once: name it in the "
                                                         "place of another (--counters {})",
                                                         events_max, name));
      continue;
    }
    absl::StatusOr<ChosenEvent> event = ChooseMetric(metric, parts);
    absl::Status status = event.status();
    if (status.ok()) {
      choice->events.push_back(*std::move(event));
      status = parts.fits(choice->events);
      if (!status.ok()) choice->events.pop_back();
    }
    if (!status.ok()) choice->unavailable.emplace_back(name, std::string(status.message()));
  }
}

}  // namespace

const EventEncoding* ChosenEvent::ForCpu(int cpu) const {
  const auto found = std::find_if(encodings.begin(), encodings.end(), [cpu](const EventEncoding& encoding) {
    return encoding.cpus.empty() || std::binary_search(encoding.cpus.begin(), encoding.cpus.end(), cpu);
  });
  return found == encodings.end() ? nullptr : &*found;
}

std::span<const HardwareMetric> CacheMetrics() {
  return kCacheMetrics;
}

absl::StatusOr<CounterChoice> ChooseCounters(const CounterWish& wish, const CounterChoiceParts& parts, size_t events_max) {
  if (wish.events.size() > events_max) {
    return absl::ResourceExhaustedError(
        fmt::format("{} events are to be counted, and at most {} are at once: name fewer", wish.events.size(), events_max));
  }
  CounterChoice choice;
  for (const std::string& name : wish.events) {
    absl::StatusOr<ChosenEvent> event = ChooseNamed(name, parts);
    if (!event.ok()) return event.status();
    choice.events.push_back(*std::move(event));
  }
  if (!choice.events.empty()) {
    if (absl::Status status = parts.fits(choice.events); !status.ok()) return AsExhausted(status);
  }
  const size_t named_count = choice.events.size();
  if (wish.cache) AddCacheMetrics(parts, events_max, &choice);
  if (wish.cache && choice.events.size() == named_count && !choice.unavailable.empty() && named_count < events_max) {
    return absl::FailedPreconditionError(
        fmt::format("cache: none of its metrics can be counted here: {}; or leave cache (--cache) out and name the kernel's own events "
                    "(--counters page-faults,…)",
                    choice.unavailable.front().second));
  }
  return choice;
}

}  // namespace hftmon
