#include "daemon/host_access_sampling.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <string>
#include <thread>
#include <utility>

#include "daemon/access_places.h"
#include "daemon/with_reason.h"

namespace hftmon {
namespace {

constexpr char kWhat[] = "its memory accesses were";

int64_t ThreadCpuNs() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

std::optional<ProcMaps> ValueOf(absl::StatusOr<ProcMaps> maps) {
  return maps.ok() ? std::optional<ProcMaps>(*std::move(maps)) : std::nullopt;
}

}  // namespace

class HostAccessSampling::Run final : public AccessSamplingRun {
 public:
  Run(HostAccessSampling* owner, const AccessSamplingPlan& plan) : owner_(owner), parts_(owner->parts_), plan_(plan) {
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "hftmon_accesses");
      result_ = Sample();
      if (result_.ok() && parts_.note) parts_.note(plan_, *result_);
      over_.store(true, std::memory_order_release);  // pairs with Result's acquire
    });
  }
  ~Run() override {
    Cancel();
    thread_.join();
    owner_->Leave(plan_.pid);
  }

  void Cancel() override {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  const absl::StatusOr<AccessSamples>* Result() const override { return over_.load(std::memory_order_acquire) ? &result_ : nullptr; }

 private:
  absl::StatusOr<AccessSamples> Sample();
  absl::StatusOr<ProcessAccesses> Open(AccessSamples* samples);
  // Returns when the time is over or the process has ended. NOT_FOUND: it was detached.
  absl::StatusOr<AccessSamplingEnd> Gather(ProcessAccesses& accesses, int64_t begin_mono_ns);
  void Tell(const ProcessAccesses& accesses, std::optional<ProcMaps> before, AccessSamples* samples);
  // Whether it is to end.
  bool Wait(int64_t duration_ns) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::nanoseconds(duration_ns), [this] { return cancelled_; });
  }

  HostAccessSampling* const owner_;
  const Parts& parts_;
  const AccessSamplingPlan plan_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
  std::atomic<bool> over_{false};
  absl::StatusOr<AccessSamples> result_ = absl::UnknownError("not over");
  std::thread thread_;
};

absl::StatusOr<ProcessAccesses> HostAccessSampling::Run::Open(AccessSamples* samples) {
  const PerfEventRefusalFacts facts = parts_.facts();
  absl::StatusOr<std::vector<SampledEvent>> events =
      parts_.events(facts, {.load_latency_cycles = plan_.load_latency_cycles, .period = plan_.period});
  if (!events.ok()) return WithReason(events.status(), "NO_ACCESS_SAMPLING");
  for (const SampledEvent& event : *events) samples->events.push_back(event.name);
  ProcessAccesses::Options options{.facts = facts};
  options.lines = {.lines = kLinesMax, .sites = kSitesMax, .line_bytes = parts_.line_bytes()};
  absl::StatusOr<ProcessAccesses> accesses =
      ProcessAccesses::Open(*parts_.calls, *parts_.memory, parts_.threads, static_cast<pid_t>(plan_.pid), *std::move(events), options);
  if (absl::IsNotFound(accesses.status())) return EndedBefore(plan_.pid, kWhat);
  if (absl::IsFailedPrecondition(accesses.status())) return WithReason(accesses.status(), "NO_ACCESS_SAMPLING");
  // Asked now: it had not ended when it was opened, so those are its threads.
  if (!accesses.ok()) return accesses;
  const SampledProcess process = parts_.look_at(plan_.pid, plan_.start_boottime_ns);
  if (absl::Status runs = CheckRuns(process, plan_.pid, kWhat); !runs.ok()) return runs;
  return accesses;
}

