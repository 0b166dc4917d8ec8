#include "daemon/service/thread_splits.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace hftmon {
namespace {

constexpr int64_t kDoubtfulPart = 10;  // at most one tenth may be in another place than told

// By thread; what a bucket has twice of one, because its slot was read in between, is one piece.
ThreadSplits::Pieces PiecesByThread(const std::vector<ThreadPiece>& all) {
  ThreadSplits::Pieces pieces;
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

WindowAnswer Query(const WindowStore& windows, int64_t begin_ns, int64_t end_ns, const std::function<bool(const ThreadKey&)>& keeps,
                   ThreadSplits::Pieces* pieces) {
  std::vector<ThreadPiece> all;
  WindowAnswer answer = windows.QueryPieces(begin_ns, end_ns, keeps, &all);
  *pieces = PiecesByThread(all);
  return answer;
}

uint16_t Narrow(int place) {
  return place < 0 ? std::numeric_limits<uint16_t>::max() : static_cast<uint16_t>(place);
}

std::vector<Migration> BetweenPlaces(const std::vector<Migration>& migrations, absl::FunctionRef<int(int cpu)> place) {
  std::vector<Migration> moves;
  for (const Migration& migration : migrations) {
    const uint16_t from = Narrow(place(migration.from_cpu));
    const uint16_t to = Narrow(place(migration.to_cpu));
    if (from != to) moves.push_back({.mono_ns = migration.mono_ns, .from_cpu = from, .to_cpu = to});
  }
  return moves;
}

}  // namespace

ThreadSplits::ThreadSplits(const ServiceCore& core, const TargetSelection& selection, std::function<bool(const ThreadKey&)> keeps,
                           int64_t window_ns, int64_t now_ns, int64_t begin_min_ns)
    : core_(core),
      closed_ns_(core.windows->closed_until_mono_ns()),
      states_(core.thread_states->At(closed_ns_)),
      end_ns_(std::max(now_ns, closed_ns_)),
      begin_ns_(std::max(selection.WindowBegin(window_ns, end_ns_), std::min(begin_min_ns, end_ns_))),
      answer_(Query(*core.windows, begin_ns_, end_ns_, keeps, &pieces_)),
      lost_records_(core.status->LostBetween(answer_.begin_mono_ns, answer_.end_mono_ns)),
      lives_(core, selection, answer_, std::move(states_)),
      history_(CollectHistory(*core.switch_events, answer_, keeps)) {}

const ThreadHistory* ThreadSplits::HistoryOf(const ThreadKey& thread) const {
  const auto known = history_.threads.find(thread);
  return known == history_.threads.end() ? nullptr : &known->second;
}

std::optional<ThreadSplit> ThreadSplits::Find(const ThreadKey& thread) const {
  const auto found = pieces_.find(thread);
  const std::span<const ThreadPiece> pieces = found == pieces_.end() ? std::span<const ThreadPiece>() : found->second;
  const std::optional<ThreadLife> life = lives_.Find(thread, pieces, HistoryOf(thread));
  if (!life) return std::nullopt;
  return ThreadSplit{.life = *life, .time = SplitTime(*life, pieces)};
}

absl::StatusOr<RunningByCpu> ThreadSplits::RunningBy(const ThreadWindow& window, const ThreadSplit& split,
                                                     absl::FunctionRef<int(int cpu)> place) const {
  const ThreadHistory* history = HistoryOf(window.thread);
  const std::vector<Migration> migrations = history != nullptr ? history->migrations : std::vector<Migration>();
  const uint64_t at_edges = history != nullptr ? history->edge_count : 0;
  if (migrations.size() + at_edges < window.migration_count) {
    return absl::UnavailableError(
        lost_records_ > 0 ? fmt::format("records were lost: of {} moves {} are known", window.migration_count, migrations.size())
                          : fmt::format("of {} moves {} are kept: ask for a shorter window", window.migration_count, migrations.size()));
  }
  const int cpu = migrations.empty() ? lives_.CpuOf(window.thread, split.life) : migrations.front().from_cpu;
  if (cpu < 0) return absl::UnavailableError("nobody saw on which CPU it was in the window: ask for a longer one");
  const std::vector<Migration> moves = BetweenPlaces(migrations, place);
  RunningByCpu running = SplitByCpu(split.time, moves, Narrow(place(cpu)));
  if (running.doubtful_ns > split.time.running_ns / kDoubtfulPart) {
    return absl::UnavailableError(
        fmt::format("it moved {} times, in sampling intervals that have {} % of its running time: attach it with a shorter interval",
                    moves.size(), 100 * running.doubtful_ns / split.time.running_ns));
  }
  for (CpuRunning& part : running.cpus) {
    if (part.cpu == std::numeric_limits<uint16_t>::max()) part.cpu = -1;
  }
  return running;
}

}  // namespace hftmon
