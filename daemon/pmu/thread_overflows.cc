#include "daemon/pmu/thread_overflows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/perf/little_endian.h"
#include "daemon/pmu/counter_delta.h"

namespace hftmon {

ThreadOverflows::ThreadOverflows(CounterGroup group, MappedPerfRing ring, const PerfAttr& layout)
    : group_(std::move(group)),
      ring_(std::move(ring)),
      layout_(layout),
      last_(group_.size()),
      readings_(group_.size()),
      values_(group_.size() - 1) {}

absl::StatusOr<ThreadOverflows> ThreadOverflows::Open(PerfEventCalls& calls, PerfRingMemory& memory, pid_t tid,
                                                      const OverflowEvent& overflow, std::span<const CountedEvent> members,
                                                      const Options& options) {
  std::vector<CountedEvent> events = {overflow.event};
  for (const CountedEvent& member : members) {
    events.push_back(member);
    UseMonotonicClock(&events.back().attributes);
  }
  absl::StatusOr<CounterGroup> group = CounterGroup::Open(calls, {.tid = tid, .cpu = -1}, events, {.pinned = true, .facts = options.facts});
  if (!group.ok()) return group.status();
  perf_event_attr attributes = overflow.event.attributes;
  attributes.size = sizeof(attributes);
  attributes.read_format = group->read_format();
  const absl::StatusOr<PerfAttr> layout = ParsePerfAttr(std::as_bytes(std::span(&attributes, 1)));
  if (!layout.ok()) return layout.status();
  const std::string what = fmt::format("{} of {}", overflow.event.name, group->place().ToString());
  absl::StatusOr<MappedPerfRing> ring = MappedPerfRing::Map(memory, group->descriptor(0), options.ring_pages, what);
  if (!ring.ok()) return ring.status();
  return ThreadOverflows(*std::move(group), *std::move(ring), *layout);
}

absl::Status ThreadOverflows::Enable(int64_t now_mono_ns) {
  last_mono_ns_ = now_mono_ns;
  return group_.Enable();
}

size_t ThreadOverflows::Drain(size_t records_max, Visit visit) {
  return ring_.ring().Drain(records_max, [&](const PerfRecord& record) { Take(record, visit); });
}

void ThreadOverflows::Take(const PerfRecord& record, Visit visit) {
  if (record.header.Is(PerfRecordType::kSample)) TakeSample(record, visit);
  if (record.header.Is(PerfRecordType::kThrottle) || record.header.Is(PerfRecordType::kUnthrottle)) TakeThrottle(record);
}

void ThreadOverflows::TakeThrottle(const PerfRecord& record) {
  if (record.body.size() < sizeof(uint64_t)) {
    ++counts_.undecoded_count;
    return;
  }
  const auto time_ns = static_cast<int64_t>(LoadLittleEndian<uint64_t>(record.body, 0));
  LetGo(time_ns);
  if (!record.header.Is(PerfRecordType::kThrottle)) return;
  ++counts_.throttle_count;
  held_since_mono_ns_ = time_ns;
  held_told_ = false;
}

void ThreadOverflows::LetGo(int64_t until_mono_ns) {
  if (held_since_mono_ns_ == 0) return;
  counts_.throttled_ns += std::max<int64_t>(0, until_mono_ns - held_since_mono_ns_);
  held_since_mono_ns_ = 0;
  throttled_ = true;
}

void ThreadOverflows::TakeSample(const PerfRecord& record, Visit visit) {
  const absl::StatusOr<PerfSample> sample = DecodeSample(layout_, record.body);
  if (!sample.ok() || !sample->time_ns || !sample->read || !ReadingsOf(*sample->read)) {
    ++counts_.undecoded_count;
    return;
  }
  // The overflow that was one too many still writes its sample; another one means that the end of it was lost.
  if (held_since_mono_ns_ != 0 && std::exchange(held_told_, true)) LetGo(*sample->time_ns);
  last_cpu_ = static_cast<uint16_t>(sample->cpu.value_or(0));
  const uint64_t discarded = counts_.discarded_count;
  Advance({.end_mono_ns = *sample->time_ns, .rest = false}, visit);
  if (counts_.discarded_count == discarded) ++counts_.sample_count;
}

bool ThreadOverflows::ReadingsOf(const PerfReadValues& read) {
  if (read.size() != readings_.size() || !read.enabled_ns() || !read.running_ns()) return false;
  for (size_t i = 0; i < read.size(); ++i) {
    const PerfReadValue value = read.at(i);
    if (value.id != group_.id(i)) return false;  // the kernel writes them in the order in which they were opened
    readings_[i] = {
        .value = value.value, .enabled_ns = *read.enabled_ns(), .running_ns = *read.running_ns(), .lost = {}, .sampled = i == 0};
  }
  return true;
}

void ThreadOverflows::Advance(OverflowSpan span, Visit visit) {
  span.begin_mono_ns = last_mono_ns_;
  span.cpu = last_cpu_;
  span.throttled = throttled_;
  bool sound = span.end_mono_ns >= span.begin_mono_ns;
  for (size_t i = 0; i < readings_.size() && sound; ++i) {
    const absl::StatusOr<CounterReading> delta = CounterDelta(last_[i], readings_[i]);
    sound = delta.ok();
    if (!sound) break;
    span.enabled_ns = delta->enabled_ns;
    span.running_ns = delta->running_ns;
    if (i > 0) values_[i - 1] = delta->value;
  }
  last_ = readings_;
  last_mono_ns_ = span.end_mono_ns;
  if (!sound) {
    ++counts_.discarded_count;
    return;
  }
  throttled_ = false;
  span.values = values_;
  visit(span);
}

absl::Status ThreadOverflows::Finish(int64_t end_mono_ns, Visit visit) {
  absl::StatusOr<std::vector<CounterReading>> readings = group_.Read();
  counts_.starved = absl::IsResourceExhausted(readings.status());
  if (!readings.ok() && !counts_.starved) return readings.status();
  LetGo(end_mono_ns);
  if (counts_.starved) return absl::OkStatus();
  readings_ = *std::move(readings);
  lost_by_reading_ = readings_.front().lost.value_or(0);
  for (CounterReading& reading : readings_) reading.lost.reset();
  // What a thread that had ended counted ended with it, whenever that was.
  Advance({.end_mono_ns = std::max(end_mono_ns, last_mono_ns_), .rest = true}, visit);
  return absl::OkStatus();
}

OverflowCounts ThreadOverflows::counts() const {
  OverflowCounts counts = counts_;
  const PerfRingCounts& ring = ring_.ring().counts();
  counts.lost_count = std::max(lost_by_reading_, ring.lost_count + ring.dropped_count);
  counts.damage_count = ring.damage_count;
  return counts;
}

}  // namespace hftmon
