#include "client/cli/import/trace_threads.h"

#include <algorithm>

namespace hftmon {
namespace {

constexpr uint32_t kKernelPid = ~uint32_t{0};

// A kernel that runs as hypervisor writes its threads to EL2's register; the other is a guest's then, or 0.
std::optional<uint32_t> ContextThread(const SpeRecord& record) {
  if (record.context_el2.value_or(0) != 0) return record.context_el2;
  return record.context_el1 ? record.context_el1 : record.context_el2;
}

template <typename T>
void SortByTime(std::vector<T>* all) {
  std::stable_sort(all->begin(), all->end(), [](const T& a, const T& b) { return a.time_ns < b.time_ns; });
}

// The last that began until then. Null: none did.
template <typename T>
const T* LastUntil(const std::vector<T>& all, int64_t time_ns) {
  const auto after = std::upper_bound(all.begin(), all.end(), time_ns, [](int64_t time, const T& one) { return time < one.time_ns; });
  return after == all.begin() ? nullptr : &*std::prev(after);
}

}  // namespace

void TraceThreads::Own(uint32_t tid, uint32_t pid, int64_t time_ns) {
  if (pid == kKernelPid) return;
  std::vector<Owner>& owners = owners_[tid];
  if (!owners.empty() && owners.back().pid == pid) return;
  if (owner_count_ >= kOwnersMax) {
    ++dropped_count_;
    return;
  }
  owners.push_back({.time_ns = time_ns, .pid = pid});
  ++owner_count_;
}

void TraceThreads::Ran(const PerfSampleId& id, const std::optional<TraceThread>& thread) {
  if (!id.cpu || !id.time_ns) return;
  if (run_count_ >= kRunsMax) {
    ++dropped_count_;
    return;
  }
  runs_[*id.cpu].push_back({.time_ns = *id.time_ns, .thread = thread});
  ++run_count_;
}

void TraceThreads::OnSwitch(const PerfSwitch& change) {
  const PerfSampleId& id = change.sample_id;
  std::optional<TraceThread> thread;
  if (!change.out && id.pid && id.tid) thread = TraceThread{.pid = *id.pid, .tid = *id.tid};
  if (change.out && change.other_pid && change.other_tid) thread = TraceThread{.pid = *change.other_pid, .tid = *change.other_tid};
  Ran(id, thread);
}

void TraceThreads::OnItraceStart(const PerfItraceStart& start) {
  Ran(start.sample_id, TraceThread{.pid = start.pid, .tid = start.tid});
  Own(start.tid, start.pid, start.sample_id.time_ns.value_or(0));
}

void TraceThreads::Sort() {
  for (auto& [tid, owners] : owners_) SortByTime(&owners);
  for (auto& [cpu, runs] : runs_) SortByTime(&runs);
}

std::optional<TraceThread> TraceThreads::WithOwner(uint32_t tid, int64_t time_ns) const {
  if (tid == 0) return TraceThread();  // a CPU's idle thread
  const auto found = owners_.find(tid);
  if (found == owners_.end() || found->second.empty()) return std::nullopt;
  const Owner* const owner = LastUntil(found->second, time_ns);
  return TraceThread{.pid = owner == nullptr ? found->second.front().pid : owner->pid, .tid = tid};
}

std::optional<TraceThread> TraceThreads::Of(const SpeSample& sample) const {
  if (const std::optional<uint32_t> tid = ContextThread(sample.record); tid.has_value()) return WithOwner(*tid, sample.time_ns);
  if (sample.tid) return WithOwner(*sample.tid, sample.time_ns);
  if (!sample.cpu || !sample.own_time) return std::nullopt;
  const auto runs = runs_.find(*sample.cpu);
  if (runs == runs_.end()) return std::nullopt;
  const Run* const run = LastUntil(runs->second, sample.time_ns);
  return run == nullptr ? std::nullopt : run->thread;
}

}  // namespace hftmon
