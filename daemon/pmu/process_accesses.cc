#include "daemon/pmu/process_accesses.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

namespace hftmon {
namespace {

size_t RingPages(size_t thread_count, size_t page_bytes) {
  const size_t pages = ProcessAccesses::kRingBytesTotal / page_bytes / std::max<size_t>(thread_count, 1);
  return std::clamp(std::bit_floor(pages), ProcessAccesses::kRingPagesMin, ProcessAccesses::kRingPagesMax);
}

// Of hardware that writes into AUX memory.
void SizeForAux(size_t place_count, size_t page_bytes, MemorySampler::Options* options) {
  options->ring_pages = std::max<size_t>(ProcessAccesses::kAuxRingBytes / page_bytes, 1);
  const size_t bytes = ProcessAccesses::kRingBytesTotal / std::max<size_t>(place_count, 1);
  options->aux_pages = std::bit_floor(std::clamp(bytes, ProcessAccesses::kAuxBytesMin, ProcessAccesses::kAuxBytesMax) / page_bytes);
  options->aux_pages = std::max(options->aux_pages, ProcessAccesses::kAuxPagesMin);
}

bool TellsWhoHadIt(const DataSource& source) {
  return source.level != AccessLevel::kUnknown || source.snoop != SnoopResult::kUnknown || source.peer;
}

}  // namespace

absl::StatusOr<ProcessAccesses> ProcessAccesses::Open(PerfEventCalls& calls, PerfRingMemory& memory, ListThreads list, pid_t pid,
                                                      std::vector<SampledEvent> events, const Options& options) {
  ProcessAccesses accesses(calls, memory, std::move(list), pid, std::move(events), options);
  const absl::StatusOr<std::vector<pid_t>> threads = accesses.list_(pid);
  if (!threads.ok()) return threads.status();
  // Those that come while it opens are met by it, and known.
  const ListThreads noting = [&accesses](pid_t process) {
    absl::StatusOr<std::vector<pid_t>> now = accesses.list_(process);
    if (now.ok()) accesses.known_.insert(now->begin(), now->end());
    return now;
  };
  absl::StatusOr<MemorySampler> sampler = accesses.Sample(noting, threads->size());
  if (!sampler.ok()) return sampler.status();
  accesses.Keep(*std::move(sampler));
  return accesses;
}

absl::StatusOr<MemorySampler> ProcessAccesses::Sample(const ListThreads& list, size_t thread_count_expected) {
  MemorySampler::Options options{
      .ring_pages = RingPages(thread_count_expected, memory_->page_bytes()), .threads_max = options_.threads_max, .facts = options_.facts};
  if (!events_.empty() && events_.front().spe) SizeForAux(thread_count_expected * events_.size(), memory_->page_bytes(), &options);
  absl::StatusOr<MemorySampler> sampler = MemorySampler::OpenProcess(*calls_, *memory_, list, pid_, events_, options);
  if (!sampler.ok()) return sampler.status();
  counts_.event_count += sampler->event_count();
  counts_.ring_bytes += sampler->memory_bytes();
  return sampler;
}

void ProcessAccesses::Keep(MemorySampler sampler) {
  counts_.thread_count += sampler.thread_count();
  samplers_.push_back(std::move(sampler));
}

absl::Status ProcessAccesses::Begin() {
  for (MemorySampler& sampler : samplers_) {
    if (absl::Status enabled = sampler.Enable(); !enabled.ok()) return enabled;
  }
  on_ = true;
  return absl::OkStatus();
}

absl::Status ProcessAccesses::Look() {
  const absl::StatusOr<std::vector<pid_t>> now = list_(pid_);
  if (!now.ok()) return now.status();
  std::vector<pid_t> born;
  std::copy_if(now->begin(), now->end(), std::back_inserter(born), [this](pid_t tid) { return !known_.contains(tid); });
  // A thread that gets the number of one that ended is met as new.
  known_ = std::set<pid_t>(now->begin(), now->end());
  if (born.empty()) return absl::OkStatus();
  const size_t before = counts_.thread_count;
  const absl::Status sampled = SampleBorn(born);
  counts_.born_thread_count += counts_.thread_count - before;
  // Of those some may have ended meanwhile: they are as little sampled as what lived between two looks.
  if (sampled.ok() || absl::IsNotFound(sampled)) return absl::OkStatus();
  counts_.unsampled_thread_count += born.size();
  if (counts_.unsampled_reason.empty()) counts_.unsampled_reason = std::string(sampled.message());
  return absl::OkStatus();
}

// All of them or none.
absl::Status ProcessAccesses::SampleBorn(const std::vector<pid_t>& born) {
  if (counts_.thread_count + born.size() > options_.threads_max) {
    return absl::ResourceExhaustedError(
        fmt::format("{} threads are sampled, and {} may be: sample for a shorter time, or while fewer threads are made",
                    counts_.thread_count, options_.threads_max));
  }
  absl::StatusOr<MemorySampler> sampler = Sample([&born](pid_t) { return born; }, counts_.thread_count + born.size());
  if (!sampler.ok()) return sampler.status();
  if (absl::Status enabled = on_ ? sampler->Enable() : absl::OkStatus(); !enabled.ok()) return enabled;
  Keep(*std::move(sampler));
  return absl::OkStatus();
}

void ProcessAccesses::Drain() {
  for (MemorySampler& sampler : samplers_) {
    // A ring's own size bounds it: no record is smaller than its header.
    const size_t records_max = kRingPagesMax * memory_->page_bytes() / sizeof(perf_event_header);
    sampler.Drain(records_max, [this](const MemoryAccess& access) { Take(access); });
  }
}

absl::Status ProcessAccesses::End() {
  absl::Status first;
  for (MemorySampler& sampler : samplers_) first.Update(sampler.Disable());
  on_ = false;
  Drain();
  return first;
}

void ProcessAccesses::Take(const MemoryAccess& access) {
  loads_.Add(access);
  lines_.Add(access);
  if (access.source.IsAccess() && TellsWhoHadIt(access.source)) ++counts_.told_count;
}

ProcessAccessCounts ProcessAccesses::counts() const {
  ProcessAccessCounts counts = counts_;
  for (const MemorySampler& sampler : samplers_) counts.samples.Add(sampler.counts());
  return counts;
}

}  // namespace hftmon
