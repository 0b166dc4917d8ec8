#include "daemon/pmu/memory_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
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

void Raise(uint64_t* sum, uint64_t more) {
  *sum = SaturatingSum(*sum, more);
}

void AddRing(const PerfRingCounts& more, PerfRingCounts* sum) {
  Raise(&sum->record_count, more.record_count);
  Raise(&sum->lost_count, more.lost_count);
  Raise(&sum->dropped_count, more.dropped_count);
  Raise(&sum->damage_count, more.damage_count);
  Raise(&sum->damaged_bytes, more.damaged_bytes);
}

void AddAux(const PerfAuxRingCounts& more, PerfAuxRingCounts* sum) {
  Raise(&sum->record_count, more.record_count);
  Raise(&sum->read_bytes, more.read_bytes);
  Raise(&sum->untold_bytes, more.untold_bytes);
  Raise(&sum->truncated_count, more.truncated_count);
  Raise(&sum->partial_count, more.partial_count);
  Raise(&sum->collision_count, more.collision_count);
  Raise(&sum->damage_count, more.damage_count);
  Raise(&sum->damaged_bytes, more.damaged_bytes);
}

void AddRead(const SpeReadCounts& more, SpeReadCounts* sum) {
  Raise(&sum->records, more.records);
  Raise(&sum->malformed, more.malformed);
  Raise(&sum->skipped_bytes, more.skipped_bytes);
  Raise(&sum->cut_records, more.cut_records);
}

bool IsTraced(const SampledEvent& event) {
  return event.spe.has_value();
}

}  // namespace

bool MemorySamplerCounts::complete() const {
  const PerfAuxRingCounts& aux = traced.aux;
  return undecoded_count == 0 && throttle_count == 0 && ring.lost_count == 0 && ring.dropped_count == 0 && ring.damage_count == 0 &&
         aux.truncated_count == 0 && aux.partial_count == 0 && aux.collision_count == 0 && aux.damage_count == 0 &&
         traced.read.malformed == 0 && traced.read.cut_records == 0;
}

void MemorySamplerCounts::Add(const MemorySamplerCounts& more) {
  Raise(&access_count, more.access_count);
  Raise(&undecoded_count, more.undecoded_count);
  Raise(&throttle_count, more.throttle_count);
  Raise(&unthrottle_count, more.unthrottle_count);
  AddRing(more.ring, &ring);
  Raise(&traced.access_count, more.traced.access_count);
  AddAux(more.traced.aux, &traced.aux);
  AddRead(more.traced.read, &traced.read);
  Raise(&traced.unread_source_count, more.traced.unread_source_count);
  Raise(&traced.resume_count, more.traced.resume_count);
}

uint64_t MemorySamplerCounts::interrupt_count_max() const {
  return access_count - traced.access_count + undecoded_count + ring.lost_count + ring.dropped_count + traced.aux.record_count;
}

