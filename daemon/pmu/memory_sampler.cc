#include "daemon/pmu/memory_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "common/memory_access/sampled_access.h"
#include "common/perf/perf_sample.h"
#include "common/saturating_sum.h"

namespace hftmon {
namespace {

constexpr int kAttemptsMax = 8;

bool Samples(const perf_event_attr& attributes) {
  return attributes.sample_period != 0;  // or frequency: the same word
}

bool IsBreakpoint(const perf_event_attr& attributes) {
  return attributes.type == PERF_TYPE_BREAKPOINT;
}

// What decides how records are to be read, and in which clock; of breakpoints also which operation they sample.
bool AreAlike(const perf_event_attr& a, const perf_event_attr& b) {
  if (IsBreakpoint(a) != IsBreakpoint(b) || (IsBreakpoint(a) && a.bp_type != b.bp_type)) return false;
  return a.sample_type == b.sample_type && a.use_clockid == b.use_clockid && a.clockid == b.clockid &&
         a.branch_sample_type == b.branch_sample_type && a.sample_regs_user == b.sample_regs_user &&
         a.sample_regs_intr == b.sample_regs_intr;
}

ThreadBound BoundOf(const MemorySampler::Options& options) {
  return {.threads_max = options.threads_max,
          .what = "the memory accesses",
          .done = "sampled, each into a ring of its own: sample those of its CPUs"};
}

void AddRing(const PerfRingCounts& more, PerfRingCounts* sum) {
  sum->record_count = SaturatingSum(sum->record_count, more.record_count);
  sum->lost_count = SaturatingSum(sum->lost_count, more.lost_count);
  sum->dropped_count = SaturatingSum(sum->dropped_count, more.dropped_count);
  sum->damage_count = SaturatingSum(sum->damage_count, more.damage_count);
  sum->damaged_bytes = SaturatingSum(sum->damaged_bytes, more.damaged_bytes);
}

}  // namespace

bool MemorySamplerCounts::complete() const {
  return undecoded_count == 0 && throttle_count == 0 && ring.lost_count == 0 && ring.dropped_count == 0 && ring.damage_count == 0;
}

absl::StatusOr<MemorySampler> MemorySampler::Make(std::span<const SampledEvent> events) {
  if (events.empty() || events.size() > kGroupEventsMax || events.front().joins_previous) {
    return absl::InvalidArgumentError(fmt::format("memory accesses are sampled by 1 to {} events, the first of which joins none, not by {}",
                                                  kGroupEventsMax, events.size()));
  }
  for (const SampledEvent& event : events) {
    if (!AreAlike(event.attributes, events.front().attributes)) {
      return absl::InvalidArgumentError(
          fmt::format("{} and {} are to write samples of different fields or clocks into one ring: ask both for the same",
                      events.front().name, event.name));
    }
  }
  if (std::none_of(events.begin(), events.end(), [](const SampledEvent& event) { return Samples(event.attributes); })) {
    return absl::InvalidArgumentError(
        fmt::format("{} and what is with it only count: give a sample period or frequency", events.front().name));
  }
  perf_event_attr attributes = events.front().attributes;
  for (const SampledEvent& event : events) {
    if (Samples(event.attributes)) attributes = event.attributes;
  }
  attributes.size = sizeof(attributes);
  attributes.read_format = 0;
  attributes.sample_id_all = 1;
  const absl::StatusOr<PerfAttr> layout = ParsePerfAttr(std::as_bytes(std::span(&attributes, 1)));
  if (!layout.ok()) return layout.status();
  if ((layout->sample_type & ~PerfSampleBit::kKnown) != 0) {
    return absl::InvalidArgumentError(
        fmt::format("{} is to sample fields that are not understood here (sample_type {:#x}): leave out bits from 25 on",
                    events.front().name, layout->sample_type));
  }
  return MemorySampler(*layout);
}

absl::StatusOr<MemorySampler> MemorySampler::OpenCpu(PerfEventCalls& calls, PerfRingMemory& memory, int cpu,
                                                     std::span<const SampledEvent> events, const Options& options) {
  absl::StatusOr<MemorySampler> sampler = Make(events);
  if (!sampler.ok()) return sampler.status();
  if (cpu < 0) return absl::InvalidArgumentError(fmt::format("CPU {} is none: name one that is online", cpu));
  absl::StatusOr<SampledPlace> place =
      SampledPlace::Open(calls, memory, {.tid = -1, .cpu = cpu}, events, {.ring_pages = options.ring_pages, .facts = options.facts});
  if (!place.ok()) return place.status();
  sampler->places_.push_back(*std::move(place));
  return sampler;
}

absl::StatusOr<MemorySampler> MemorySampler::OpenProcess(PerfEventCalls& calls, PerfRingMemory& memory, const ListThreads& list, pid_t pid,
                                                         std::span<const SampledEvent> events, const Options& options) {
  absl::StatusOr<MemorySampler> sampler = Make(events);
  if (!sampler.ok()) return sampler.status();
  absl::StatusOr<std::vector<pid_t>> now = SortedThreads(list, pid, BoundOf(options));
  std::vector<pid_t> before;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    if (absl::IsNotFound(now.status())) break;
    if (!now.ok()) return now.status();
    // Without heirs no thread is sampled twice: only those that came since are opened.
    std::vector<pid_t> others;
    std::set_difference(now->begin(), now->end(), before.begin(), before.end(), std::back_inserter(others));
    if (others.empty()) break;
    if (absl::Status opened = sampler->OpenThreads(calls, memory, others, events, options); !opened.ok()) return opened;
    before = *std::move(now);
    now = SortedThreads(list, pid, BoundOf(options));
    if (attempt + 1 == kAttemptsMax) {
      return absl::AbortedError(
          fmt::format("process {} makes threads faster than their memory accesses are sampled ({} attempts): sample those of its CPUs", pid,
                      kAttemptsMax));
    }
  }
  if (sampler->places_.empty() || absl::IsNotFound(now.status()))
    return absl::NotFoundError(fmt::format("process {} ended while its threads were opened: name one that runs", pid));
  return sampler;
}