absl::StatusOr<AccessSamplingEnd> HostAccessSampling::Run::Gather(ProcessAccesses& accesses, int64_t begin_mono_ns) {
  const int64_t over_ns = begin_mono_ns + plan_.duration_ns;
  int64_t next_look_ns = begin_mono_ns + kLookIntervalNs;
  for (int64_t now_ns = begin_mono_ns; now_ns < over_ns; now_ns = parts_.clock->NowNs()) {
    if (Wait(std::min(kDrainIntervalNs, over_ns - now_ns))) return absl::CancelledError("sampling was cancelled");
    if (absl::Status admitted = parts_.admit(); !admitted.ok()) return admitted;
    accesses.Drain();
    if (parts_.clock->NowNs() < next_look_ns) continue;
    next_look_ns = parts_.clock->NowNs() + kLookIntervalNs;
    const SampledProcess process = parts_.look_at(plan_.pid, plan_.start_boottime_ns);
    if (process == SampledProcess::kNotTarget) return Detached(plan_.pid, kWhat);
    if (process == SampledProcess::kEnded) return AccessSamplingEnd::kProcessEnded;
    absl::Status looked = accesses.Look();
    if (absl::IsNotFound(looked)) return AccessSamplingEnd::kProcessEnded;
    if (!looked.ok()) return looked;
  }
  const SampledProcess process = parts_.look_at(plan_.pid, plan_.start_boottime_ns);
  if (process == SampledProcess::kNotTarget) return Detached(plan_.pid, kWhat);
  return process == SampledProcess::kEnded ? AccessSamplingEnd::kProcessEnded : AccessSamplingEnd::kDuration;
}

absl::StatusOr<AccessSamples> HostAccessSampling::Run::Sample() {
  AccessSamples samples;
  absl::StatusOr<ProcessAccesses> accesses = Open(&samples);
  if (!accesses.ok()) return accesses.status();
  absl::StatusOr<ProcMaps> before = parts_.mappings(plan_.pid);
  if (!before.ok()) samples.places_unavailable = std::string(before.status().message());
  if (absl::Status admitted = Wait(0) ? absl::CancelledError("sampling was cancelled") : parts_.admit(); !admitted.ok()) return admitted;
  samples.begin_mono_ns = parts_.clock->NowNs();
  if (absl::Status begun = accesses->Begin(); !begun.ok()) return begun;
  const absl::StatusOr<AccessSamplingEnd> end = Gather(*accesses, samples.begin_mono_ns);
  const absl::Status ended = accesses->End();
  samples.end_mono_ns = parts_.clock->NowNs();
  if (!end.ok()) return end.status();
  // An event of a thread that ended cannot fail to be switched off; another's that does samples until it is closed, which is now.
  if (!ended.ok()) return ended;
  samples.end = *end;
  Tell(*accesses, ValueOf(std::move(before)), &samples);
  samples.daemon_cpu_ns = ThreadCpuNs();
  return samples;
}

void HostAccessSampling::Run::Tell(const ProcessAccesses& accesses, std::optional<ProcMaps> before, AccessSamples* samples) {
  AccessMappings mappings{.before = std::move(before), .after = std::nullopt};
  // Of a process that has ended another one may have the number.
  if (samples->end == AccessSamplingEnd::kDuration) mappings.after = ValueOf(parts_.mappings(plan_.pid));
  if (mappings.after) samples->places_unavailable.clear();
  samples->counts = accesses.counts();
  samples->loads = LoadTableOf(accesses.loads());
  samples->table = accesses.lines().Build(plan_.order, parts_.node_of_cpu(), plan_.lines_max);
  samples->places = PlacesOf(mappings, samples->table.lines);
  samples->shared_places = PlacesOf(mappings, samples->table.shared_lines);
}

absl::StatusOr<std::unique_ptr<AccessSamplingRun>> HostAccessSampling::Begin(const AccessSamplingPlan& plan) {
  if (absl::Status admitted = parts_.admit(); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  if (pids_.contains(plan.pid)) {
    return WithReason(
        absl::ResourceExhaustedError(
            fmt::format("memory accesses of process {} are sampled already, by one call at a time: call again when it is over", plan.pid)),
        "SAMPLING");
  }
  if (pids_.size() >= kRunsMax) {
    return WithReason(
        absl::ResourceExhaustedError(fmt::format(
            "memory accesses of {} processes are sampled, and no more are at once: call again when one of them is over", pids_.size())),
        "SAMPLING");
  }
  pids_.insert(plan.pid);
  return std::make_unique<Run>(this, plan);
}

size_t HostAccessSampling::run_count() const {
  std::lock_guard lock(mutex_);
  return pids_.size();
}

void HostAccessSampling::Leave(uint32_t pid) {
  std::lock_guard lock(mutex_);
  pids_.erase(pid);
}

}  // namespace hftmon