absl::StatusOr<MemorySampler> MemorySampler::Make(std::span<const SampledEvent> events) {
  if (events.empty() || events.size() > kGroupEventsMax || events.front().joins_previous) {
    return absl::InvalidArgumentError(fmt::format("memory accesses are sampled by 1 to {} events, the first of which joins none, not by {}",
                                                  kGroupEventsMax, events.size()));
  }
  const bool traced = IsTraced(events.front());
  for (const SampledEvent& event : events) {
    if (IsTraced(event) != traced || (traced && (event.joins_previous || !Samples(event.attributes)))) {
      return absl::InvalidArgumentError(fmt::format("{} and {}: what is written into AUX memory is sampled by itself: ask for them apart",
                                                    events.front().name, event.name));
    }
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
  return MemorySampler(*layout, traced ? events.size() : 1);
}

absl::StatusOr<MemorySampler> MemorySampler::OpenCpu(PerfEventCalls& calls, PerfRingMemory& memory, int cpu,
                                                     std::span<const SampledEvent> events, const Options& options) {
  absl::StatusOr<MemorySampler> sampler = Make(events);
  if (!sampler.ok()) return sampler.status();
  if (IsTraced(events.front())) {
    return absl::InvalidArgumentError(
        fmt::format("{} tells whose accesses it sampled by their thread alone: sample those of a process", events.front().name));
  }
  if (cpu < 0) return absl::InvalidArgumentError(fmt::format("CPU {} is none: name one that is online", cpu));
  absl::StatusOr<SampledPlace> place =
      SampledPlace::Open(calls, memory, {.tid = -1, .cpu = cpu}, events, {.ring_pages = options.ring_pages, .facts = options.facts});
  if (!place.ok()) return place.status();
  sampler->places_.push_back({.sampled = *std::move(place), .spe = std::nullopt});
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
    if (absl::Status opened = sampler->OpenThreads(calls, memory, pid, others, events, options); !opened.ok()) return opened;
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

absl::Status MemorySampler::OpenThreads(PerfEventCalls& calls, PerfRingMemory& memory, pid_t pid, const std::vector<pid_t>& tids,
                                        std::span<const SampledEvent> events, const Options& options) {
  for (const pid_t tid : tids) {
    const size_t before = places_.size();
    const absl::Status opened = OpenThread(calls, memory, pid, tid, events, options);
    if (opened.ok()) continue;
    while (places_.size() > before) places_.pop_back();
    if (!absl::IsNotFound(opened)) return opened;  // else it ended meanwhile
  }
  return absl::OkStatus();
}

absl::Status MemorySampler::OpenThread(PerfEventCalls& calls, PerfRingMemory& memory, pid_t pid, pid_t tid,
                                       std::span<const SampledEvent> events, const Options& options) {
  // Rings are shared by events, AUX memory is not.
  const size_t events_per_place = events.size() / places_per_thread_;
  for (size_t i = 0; i < events.size(); i += events_per_place) {
    const SampledEvent& event = events[i];
    absl::StatusOr<SampledPlace> place =
        SampledPlace::Open(calls, memory, {.tid = tid, .cpu = -1}, events.subspan(i, events_per_place),
                           {.ring_pages = options.ring_pages, .aux_pages = options.aux_pages, .facts = options.facts});
    if (!place.ok()) return place.status();
    std::optional<SpeAccessReader> spe;
    if (event.spe) {
      spe.emplace(SpeAccessReader::Source{.pid = static_cast<uint32_t>(pid),
                                          .tid = static_cast<uint32_t>(tid),
                                          .interval = event.attributes.sample_period,
                                          .encoding = *event.spe,
                                          .conversion = place->time_conversion()});
    }
    places_.push_back({.sampled = *std::move(place), .spe = spe});
  }
  return absl::OkStatus();
}

absl::Status MemorySampler::Enable() {
  for (Place& place : places_) {
    absl::Status enabled = place.sampled.Enable();
    if (enabled.ok()) continue;
    Disable().IgnoreError();  // the first error is the one to tell
    return enabled;
  }
  return absl::OkStatus();
}

absl::Status MemorySampler::Disable() {
  absl::Status first;
  for (Place& place : places_) first.Update(place.sampled.Disable());
  return first;
}

size_t MemorySampler::Drain(size_t records_per_ring_max, absl::FunctionRef<void(const MemoryAccess&)> sink) {
  size_t count = 0;
  for (Place& place : places_) {
    count += place.spe ? DrainTraced(place, records_per_ring_max, sink)
                       : place.sampled.Drain(records_per_ring_max, [&](const PerfRecord& record) { Take(record, sink); });
  }
  return count;
}

size_t MemorySampler::DrainTraced(Place& place, size_t records_max, absl::FunctionRef<void(const MemoryAccess&)> sink) {
  PerfAuxRing& aux = *place.sampled.aux();
  const auto read = [&](const PerfAuxBytes& bytes) {
    place.spe->Read(bytes, [&](const MemoryAccess& access) {
      ++counts_.access_count;
      ++counts_.traced.access_count;
      sink(access);
    });
  };
  aux.Begin();
  const size_t count = place.sampled.Drain(records_max, [&](const PerfRecord& record) {
    if (record.header.Is(PerfRecordType::kLost)) aux.MayHaveStopped();
    if (!record.header.Is(PerfRecordType::kAux)) {
      Take(record, sink);
      return;
    }
    const absl::StatusOr<PerfAux> told = ParseAux(layout_, record);
    if (told.ok()) {
      aux.Take(*told, read);
    } else {
      ++counts_.undecoded_count;
    }
  });
  aux.End(count < records_max, read);
  // After the room was given back. One that cannot be switched on is tried again the next time; what it misses is told as truncated.
  if (place.sampled.Resume()) ++counts_.traced.resume_count;
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

size_t MemorySampler::event_count() const {
  return std::accumulate(places_.begin(), places_.end(), size_t{0},
                         [](size_t sum, const Place& place) { return sum + place.sampled.event_count(); });
}

size_t MemorySampler::memory_bytes() const {
  return std::accumulate(places_.begin(), places_.end(), size_t{0},
                         [](size_t sum, const Place& place) { return sum + place.sampled.memory_bytes(); });
}

MemorySamplerCounts MemorySampler::counts() const {
  MemorySamplerCounts counts = counts_;
  for (const Place& place : places_) {
    AddRing(place.sampled.ring_counts(), &counts.ring);
    if (!place.spe) continue;
    AddAux(place.sampled.aux()->counts(), &counts.traced.aux);
    AddRead(place.spe->counts(), &counts.traced.read);
    counts.traced.unread_source_count += place.spe->unread_source_count();
  }
  return counts;
}

}  // namespace hftmon
