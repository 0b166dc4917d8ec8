#include "daemon/analysis/time_split.h"

#include <algorithm>
#include <map>
#include <utility>

namespace hftmon {
namespace {

// Walks a thread's pieces forward in time.
class Splitter {
 public:
  Splitter(const ThreadLife& life, std::span<const ThreadPiece> pieces) : life_(life), pieces_(pieces) {}

  TimeSplit Run() {
    at_ns_ = life_.begin_ns;
    off_ = OffAtBegin();
    first_interval_ = off_;
    AddKnot();
    for (size_t i = 0; i < pieces_.size(); ++i) {
      const int64_t begin_ns = std::clamp(pieces_[i].begin_mono_ns, at_ns_, life_.end_ns);
      const int64_t end_ns = std::clamp(pieces_[i].end_mono_ns, begin_ns, life_.end_ns);
      Stand(begin_ns);
      Pass(i, end_ns);
    }
    Stand(std::max(life_.end_ns, at_ns_));
    AgreeWithEnd();
    return Finish();
  }

 private:
  // Each coming has a going before it: what is known of the end tells the begin.
  bool OffAtBegin() const {
    if (life_.born) return true;
    int64_t off = life_.off_at_end ? 1 : 0;
    for (const ThreadPiece& piece : pieces_) off += int64_t{piece.in_count} - int64_t{piece.out_count};
    return off > 0;
  }

  // Nothing happens until then.
  void Stand(int64_t until_ns) {
    if (until_ns <= at_ns_) return;
    const int64_t length_ns = until_ns - at_ns_;
    at_ns_ = until_ns;
    if (off_) {
      off_ns_ += length_ns;
      accrued_ns_ += length_ns;
    } else {
      running_ns_ += length_ns;
    }
    AddKnot();
  }

  // What of an interval in progress at `mono_ns`, which is the first of those that end in `piece`, lay before that moment: to the piece's
  // width. It is no shorter than what the piece has no room for; else as long as the others, and ends where they leave it to.
  static int64_t BeforeOf(const ThreadPiece& piece, int64_t mono_ns) {
    const int64_t width_ns = piece.end_mono_ns - piece.begin_mono_ns;
    const int64_t until_piece_ns = std::max<int64_t>(piece.begin_mono_ns - mono_ns, 0);
    const auto count = static_cast<int64_t>(std::max(piece.timed_count, 1u));
    const int64_t least_ns = piece.off_cpu_ns - until_piece_ns - width_ns;
    const int64_t likely_ns = piece.off_cpu_ns / count - until_piece_ns - width_ns / (count + 1);
    return std::max({least_ns, likely_ns, int64_t{0}});
  }

  // Of the interval that goes on at the end of piece `i`, at `end_ns`.
  int64_t Tail(size_t i, int64_t end_ns) const {
    for (size_t next = i + 1; next < pieces_.size(); ++next) {
      if (pieces_[next].in_count > 0) return BeforeOf(pieces_[next], end_ns);
    }
    return life_.off_at_end ? end_ns - life_.off_since_ns : 0;
  }

  // Of intervals that ended in the piece, what lies within it.
  int64_t EndedWithin(const ThreadPiece& piece, int64_t width_ns, int64_t tail_ns) {
    int64_t within_ns = piece.off_cpu_ns - accrued_ns_;
    if (first_interval_ && piece.in_count > piece.timed_count) {
      // The switch-in that ended it had no beginning: it is in no sum.
      within_ns = piece.off_cpu_ns;
      if (life_.born) {
        within_ns += std::clamp<int64_t>(piece.run_delay_ns - accrued_ns_ - piece.off_cpu_ns, 0, width_ns);
      } else {
        within_ns += std::max<int64_t>(width_ns - piece.off_cpu_ns - tail_ns, 0) / 2;
      }
    } else if (first_interval_) {
      within_ns -= life_.off_before_ns.value_or(BeforeOf(piece, life_.begin_ns));
    }
    return within_ns;
  }

  void Pass(size_t i, int64_t end_ns) {
    const ThreadPiece& piece = pieces_[i];
    run_delay_ns_ += piece.run_delay_ns;
    if (piece.in_count == 0 && piece.out_count == 0 && piece.interrupted_ns == 0) {
      Stand(end_ns);
      return;
    }
    const int64_t width_ns = end_ns - at_ns_;
    const int64_t interrupted_ns = std::clamp<int64_t>(piece.interrupted_ns, 0, width_ns);
    const bool comes = piece.in_count > 0;
    const int64_t net = int64_t{piece.out_count} - int64_t{piece.in_count};
    const bool off_after = (off_ ? 1 : 0) + net > 0;
    const int64_t accrued_before_ns = off_ ? accrued_ns_ : 0;
    int64_t off_ns = off_ && !comes ? width_ns : 0;
    int64_t tail_ns = 0;
    if (comes || piece.out_count > 0) {
      if (off_after) tail_ns = std::clamp<int64_t>(Tail(i, end_ns), 0, width_ns);
      if (comes) off_ns = EndedWithin(piece, width_ns, tail_ns);
      if (comes || !off_) off_ns += tail_ns;
      accrued_ns_ = off_after ? (comes || !off_ ? tail_ns : accrued_ns_ + width_ns) : 0;
      if (comes) first_interval_ = false;
    } else if (off_) {
      accrued_ns_ += width_ns;
    }
    if (off_ns < 0 && accrued_before_ns > 0) off_ns += GiveBack(std::min({-off_ns, accrued_before_ns, off_ns_}));
    // What this piece has no room for, because an edge was not where it was thought to be, is its neighbour's.
    off_ns += owed_ns_;
    owed_ns_ = off_ns - std::clamp<int64_t>(off_ns, 0, width_ns - interrupted_ns);
    off_ns -= owed_ns_;
    off_ = off_after;
    off_ns_ += off_ns;
    interrupted_ns_ += interrupted_ns;
    running_ns_ += width_ns - off_ns - interrupted_ns;
    at_ns_ = end_ns;
    AddKnot();
  }

