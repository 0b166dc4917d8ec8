#include "daemon/pmu/fault_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/perf/perf_sample.h"
#include "daemon/pmu/overflow_event.h"

namespace hftmon {
namespace {

SampledEvent PageFaults() {
  SampledEvent event{.name = "page-faults"};
  perf_event_attr& attributes = event.attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_PAGE_FAULTS;
  attributes.sample_period = 1;
  // Not PERF_SAMPLE_PERIOD: with it the kernel samples each software event whatever its period is (perf_swevent_event). What a sample
  // stands for is told by the count that it carries.
  attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU | PERF_SAMPLE_READ;
#if defined(__x86_64__)
  attributes.sample_type |= PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
  attributes.sample_regs_user = kFaultRegisters;
  attributes.sample_stack_user = kFaultStackBytes;
#endif
  UseMonotonicClock(&attributes);
  return event;
}

}  // namespace

FaultSampler::FaultSampler(PerfEventCalls& calls, PerfRingMemory& memory, ListThreads list, pid_t pid, const Options& options)
    : calls_(&calls), memory_(&memory), list_(std::move(list)), pid_(pid), options_(options), event_(PageFaults()) {}

absl::StatusOr<FaultSampler> FaultSampler::Open(PerfEventCalls& calls, PerfRingMemory& memory, ListThreads list, pid_t pid,
                                                const Options& options) {
  FaultSampler sampler(calls, memory, std::move(list), pid, options);
  perf_event_attr attributes = sampler.event_.attributes;  // as SampledPlace opens it
  attributes.size = sizeof(attributes);
  attributes.read_format = 0;
  attributes.sample_id_all = 1;
  const absl::StatusOr<PerfAttr> layout = ParsePerfAttr(std::as_bytes(std::span(&attributes, 1)));
  if (!layout.ok()) return layout.status();
  sampler.layout_ = *layout;
  if (absl::Status opened = sampler.OpenUnknown(/*refusal_ends=*/true); !opened.ok()) return opened;
  if (!sampler.threads_.empty()) return sampler;
  return absl::NotFoundError(fmt::format("process {} ended while its threads were opened: name one that runs", pid));
}

absl::Status FaultSampler::OpenUnknown(bool refusal_ends) {
  const ThreadBound bound{.threads_max = refusal_ends ? options_.threads_max : SIZE_MAX,
                          .what = "the page faults",
                          .done = "sampled, each into a ring of its own: there is no way to sample more"};
  const absl::StatusOr<std::vector<pid_t>> now = SortedThreads(list_, pid_, bound);
  if (!now.ok()) return now.status();
  const std::set<pid_t> known = std::exchange(known_, std::set<pid_t>(now->begin(), now->end()));
  for (const pid_t tid : *now) {
    if (known.contains(tid)) continue;
    const absl::Status opened = OpenThread(tid);
    if (opened.ok() || absl::IsNotFound(opened)) continue;
    if (refusal_ends) return opened;
    ++counts_.unsampled_thread_count;
    if (counts_.unsampled_reason.empty()) counts_.unsampled_reason = std::string(opened.message());
  }
  return absl::OkStatus();
}

absl::Status FaultSampler::OpenThread(pid_t tid) {
  if (threads_.size() >= options_.threads_max) {
    return absl::ResourceExhaustedError(
        fmt::format("{} threads are sampled, and {} may be: look for a shorter time", threads_.size(), options_.threads_max));
  }
  absl::StatusOr<SampledPlace> place = SampledPlace::Open(*calls_, *memory_, {.tid = tid, .cpu = -1}, std::span(&event_, 1),
                                                          {.ring_pages = options_.ring_pages, .facts = options_.facts});
  if (!place.ok()) return place.status();
  if (absl::Status enabled = on_ ? place->Enable() : absl::OkStatus(); !enabled.ok()) return enabled;
  threads_.push_back({.place = *std::move(place)});
  return absl::OkStatus();
}

absl::Status FaultSampler::Enable() {
  on_ = true;
  for (Thread& thread : threads_) {
    if (absl::Status enabled = thread.place.Enable(); !enabled.ok()) return enabled;
  }
  return absl::OkStatus();
}

absl::Status FaultSampler::Disable() {
  on_ = false;
  absl::Status first;
  for (Thread& thread : threads_) first.Update(thread.place.Disable());
  return first;
}

absl::Status FaultSampler::Look() {
  return OpenUnknown(/*refusal_ends=*/false);
}

void FaultSampler::Drain(Visit visit) {
  // A ring's own size bounds it: no record is smaller than its header.
  const size_t records_max = options_.ring_pages * memory_->page_bytes() / sizeof(perf_event_header);
  for (Thread& thread : threads_) {
    const size_t taken = thread.place.Drain(records_max, [&](const PerfRecord& record) { Take(record, &thread, visit); });
    if (taken < kDrainSamplesMax || thread.period >= kPeriodMax) continue;
    thread.period *= kPeriodFactor;
    // Where the kernel will not, it goes on as before: more samples, or more that are lost, and each says what it stands for.
    thread.place.SetPeriod(thread.period);
  }
}

void FaultSampler::Take(const PerfRecord& record, Thread* thread, Visit visit) {
  if (!record.header.Is(PerfRecordType::kSample)) return;
  const absl::StatusOr<PerfSample> sample = DecodeSample(layout_, record.body);
  const bool counted = sample.ok() && sample->read && sample->read->size() == 1;
  if (!counted || !sample->address || !sample->tid || !sample->cpu || sample->read->at(0).value < thread->counted) {
    ++counts_.undecoded_count;
    return;
  }
  const uint64_t count = sample->read->at(0).value;
  // At most a period: what samples stood for that found no room is told apart.
  const uint64_t since = count - std::exchange(thread->counted, count);
  const uint64_t weight = std::min(since, thread->period);
  counts_.untold_fault_count += since - weight;
  if (weight == 0) return;  // the kernel writes one fault twice as its period changes
  ++counts_.sample_count;
  counts_.fault_count += weight;
  SampledFault fault{.pid = sample->pid.value_or(0),
                     .tid = *sample->tid,
                     .mono_ns = sample->time_ns.value_or(0),
                     .address = *sample->address,
                     .cpu = *sample->cpu,
                     .weight = weight,
                     .registers = {},
                     .stack = {}};
  constexpr uint64_t kAbi64 = 2;
  if (sample->user_registers_abi == kAbi64) {
    fault.registers = sample->user_registers;
    fault.stack = sample->user_stack;
  }
  visit(fault);
}

FaultSamplerCounts FaultSampler::counts() const {
  FaultSamplerCounts counts = counts_;
  counts.thread_count = threads_.size();
  for (const Thread& thread : threads_) {
    counts.lost_count += thread.place.ring_counts().lost_count + thread.place.ring_counts().dropped_count;
    counts.damage_count += thread.place.ring_counts().damage_count;
  }
  return counts;
}

}  // namespace hftmon
