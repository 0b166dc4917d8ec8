#include "daemon/service/thread_lives.h"

#include <algorithm>
#include <utility>

#include "common/cpu_list.h"

namespace hftmon {
namespace {

// Preempted, moved or yielding: it could run all the while.
bool CouldRun(hft_switch_kind kind) {
  return kind >= HFT_SWITCH_YIELD && kind <= HFT_SWITCH_FORCED_MIGRATION;
}

}  // namespace

ThreadLives::ThreadLives(const ServiceCore& core, const TargetSelection& selection, const WindowAnswer& answer,
                         ThreadStates::ByThread<ThreadState> states)
    : core_(core), selection_(selection), answer_(answer), states_(std::move(states)) {
  if (core.boottime_offset_ns) boottime_offset_ns_ = core.boottime_offset_ns();
  for (const TargetInfo& target : selection.targets()) {
    for (const ThreadTotal& total : core.totals->AllOf(target.pid)) totals_.insert_or_assign(total.thread, total);
  }
  ends_ = core.thread_states->Ends();
  if (core.run_queue_clocks == nullptr) return;
  for (const RunQueueClock& clock : core.run_queue_clocks->Clocks(answer.end_mono_ns)) clocks_[clock.cpu] = clock;
}

int64_t ThreadLives::WatchedSince(const ThreadKey& thread) const {
  const TargetInfo* const target = selection_.TargetOf(thread);
  return target == nullptr || target->watched_from_birth ? 0 : target->attached_mono_ns;
}

// By the run queue's clock where that is known better than the bucket; else the last of the bucket's departures is where they would leave
// it if they were evenly spaced.
int64_t ThreadLives::OutSince(const ThreadState& state, std::span<const ThreadPiece> pieces) const {
  const int64_t width_ns = state.bucket_end_ns - state.bucket_begin_ns;
  const auto clock = clocks_.find(state.out_cpu);
  if (clock == clocks_.end() || clock->second.error_ns > width_ns / 2) {
    const bool known = !pieces.empty() && pieces.back().end_mono_ns == state.bucket_end_ns;
    return state.bucket_end_ns - width_ns / (1 + int64_t{known ? std::max(pieces.back().out_count, 1u) : 1u});
  }
  return std::clamp(state.out_clock_ns + clock->second.offset_ns, state.bucket_begin_ns, state.bucket_end_ns);
}

void ThreadLives::StandAtEnd(const ThreadKey& thread, std::span<const ThreadPiece> pieces, ThreadLife* life) const {
  const auto state = states_.find(thread);
  const auto total = totals_.find(thread);
  if (total != totals_.end() && !total->second.seen) {
    // What its slot said before the programs were off, or before it was attached again, is over.
    life->off_at_end = total->second.found_asleep_mono_ns > 0;
    life->off_since_ns = total->second.found_asleep_mono_ns;
    if (state != states_.end() && state->second.out_clock_ns != 0) life->off_since_ns = OutSince(state->second, pieces);
    return;
  }
  if (state == states_.end() || state->second.out_clock_ns == 0) return;
  life->off_at_end = true;
  life->off_since_ns = OutSince(state->second, pieces);
  life->waiting_at_end = CouldRun(state->second.out_kind);
}

std::optional<ThreadLife> ThreadLives::Find(const ThreadKey& thread, std::span<const ThreadPiece> pieces,
                                            const ThreadHistory* history) const {
  const int64_t birth_ns = thread.start_ns - boottime_offset_ns_;
  const int64_t watched_ns = WatchedSince(thread);
  ThreadLife life{.begin_ns = std::max({answer_.begin_mono_ns, birth_ns, watched_ns}), .end_ns = answer_.end_mono_ns};
  life.born = birth_ns == life.begin_ns && birth_ns > watched_ns;
  const auto end = ends_.find(thread);
  const auto total = totals_.find(thread);
  const bool ended = end != ends_.end() ? end->second <= answer_.end_mono_ns : total == totals_.end() || !total->second.alive;
  if (ended) {
    // Where its end is no longer kept, it is known to the last bucket in which it did something.
    life.end_ns = end != ends_.end() ? end->second : pieces.empty() ? life.begin_ns : pieces.back().end_mono_ns;
    life.end_ns = std::min(life.end_ns, answer_.end_mono_ns);
    life.off_at_end = true;
    life.off_since_ns = life.end_ns;
  } else {
    StandAtEnd(thread, pieces, &life);
    if (total != totals_.end() && !total->second.seen && !life.off_at_end && !states_.contains(thread) && birth_ns > watched_ns) {
      // Born under watch, and no program has seen it yet: it waits for its first CPU.
      life.off_at_end = life.waiting_at_end = true;
      life.off_since_ns = birth_ns;
    }
  }
  if (life.end_ns <= life.begin_ns) return std::nullopt;
  if (history != nullptr && history->off_before_ns && life.begin_ns == answer_.begin_mono_ns) {
    life.off_before_ns = history->off_before_ns;
    life.wait_before_ns = history->wait_before_ns;
  }
  return life;
}

bool ThreadLives::IsAlive(const ThreadKey& thread) const {
  const auto total = totals_.find(thread);
  return total != totals_.end() && total->second.alive;
}

int ThreadLives::CpuOf(const ThreadKey& thread, const ThreadLife& life) const {
  const auto state = states_.find(thread);
  if (state != states_.end() && state->second.bucket_end_ns > life.begin_ns) return state->second.out_cpu;
  if (core_.scheduling == nullptr) return -1;
  const std::optional<SeenScheduling> seen = core_.scheduling->Find(thread);
  if (!seen) return -1;
  if (seen->read_mono_ns >= life.begin_ns && seen->read_mono_ns < life.end_ns) return seen->cpu;
  const auto allowed = ParseCpuList(seen->scheduling.cpus_allowed);
  return allowed.ok() && allowed->size() == 1 ? allowed->front() : -1;
}

}  // namespace hftmon