  // The interval in progress was shorter than what it was thought to have had: a switch was not seen, and the thread ran meanwhile.
  int64_t GiveBack(int64_t duration_ns) {
    off_ns_ -= duration_ns;
    running_ns_ += duration_ns;
    return duration_ns;
  }

  // What the walk came to against what is known of the end.
  void AgreeWithEnd() {
    if (off_ == life_.off_at_end) return;
    if (off_) {
      GiveBack(std::clamp<int64_t>(accrued_ns_, 0, off_ns_));
    } else {
      const int64_t since_ns = std::clamp(life_.off_since_ns, life_.begin_ns, life_.end_ns);
      GiveBack(-std::clamp<int64_t>(life_.end_ns - since_ns, 0, running_ns_));
    }
    AddKnot();
  }

  void AddKnot() { knots_.push_back({.mono_ns = at_ns_, .running_ns = running_ns_}); }

  TimeSplit Finish() {
    int64_t wait_ns = run_delay_ns_;
    if (life_.off_before_ns) wait_ns -= life_.wait_before_ns;
    if (life_.off_at_end && life_.waiting_at_end) wait_ns += life_.end_ns - std::clamp(life_.off_since_ns, life_.begin_ns, life_.end_ns);
    TimeSplit split;
    split.running_ns = running_ns_;
    split.run_queue_wait_ns = std::clamp<int64_t>(wait_ns, 0, off_ns_);
    split.blocked_ns = off_ns_ - split.run_queue_wait_ns;
    split.interrupted_ns = interrupted_ns_;
    split.knots = std::move(knots_);
    return split;
  }

  const ThreadLife& life_;
  const std::span<const ThreadPiece> pieces_;
  int64_t at_ns_ = 0;
  bool off_ = false;
  bool first_interval_ = false;  // the interval in progress began before the life, or with it
  int64_t accrued_ns_ = 0;       // of the interval in progress, what is in off_ns_ already
  int64_t owed_ns_ = 0;          // off-CPU time of earlier pieces that is in none yet; negative: that they have too much
  int64_t off_ns_ = 0;
  int64_t run_delay_ns_ = 0;
  int64_t interrupted_ns_ = 0;
  int64_t running_ns_ = 0;
  std::vector<TimeSplit::Knot> knots_;
};

}  // namespace

int64_t TimeSplit::RunningUntil(int64_t mono_ns) const {
  const auto after = std::upper_bound(knots.begin(), knots.end(), mono_ns, [](int64_t ns, const Knot& knot) { return ns < knot.mono_ns; });
  if (after == knots.begin()) return 0;
  if (after == knots.end()) return running_ns;
  const Knot& before = *(after - 1);
  const double share = static_cast<double>(mono_ns - before.mono_ns) / static_cast<double>(after->mono_ns - before.mono_ns);
  return before.running_ns + static_cast<int64_t>(static_cast<double>(after->running_ns - before.running_ns) * share);
}

TimeSplit SplitTime(const ThreadLife& life, std::span<const ThreadPiece> pieces) {
  return Splitter(life, pieces).Run();
}

RunningByCpu SplitByCpu(const TimeSplit& split, std::span<const Migration> migrations, int cpu) {
  std::map<int, int64_t> running_on;
  int64_t before_ns = 0;
  for (const Migration& migration : migrations) {
    const int64_t until_ns = split.RunningUntil(migration.mono_ns);
    running_on[migration.from_cpu] += until_ns - before_ns;
    before_ns = until_ns;
  }
  running_on[migrations.empty() ? cpu : migrations.back().to_cpu] += split.running_ns - before_ns;

  RunningByCpu result;
  for (const auto& [number, running_ns] : running_on) {
    if (running_ns > 0) result.cpus.push_back({.cpu = number, .running_ns = running_ns});
  }
  std::stable_sort(result.cpus.begin(), result.cpus.end(),
                   [](const CpuRunning& a, const CpuRunning& b) { return a.running_ns > b.running_ns; });
  auto migration = migrations.begin();
  for (size_t i = 1; i < split.knots.size(); ++i) {
    const TimeSplit::Knot& from = split.knots[i - 1];
    const TimeSplit::Knot& to = split.knots[i];
    while (migration != migrations.end() && migration->mono_ns <= from.mono_ns) ++migration;
    if (migration != migrations.end() && migration->mono_ns < to.mono_ns) result.doubtful_ns += to.running_ns - from.running_ns;
  }
  return result;
}

}  // namespace hftmon
