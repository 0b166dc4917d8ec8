#include "daemon/pmu/process_counters.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hftmon {
namespace {

constexpr int kAttemptsMax = 8;

// What a kernel is asked for next that does not take the first.
CounterHeirs Lesser(CounterHeirs heirs) {
  // Telling threads from processes is the newer thing.
  return heirs == CounterHeirs::kThreads ? CounterHeirs::kThreadsAndProcesses : CounterHeirs::kNobody;
}

bool HasOthers(const std::vector<pid_t>& now, const std::vector<pid_t>& before) {
  return std::any_of(now.begin(), now.end(), [&](pid_t tid) { return !std::binary_search(before.begin(), before.end(), tid); });
}

ThreadBound BoundOf(const ProcessCounters::Options& options) {
  return {.threads_max = options.threads_max, .what = "the events", .done = "counted one by one: count those of its CPUs"};
}

}  // namespace

absl::StatusOr<ProcessCounters> ProcessCounters::Open(PerfEventCalls& calls, const ListThreads& list, pid_t pid,
                                                      std::span<const CountedEvent> events, const Options& options) {
  ProcessCounters counters(pid, options);
  absl::StatusOr<std::vector<pid_t>> tids = SortedThreads(list, pid, BoundOf(options));
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    if (!tids.ok()) return tids.status();
    counters.groups_.clear();
    if (absl::Status opened = counters.OpenAll(calls, *tids, events, options); !opened.ok()) return opened;
    absl::StatusOr<std::vector<pid_t>> now = SortedThreads(list, pid, BoundOf(options));
    if (counters.groups_.empty() || absl::IsNotFound(now.status()))
      return absl::NotFoundError(fmt::format("process {} ended while its threads were opened: name one that runs", pid));
    if (!now.ok()) return now.status();
    if (!HasOthers(*now, *tids)) return counters;
    tids = std::move(now);
  }
  return absl::AbortedError(fmt::format(
      "process {} makes threads faster than their counters are opened ({} attempts): count the events of its CPUs", pid, kAttemptsMax));
}

absl::Status ProcessCounters::OpenAll(PerfEventCalls& calls, const std::vector<pid_t>& tids, std::span<const CountedEvent> events,
                                      const Options& options) {
  for (const pid_t tid : tids) {
    absl::Status opened = OpenThread(calls, tid, events, options);
    if (absl::IsNotFound(opened)) continue;  // it ended meanwhile
    if (absl::IsResourceExhausted(opened)) {
      return absl::ResourceExhaustedError(fmt::format("{} threads of process {} with {} events each are {} counters: {}", tids.size(), pid_,
                                                      events.size(), tids.size() * events.size(), std::string(opened.message())));
    }
    if (!opened.ok()) return opened;
  }
  return absl::OkStatus();
}

absl::Status ProcessCounters::OpenThread(PerfEventCalls& calls, pid_t tid, std::span<const CountedEvent> events, const Options& options) {
  for (CounterHeirs heirs = heirs_;; heirs = Lesser(heirs)) {
    absl::StatusOr<CounterGroup> group =
        CounterGroup::Open(calls, {.tid = tid, .cpu = -1}, events, {.heirs = heirs, .facts = options.facts});
    // All are opened alike: what the first was refused the others are.
    if (absl::IsInvalidArgument(group.status()) && groups_.empty() && heirs != CounterHeirs::kNobody) continue;
    if (!group.ok()) return group.status();
    heirs_ = heirs;
    groups_.push_back(*std::move(group));
    return absl::OkStatus();
  }
}

absl::Status ProcessCounters::Enable() {
  for (CounterGroup& group : groups_) {
    if (absl::Status enabled = group.Enable(); !enabled.ok()) return enabled;
  }
  return absl::OkStatus();
}

absl::Status ProcessCounters::Disable() {
  for (CounterGroup& group : groups_) {
    if (absl::Status disabled = group.Disable(); !disabled.ok()) return disabled;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ThreadReadings>> ProcessCounters::Read() const {
  std::vector<ThreadReadings> threads;
  threads.reserve(groups_.size());
  for (const CounterGroup& group : groups_) {
    absl::StatusOr<std::vector<CounterReading>> readings = group.Read();
    if (!readings.ok()) return readings.status();
    threads.push_back({.tid = group.place().tid, .readings = *std::move(readings)});
  }
  return threads;
}

std::string ProcessCounters::shortfall() const {
  if (heirs_ == asked_) return "";
  if (heirs_ == CounterHeirs::kNobody) {
    return fmt::format(
        "this kernel does not let these events be inherited: what threads do that process {} makes from now on is not in it; open them "
        "anew "
        "for those",
        pid_);
  }
  return fmt::format(
      "this kernel (before 5.13) does not tell threads from child processes: what processes do that process {} makes from now on is in it",
      pid_);
}

}  // namespace hftmon
