#include "daemon/service/threads_query.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/cpu_list.h"
#include "daemon/analysis/switch_summary.h"
#include "daemon/analysis/time_split.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_jitter.h"
#include "daemon/service/convert_returns.h"
#include "daemon/service/convert_switches.h"
#include "daemon/service/convert_threads.h"
#include "daemon/service/thread_splits.h"
#include "daemon/service/window_threads.h"

namespace hftmon {
namespace {

// All that the rows of an answer are made of.
class ThreadRows {
 public:
  ThreadRows(const ServiceCore& core, const ThreadSplits& splits, const JitterGatherer& jitter, const ReturnGatherer& returns,
             std::vector<int> isolated_cpus)
      : core_(core), splits_(splits), jitter_(jitter), returns_(returns), isolated_cpus_(std::move(isolated_cpus)) {}

  // False: it lived in no part of the window.
  bool Add(const ThreadWindow& window, v1::ScheduledThread* out) const {
    const std::optional<ThreadSplit> split = splits_.Find(window.thread);
    if (!split) return false;
    ThreadToProto(window.thread, core_.names, out->mutable_thread());
    out->set_alive(splits_.IsAlive(window.thread));
    if (const auto seen = core_.scheduling->Find(window.thread)) {
      SchedulingToProto(seen->scheduling, isolated_cpus_, out->mutable_scheduling());
      out->set_scheduling_read_monotonic_ns(seen->read_mono_ns);
    }
    TimeSplitToProto(split->time, out);
    out->set_migration_count(window.migration_count);
    AddCpus(window, *split, out);
    DepthToProto(Summarize(window, {}).run_queue_depth, out->mutable_run_queue_depth());
    jitter_.Fill(window.thread, out);
    returns_.Fill(window.thread, out);
    return true;
  }

 private:
  void AddCpus(const ThreadWindow& window, const ThreadSplit& split, v1::ScheduledThread* out) const {
    if (split.time.running_ns == 0) return;
    const absl::StatusOr<RunningByCpu> running = splits_.RunningBy(window, split, [](int cpu) { return cpu; });
    if (!running.ok()) return out->set_cpus_unavailable(std::string(running.status().message()));
    for (const CpuRunning& part : running->cpus) {
      v1::CpuTime* entry = out->add_cpus();
      entry->set_cpu(part.cpu);
      entry->set_cpu_time_ns(part.running_ns);
    }
  }

  const ServiceCore& core_;
  const ThreadSplits& splits_;
  const JitterGatherer& jitter_;
  const ReturnGatherer& returns_;
  const std::vector<int> isolated_cpus_;
};

// Largest CPU time first, with the shares.
void OrderThreads(google::protobuf::RepeatedPtrField<v1::ScheduledThread>* threads) {
  std::stable_sort(threads->begin(), threads->end(),
                   [](const v1::ScheduledThread& a, const v1::ScheduledThread& b) { return a.cpu_time_ns() > b.cpu_time_ns(); });
  int64_t sum_ns = 0;
  for (const v1::ScheduledThread& thread : *threads) sum_ns += thread.cpu_time_ns();
  if (sum_ns == 0) return;
  for (v1::ScheduledThread& thread : *threads) {
    thread.set_cpu_time_share(static_cast<double>(thread.cpu_time_ns()) / static_cast<double>(sum_ns));
  }
}

}  // namespace

grpc::Status AnswerThreads(const ServiceCore& core, const TargetSelection& selection, const v1::QueryThreadsRequest& request,
                           const Arrival& arrival, v1::QueryThreadsResponse* response) {
  const ThreadFilter filter{selection, {request.tids().begin(), request.tids().end()}};
  const auto keeps = [&filter](const ThreadKey& thread) { return filter.Keeps(thread); };
  ThreadSplits splits(core, selection, keeps, request.window_ns(), arrival.time.monotonic_ns);
  const std::vector<ThreadWindow> threads = ThreadsOf(core, filter, splits.TakeThreads());
  if (const grpc::Status found = CheckTidsFound(request.tids(), TidsOf(threads), "threads"); !found.ok()) return found;

  const WindowAnswer& answer = splits.answer();
  WindowAnswerToProto(core, selection, request.window_ns(), splits.begin_ns(), arrival, answer, response->mutable_window());
  TimePairToProto(core.status->Now(), response->mutable_time());
  response->set_lost_records(splits.lost_records());
  response->set_unslotted_thread_count(selection.UnslottedSince(answer.begin_mono_ns));
  const KeptFreeCpus kept_free = core.scheduling->KeptFree();
  response->set_isolated_cpus(FormatCpuList(kept_free.isolated));
  response->set_nohz_full_cpus(FormatCpuList(kept_free.nohz_full));

  const JitterGatherer jitter(core, selection, answer.begin_mono_ns, answer.end_mono_ns, request);
  const ReturnGatherer returns(core, selection, answer.begin_mono_ns, answer.end_mono_ns, request);
  const ThreadRows rows(core, splits, jitter, returns, kept_free.isolated);
  for (const ThreadWindow& thread : threads) {
    if (!rows.Add(thread, response->add_threads())) response->mutable_threads()->RemoveLast();
  }
  OrderThreads(response->mutable_threads());

  const SchedulingChanges changes = core.scheduling->ChangesWithin(answer.begin_mono_ns, core.status->Now().monotonic_ns);
  response->set_changes_incomplete(changes.incomplete);
  for (const SchedulingChange& change : changes.changes) {
    if (filter.Keeps(change.thread)) SchedulingChangeToProto(change, kept_free.isolated, core.names, response->add_changes());
  }
  return grpc::Status::OK;
}

}  // namespace hftmon
