#include "daemon/growth_look.h"

#include <algorithm>
#include <utility>

#include "daemon/touch_book.h"

namespace hftmon {
namespace {

constexpr char kWhat[] = "its page faults were";
constexpr size_t kStacksADrain = 16;  // unwound between two drains, some 0.1 ms each

class Look {
 public:
  Look(const GrowthParts& parts, uint32_t pid, int64_t start_boottime_ns, const std::function<bool(int64_t)>& wait)
      : parts_(parts), pid_(pid), start_boottime_ns_(start_boottime_ns), wait_(wait) {}

  absl::Status Check() const { return CheckRuns(parts_.look_at(pid_, start_boottime_ns_), pid_, kWhat); }

  // Until the time is over.
  absl::Status Gather(FaultSampler* sampler, TouchBook* book, int64_t over_ns) const {
    const auto add = [&](const SampledFault& fault) { book->Add(fault); };
    int64_t next_look_ns = parts_.clock->NowNs() + kGrowthLookIntervalNs;
    for (int64_t now_ns = parts_.clock->NowNs(); now_ns < over_ns; now_ns = parts_.clock->NowNs()) {
      if (wait_(std::min(kGrowthDrainIntervalNs, over_ns - now_ns))) return absl::CancelledError("cancelled");
      if (absl::Status admitted = parts_.admit(); !admitted.ok()) return admitted;
      sampler->Drain(add);
      book->Unwind(kStacksADrain);
      if (parts_.clock->NowNs() < next_look_ns) continue;
      next_look_ns = parts_.clock->NowNs() + kGrowthLookIntervalNs;
      if (absl::Status runs = Check(); !runs.ok()) return runs;
      if (absl::Status looked = sampler->Look(); !looked.ok()) return looked;
    }
    return absl::OkStatus();
  }

  // What is left in the rings, and stacks while the caller lets it.
  absl::Status Finish(FaultSampler* sampler, TouchBook* book) const {
    sampler->Drain([&](const SampledFault& fault) { book->Add(fault); });
    while (book->Unwind(kStacksADrain) > 0) {
      if (wait_(0)) return absl::CancelledError("cancelled");
    }
    return Check();
  }

 private:
  const GrowthParts& parts_;
  const uint32_t pid_;
  const int64_t start_boottime_ns_;
  const std::function<bool(int64_t)>& wait_;
};

void PutCounts(const FaultSamplerCounts& counts, ProcessGrowth* growth) {
  growth->fault_count = counts.fault_count;
  growth->sample_count = counts.sample_count;
  growth->lost_count = counts.lost_count + counts.undecoded_count + counts.damage_count;
  growth->untold_fault_count = counts.untold_fault_count;
  growth->thread_count = counts.thread_count;
  growth->unsampled_thread_count = counts.unsampled_thread_count;
  growth->unavailable = counts.unsampled_reason;
}

}  // namespace

absl::StatusOr<ProcessGrowth> LookForGrowth(const GrowthParts& parts, uint32_t pid, int64_t start_boottime_ns, int64_t duration_ns,
                                            const std::function<bool(int64_t)>& wait) {
  const Look look(parts, pid, start_boottime_ns, wait);
  ProcessGrowth growth;
  absl::StatusOr<FaultSampler> sampler =
      FaultSampler::Open(*parts.calls, *parts.memory, parts.threads, static_cast<pid_t>(pid), {.facts = parts.facts()});
  // Asked now: it had not ended when it was opened, so those are its threads.
  if (absl::Status runs = look.Check(); !runs.ok()) return runs;
  if (!sampler.ok()) {
    growth.unavailable = std::string(sampler.status().message());
    return growth;
  }
  const absl::StatusOr<ProcMaps> before = parts.mappings(pid);
  if (!before.ok()) {
    growth.unavailable = std::string(before.status().message());
    return growth;
  }
  if (absl::Status admitted = parts.admit(); !admitted.ok()) return admitted;
  const std::unique_ptr<StackUnwinder> unwinder = parts.unwinder();
  TouchBook book(pid, start_boottime_ns, *before, unwinder.get());
  growth.begin_mono_ns = parts.clock->NowNs();
  absl::Status status = sampler->Enable();
  if (status.ok()) status = look.Gather(&*sampler, &book, growth.begin_mono_ns + duration_ns);
  status.Update(sampler->Disable());
  growth.end_mono_ns = parts.clock->NowNs();
  if (status.ok()) status = look.Finish(&*sampler, &book);
  if (!status.ok()) return status;
  PutCounts(sampler->counts(), &growth);
  const absl::StatusOr<ProcMaps> after = parts.mappings(pid);
  book.Tell(after.ok() ? *after : *before, &growth);
  if (after.ok()) growth.grown = GrowthOf(*before, *after);
  return growth;
}

}  // namespace hftmon
