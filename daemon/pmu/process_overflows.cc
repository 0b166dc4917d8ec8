#include "daemon/pmu/process_overflows.h"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

namespace hftmon {
namespace {

constexpr int kAttemptsMax = 8;
// Of a sample: header, time, CPU; number of events and two times; of each event value, id and lost.
constexpr size_t kSampleBytes = 48;
constexpr size_t kEventBytes = 24;

}  // namespace

absl::StatusOr<ProcessOverflows> ProcessOverflows::Open(Parts parts, pid_t pid, OverflowEvent overflow, std::vector<CountedEvent> members,
                                                        const Options& options) {
  ProcessOverflows process(std::move(parts), pid, std::move(overflow), std::move(members), options);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const absl::StatusOr<std::vector<pid_t>> unknown = process.Unknown(options.threads_max);
    if (absl::IsNotFound(unknown.status()) && attempt > 0) break;
    if (!unknown.ok()) return unknown.status();
    if (unknown->empty()) break;
    if (attempt + 1 == kAttemptsMax) {
      return absl::AbortedError(fmt::format(
          "process {} makes threads faster than their counters are opened ({} attempts): sample when it has made them", pid, kAttemptsMax));
    }
    for (const pid_t tid : *unknown) {
      if (absl::Status go_on = process.MayGoOn(process.opened_count_++); !go_on.ok()) return go_on;
      const absl::Status opened = process.OpenThread(tid, process.threads_.size() + unknown->size(), /*born=*/false);
      if (!opened.ok() && !absl::IsNotFound(opened)) return opened;  // not found: it ended meanwhile
    }
  }
  if (!process.threads_.empty()) return process;
  return absl::NotFoundError(fmt::format("process {} ended while its threads' counters were opened: name one that runs", pid));
}

absl::Status ProcessOverflows::MayGoOn(size_t number) const {
  return parts_.go_on && number % kGoOnThreads == 0 ? parts_.go_on() : absl::OkStatus();
}

// Those that the process has and that were not met yet.
absl::StatusOr<std::vector<pid_t>> ProcessOverflows::Unknown(size_t threads_max) {
  const ThreadBound bound{.threads_max = threads_max,
                          .what = "the counters",
                          .done = "sampled, each into a ring of its own: count them without sampling (attach --counters)"};
  const absl::StatusOr<std::vector<pid_t>> now = SortedThreads(parts_.threads, pid_, bound);
  if (!now.ok()) return now.status();
  std::vector<pid_t> unknown;
  std::copy_if(now->begin(), now->end(), std::back_inserter(unknown), [this](pid_t tid) { return !known_.contains(tid); });
  // A thread that gets the number of one that ended is met as new.
  known_ = std::set<pid_t>(now->begin(), now->end());
  return unknown;
}

size_t ProcessOverflows::RingPages(size_t thread_count) const {
  const size_t page_bytes = parts_.memory->page_bytes();
  const size_t samples = static_cast<size_t>(options_.rate_hz * (kRingTimeNs / 1'000'000) / 1'000) + 1;
  const size_t wanted = samples * (kSampleBytes + kEventBytes * (1 + members_.size())) / page_bytes + 1;
  const size_t share = std::bit_floor(std::max<size_t>(1, kRingBytesTotal / page_bytes / std::max<size_t>(thread_count, 1)));
  // The share was less of a bound when the threads were fewer: what they took is taken.
  const size_t left = kRingBytesTotal / page_bytes - std::min(ring_pages_, kRingBytesTotal / page_bytes);
  const size_t bound = std::min(share, std::bit_floor(std::max<size_t>(1, left)));
  return std::clamp(std::min(std::bit_ceil(wanted), bound), kRingPagesMin, kRingPagesMax);
}

absl::Status ProcessOverflows::OpenThread(pid_t tid, size_t thread_count, bool born) {
  if (threads_.size() >= options_.threads_max) {
    return absl::ResourceExhaustedError(
        fmt::format("{} threads are counted, and {} may be: sample for a shorter time, or while fewer threads are made", threads_.size(),
                    options_.threads_max));
  }
  const size_t ring_pages = RingPages(thread_count);
  absl::StatusOr<ThreadOverflows> thread =
      ThreadOverflows::Open(*parts_.calls, *parts_.memory, tid, overflow_, members_, {.ring_pages = ring_pages, .facts = options_.facts});
  // Whatever came of it: of a thread that is refused some were opened and closed.
  counts_.cross_call_count_max += 2 * (1 + members_.size());
  if (!thread.ok()) return thread.status();
  counts_.cross_call_count_max += 2;
  if (absl::Status enabled = on_ ? thread->Enable(parts_.clock->NowNs()) : absl::OkStatus(); !enabled.ok()) return enabled;
  ++counts_.thread_count;
  counts_.born_thread_count += born ? 1 : 0;
  counts_.event_count += thread->event_count();
  counts_.ring_bytes += thread->ring_bytes();
  ring_pages_ += ring_pages;
  threads_.push_back({.overflows = *std::move(thread), .born = born});
  return absl::OkStatus();
}

absl::Status ProcessOverflows::Begin() {
  for (size_t number = 0; number < threads_.size(); ++number) {
    if (absl::Status go_on = MayGoOn(number); !go_on.ok()) return go_on;
    if (absl::Status enabled = threads_[number].overflows.Enable(parts_.clock->NowNs()); !enabled.ok()) return enabled;
  }
  on_ = true;
  return absl::OkStatus();
}

absl::Status ProcessOverflows::Look() {
  // Each that is one too many is refused by itself, and told.
  const absl::StatusOr<std::vector<pid_t>> born = Unknown(SIZE_MAX);
  if (!born.ok()) return born.status();
  for (const pid_t tid : *born) {
    if (absl::Status go_on = MayGoOn(opened_count_++); !go_on.ok()) return go_on;
    const absl::Status opened = OpenThread(tid, threads_.size() + born->size(), /*born=*/true);
    // One that ended meanwhile is as little counted as what lived between two looks.
    if (opened.ok() || absl::IsNotFound(opened)) continue;
    ++counts_.unsampled_thread_count;
    if (counts_.unsampled_reason.empty()) counts_.unsampled_reason = std::string(opened.message());
  }
  return absl::OkStatus();
}

void ProcessOverflows::Drain(Visit visit) {
  // A ring's own size bounds it: no record is smaller than its header.
  const size_t records_max = kRingPagesMax * parts_.memory->page_bytes() / sizeof(perf_event_header);
  for (size_t i = 0; i < threads_.size(); ++i) {
    threads_[i].overflows.Drain(records_max, [&](const OverflowSpan& span) { visit(i, span); });
  }
}

absl::Status ProcessOverflows::End(Visit visit) {
  absl::Status first;
  std::vector<int64_t> ends_ns;
  for (Thread& thread : threads_) {
    first.Update(thread.overflows.Disable());
    ends_ns.push_back(parts_.clock->NowNs());
  }
  on_ = false;
  Drain(visit);
  for (size_t i = 0; i < threads_.size(); ++i) {
    first.Update(threads_[i].overflows.Finish(ends_ns[i], [&](const OverflowSpan& span) { visit(i, span); }));
  }
  return first;
}

std::vector<ThreadOverflowFigures> ProcessOverflows::threads() const {
  std::vector<ThreadOverflowFigures> figures;
  for (const Thread& thread : threads_) {
    figures.push_back({.tid = thread.overflows.tid(), .born = thread.born, .counts = thread.overflows.counts()});
  }
  return figures;
}

}  // namespace hftmon