absl::Status MemorySampler::OpenThreads(PerfEventCalls& calls, PerfRingMemory& memory, const std::vector<pid_t>& tids,
                                        std::span<const SampledEvent> events, const Options& options) {
  for (const pid_t tid : tids) {
    absl::StatusOr<SampledPlace> place =
        SampledPlace::Open(calls, memory, {.tid = tid, .cpu = -1}, events, {.ring_pages = options.ring_pages, .facts = options.facts});
    if (absl::IsNotFound(place.status())) continue;  // it ended meanwhile
    if (!place.ok()) return place.status();
    places_.push_back(*std::move(place));
  }
  return absl::OkStatus();
}

absl::Status MemorySampler::Enable() {
  for (SampledPlace& place : places_) {
    absl::Status enabled = place.Enable();
    if (enabled.ok()) continue;
    Disable().IgnoreError();  // the first error is the one to tell
    return enabled;
  }
  return absl::OkStatus();
}

absl::Status MemorySampler::Disable() {
  absl::Status first;
  for (SampledPlace& place : places_) first.Update(place.Disable());
  return first;
}

size_t MemorySampler::Drain(size_t records_per_ring_max, absl::FunctionRef<void(const MemoryAccess&)> sink) {
  size_t count = 0;
  for (SampledPlace& place : places_) count += place.Drain(records_per_ring_max, [&](const PerfRecord& record) { Take(record, sink); });
  return count;
}

void MemorySampler::Take(const PerfRecord& record, absl::FunctionRef<void(const MemoryAccess&)> sink) {
  if (record.header.Is(PerfRecordType::kThrottle)) ++counts_.throttle_count;
  if (record.header.Is(PerfRecordType::kUnthrottle)) ++counts_.unthrottle_count;
  if (!record.header.Is(PerfRecordType::kSample)) return;  // losses are the ring's to count
  const absl::StatusOr<PerfSample> sample = DecodeSample(layout_, record.body);
  if (!sample.ok()) {
    ++counts_.undecoded_count;
    return;
  }
  ++counts_.access_count;
  sink(AccessOfSample(layout_, *sample));
}

MemorySamplerCounts MemorySampler::counts() const {
  MemorySamplerCounts counts = counts_;
  for (const SampledPlace& place : places_) AddRing(place.ring_counts(), &counts.ring);
  return counts;
}

}  // namespace hftmon
