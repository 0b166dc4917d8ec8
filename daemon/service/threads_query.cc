#include "daemon/service/threads_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/cpu_list.h"
#include "daemon/analysis/switch_summary.h"
#include "daemon/analysis/thread_history.h"
#include "daemon/analysis/time_split.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_jitter.h"
#include "daemon/service/convert_returns.h"
#include "daemon/service/convert_switches.h"
#include "daemon/service/convert_threads.h"
#include "daemon/service/thread_lives.h"
#include "daemon/service/window_threads.h"

namespace hftmon {
namespace {

using Pieces = ThreadStates::ByThread<std::vector<ThreadPiece>>;

// By thread; what a bucket has twice of one, because its slot was read in between, is one piece.
Pieces PiecesByThread(const std::vector<ThreadPiece>& all) {
  Pieces pieces;
  for (const ThreadPiece& piece : all) {
    std::vector<ThreadPiece>& own = pieces[piece.thread];
    if (own.empty() || own.back().begin_mono_ns != piece.begin_mono_ns) {
      own.push_back(piece);
      continue;
    }
    ThreadPiece& last = own.back();
    last.in_count += piece.in_count;
    last.timed_count += piece.timed_count;
    last.out_count += piece.out_count;
    last.off_cpu_ns += piece.off_cpu_ns;
    last.run_delay_ns += piece.run_delay_ns;
    last.interrupted_ns += piece.interrupted_ns;
  }
  return pieces;
}

// All that the rows of an answer are made of.
class ThreadRows {
 public:
  ThreadRows(const ServiceCore& core, const ThreadLives& lives, const Pieces& pieces, const HistoryOfThreads& history,
             const JitterGatherer& jitter, const ReturnGatherer& returns, bool lost_any, std::vector<int> isolated_cpus)
      : core_(core),
        lives_(lives),
        pieces_(pieces),
        history_(history),
        jitter_(jitter),
        returns_(returns),
        lost_any_(lost_any),
        isolated_cpus_(std::move(isolated_cpus)) {}

  // False: it lived in no part of the window.
  bool Add(const ThreadWindow& window, v1::ScheduledThread* out) const {
    const auto found = pieces_.find(window.thread);
    const std::span<const ThreadPiece> pieces = found == pieces_.end() ? std::span<const ThreadPiece>() : found->second;
    const auto known = history_.threads.find(window.thread);
    const ThreadHistory* history = known == history_.threads.end() ? nullptr : &known->second;
    const std::optional<ThreadLife> life = lives_.Find(window.thread, pieces, history);
    if (!life) return false;
    ThreadToProto(window.thread, core_.names, out->mutable_thread());
    out->set_alive(lives_.IsAlive(window.thread));
    if (const auto seen = core_.scheduling->Find(window.thread)) {
      SchedulingToProto(seen->scheduling, isolated_cpus_, out->mutable_scheduling());
      out->set_scheduling_read_monotonic_ns(seen->read_mono_ns);
    }
    const TimeSplit split = SplitTime(*life, pieces);
    TimeSplitToProto(split, out);
    out->set_migration_count(window.migration_count);
    AddCpus(window, *life, split, history, out);
    DepthToProto(Summarize(window, {}).run_queue_depth, out->mutable_run_queue_depth());
    jitter_.Fill(window.thread, out);
    returns_.Fill(window.thread, out);
    return true;
  }

 private:
  void AddCpus(const ThreadWindow& window, const ThreadLife& life, const TimeSplit& split, const ThreadHistory* history,
               v1::ScheduledThread* out) const {
    if (split.running_ns == 0) return;
    const std::vector<Migration> migrations = history != nullptr ? history->migrations : std::vector<Migration>();
    const uint64_t at_edges = history != nullptr ? history->edge_count : 0;
    if (migrations.size() + at_edges < window.migration_count) {
      return out->set_cpus_unavailable(
          lost_any_ ? fmt::format("records were lost: of {} moves {} are known", window.migration_count, migrations.size())
                    : fmt::format("of {} moves {} are kept: ask for a shorter window", window.migration_count, migrations.size()));
    }
    const int cpu = migrations.empty() ? lives_.CpuOf(window.thread, life) : -1;
    if (migrations.empty() && cpu < 0) {
      return out->set_cpus_unavailable("nobody saw on which CPU it was in the window: ask for a longer one");
    }
    const RunningByCpu running = SplitByCpu(split, migrations, cpu);
    if (running.doubtful_ns > split.running_ns / kDoubtfulPart) {
      return out->set_cpus_unavailable(
          fmt::format("it moved {} times, in sampling intervals that have {} % of its running time: attach it with a shorter interval",
                      migrations.size(), 100 * running.doubtful_ns / split.running_ns));
    }
    for (const CpuRunning& part : running.cpus) {
      v1::CpuTime* entry = out->add_cpus();
      entry->set_cpu(part.cpu);
      entry->set_cpu_time_ns(part.running_ns);
    }
  }

  static constexpr int64_t kDoubtfulPart = 10;  // at most one tenth may be on another CPU than told

  const ServiceCore& core_;
  const ThreadLives& lives_;
  const Pieces& pieces_;
  const HistoryOfThreads& history_;
  const JitterGatherer& jitter_;
  const ReturnGatherer& returns_;
  const bool lost_any_;
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
  // The newest bucket that has closed, and first of all how threads stood at its end: states are kept for a few buckets only.
  const int64_t closed_ns = core.windows->closed_until_mono_ns();
  ThreadStates::ByThread<ThreadState> states = core.thread_states->At(closed_ns);
  const int64_t end_ns = std::max(arrival.time.monotonic_ns, closed_ns);
  const int64_t begin_ns = selection.WindowBegin(request.window_ns(), end_ns);
  std::vector<ThreadPiece> all_pieces;
  WindowAnswer answer = core.windows->QueryPieces(begin_ns, end_ns, keeps, &all_pieces);
  const ThreadLives lives(core, selection, answer, std::move(states));
  const std::vector<ThreadWindow> threads = ThreadsOf(core, filter, std::move(answer.threads));
  if (const grpc::Status found = CheckTidsFound(request.tids(), TidsOf(threads), "threads"); !found.ok()) return found;

  WindowAnswerToProto(core, selection, request.window_ns(), begin_ns, arrival, answer, response->mutable_window());
  TimePairToProto(core.status->Now(), response->mutable_time());
  response->set_lost_records(core.status->LostBetween(answer.begin_mono_ns, answer.end_mono_ns));
  response->set_unslotted_thread_count(selection.UnslottedSince(answer.begin_mono_ns));
  const KeptFreeCpus kept_free = core.scheduling->KeptFree();
  response->set_isolated_cpus(FormatCpuList(kept_free.isolated));
  response->set_nohz_full_cpus(FormatCpuList(kept_free.nohz_full));

  const HistoryOfThreads history = CollectHistory(*core.switch_events, answer, keeps);
  const Pieces pieces = PiecesByThread(all_pieces);
  const JitterGatherer jitter(core, selection, answer.begin_mono_ns, answer.end_mono_ns, request);
  const ReturnGatherer returns(core, selection, answer.begin_mono_ns, answer.end_mono_ns, request);
  const ThreadRows rows(core, lives, pieces, history, jitter, returns, response->lost_records() > 0, kept_free.isolated);
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
