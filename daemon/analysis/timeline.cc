#include "daemon/analysis/timeline.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>

namespace hftmon {
namespace {

constexpr int64_t kForEver = std::numeric_limits<int64_t>::max();

bool HasState(const TimelinePiece& a, const TimelinePiece& b) {
  return a.state == b.state && a.cpu == b.cpu && a.out_kind == b.out_kind && a.syscall == b.syscall && a.other_tid == b.other_tid &&
         a.source == b.source && a.number == b.number && a.spike_id == b.spike_id && std::memcmp(a.name, b.name, sizeof(a.name)) == 0;
}

// Time off the CPU, [begin, end): blocked until `wait_begin_ns`.
struct OffCpu {
  int64_t begin_ns = 0;
  int64_t wait_begin_ns = 0;
  int64_t end_ns = 0;
  bool begin_seen = true;  // false: it was off the CPU before, nobody knows how long
  TimelinePiece blocked;
  TimelinePiece waiting;
  int32_t cpu_out = -1;
  int32_t cpu_in = -1;
};

struct Move {
  int64_t at_ns = 0;
  int32_t from = -1;
  int32_t to = -1;
};

// Builds the pieces from the window's beginning to its end: each call goes on where the last one ended.
class PieceWriter {
 public:
  PieceWriter(int64_t begin_ns, int64_t end_ns) : at_ns_(begin_ns), end_ns_(end_ns) {}

  int64_t at_ns() const { return at_ns_; }
  // From where it stands until then; nothing when that is past already.
  void Until(int64_t until_ns, TimelinePiece piece) {
    until_ns = std::min(until_ns, end_ns_);
    if (until_ns <= at_ns_) return;
    if (!pieces_.empty() && HasState(pieces_.back(), piece)) {
      pieces_.back().duration_ns += until_ns - at_ns_;
    } else {
      piece.start_mono_ns = at_ns_;
      piece.duration_ns = until_ns - at_ns_;
      pieces_.push_back(piece);
    }
    at_ns_ = until_ns;
  }
  std::vector<TimelinePiece> Take() { return std::move(pieces_); }

 private:
  int64_t at_ns_;
  const int64_t end_ns_;
  std::vector<TimelinePiece> pieces_;
};

class TimelineBuilder {
 public:
  TimelineBuilder(TimelineEvidence evidence, const TimelineBlindness& blindness)
      : evidence_(std::move(evidence)), blindness_(blindness), writer_(evidence_.begin_mono_ns, evidence_.end_mono_ns) {}

  std::vector<TimelinePiece> Build() {
    if (evidence_.end_mono_ns <= evidence_.begin_mono_ns) return {};
    Sort();
    for (const OffCpu& interval : intervals_) {
      if (interval.begin_seen) {
        WriteOnCpu(interval.begin_ns, interval.cpu_out);
      } else {
        WriteUnseen(interval.begin_ns);
      }
      writer_.Until(interval.wait_begin_ns, interval.blocked);
      writer_.Until(interval.end_ns, interval.waiting);
      // One that begins before the last one ended is of the same time: it tells nothing new of it.
      gap_begin_ns_ = std::max(gap_begin_ns_, interval.end_ns);
      cpu_ = interval.cpu_in;
    }
    if (evidence_.followed) WriteOnCpu(std::max(evidence_.end_mono_ns, evidence_.kept_until_mono_ns), -1);
    WriteUnseen(evidence_.end_mono_ns);
    return writer_.Take();
  }

 private:
  // The spikes by what tells of them: the record of their end, or that they go on.
  void IndexSpikes() {
    for (const TimelineSpike& spike : evidence_.spikes) {
      const bool is_blocked = spike.kind == SpikeKind::kBlocked;
      const bool is_wait = spike.kind == SpikeKind::kPreempted || spike.kind == SpikeKind::kRunQueue;
      if (!is_blocked && !is_wait) continue;
      if (spike.goes_on) {
        (is_blocked ? sleep_going_on_ : wait_going_on_) = spike;
      } else if (!spike.record_missing) {
        (is_blocked ? sleep_ids_ : wait_ids_)[spike.record_mono_ns] = spike.id;
      }
    }
  }
  static uint64_t IdOf(const std::unordered_map<int64_t, uint64_t>& ids, int64_t record_ns) {
    const auto found = ids.find(record_ns);
    return found == ids.end() ? 0 : found->second;
  }

  void AddInterval(const SwitchEvent& event) {
    OffCpu interval;
    interval.end_ns = event.end_mono_ns;
    interval.begin_seen = event.off_cpu_ns >= 0;
    const int64_t off_cpu_ns = std::max(event.off_cpu_ns, event.wait_ns);
    // Who lost its CPU could have run all the time.
    const int64_t wait_ns = EndsWithWakeUp(event.out_kind) ? std::clamp<int64_t>(event.wait_ns, 0, off_cpu_ns) : off_cpu_ns;
    interval.begin_ns = event.end_mono_ns - off_cpu_ns;
    interval.wait_begin_ns = event.end_mono_ns - wait_ns;
    interval.cpu_out = interval.begin_seen ? event.cpu_out : -1;
    interval.cpu_in = event.cpu_in;
    interval.blocked = {.state = TimelineState::kBlocked, .out_kind = event.out_kind, .syscall = event.out_syscall};
    interval.blocked.spike_id = IdOf(sleep_ids_, event.end_mono_ns);
    interval.waiting = {.state = TimelineState::kWaiting, .cpu = event.cpu_in, .other_tid = event.prev_tid};
    std::memcpy(interval.waiting.name, event.prev_comm, sizeof(interval.waiting.name));
    interval.waiting.spike_id = IdOf(wait_ids_, event.end_mono_ns);
    intervals_.push_back(interval);
  }

  // Sleeps that began before watching did, whose end no record tells.
  void AddSleep(const TimelineSpike& spike) {
    OffCpu interval;
    interval.begin_ns = spike.start_mono_ns;
    interval.wait_begin_ns = interval.end_ns = spike.end_mono_ns;
    interval.blocked = {.state = TimelineState::kBlocked, .out_kind = spike.out_kind, .syscall = spike.out_syscall, .spike_id = spike.id};
    intervals_.push_back(interval);
  }

  void AddAbsence(const TimelineAbsence& absence) {
    OffCpu interval;
    interval.end_ns = kForEver;
    interval.begin_seen = absence.since_mono_ns.has_value();
    interval.cpu_out = absence.cpu;
    interval.blocked = {.state = TimelineState::kBlocked, .out_kind = absence.kind, .syscall = absence.syscall};
    interval.blocked.spike_id = sleep_going_on_ ? sleep_going_on_->id : 0;
    interval.waiting = {.state = TimelineState::kWaiting, .spike_id = wait_going_on_ ? wait_going_on_->id : 0};
    const int64_t wait_begin_ns = wait_going_on_ ? wait_going_on_->start_mono_ns : kForEver;
    interval.begin_ns = absence.since_mono_ns.value_or(std::min(wait_begin_ns, evidence_.end_mono_ns));
    interval.wait_begin_ns = EndsWithWakeUp(absence.kind) ? std::max(wait_begin_ns, interval.begin_ns) : interval.begin_ns;
    intervals_.push_back(interval);
  }

  void Sort() {
    IndexSpikes();
    for (const SwitchEvent& event : evidence_.events) {
      if (event.is_end) continue;
      if (event.is_migration) {
        moves_.push_back({event.end_mono_ns, event.cpu_out, event.cpu_in});
      } else {
        AddInterval(event);
      }
    }
    for (const TimelineSpike& spike : evidence_.spikes) {
      if (spike.kind == SpikeKind::kInterrupted) stretches_.push_back(spike);
      if (spike.kind == SpikeKind::kBlocked && spike.record_missing && !spike.goes_on) AddSleep(spike);
    }
    if (evidence_.absence) AddAbsence(*evidence_.absence);
    std::stable_sort(intervals_.begin(), intervals_.end(), [](const OffCpu& a, const OffCpu& b) { return a.end_ns < b.end_ns; });
    std::stable_sort(moves_.begin(), moves_.end(), [](const Move& a, const Move& b) { return a.at_ns < b.at_ns; });
    std::stable_sort(stretches_.begin(), stretches_.end(),
                     [](const TimelineSpike& a, const TimelineSpike& b) { return a.start_mono_ns < b.start_mono_ns; });
  }

  // On a CPU since gap_begin_ns_, until it left it on `cpu_out`, CPU by CPU.
  void WriteOnCpu(int64_t until_ns, int32_t cpu_out) {
    while (next_move_ < moves_.size() && moves_[next_move_].at_ns < until_ns) {
      const Move& move = moves_[next_move_++];
      // While it was off the CPU: where it came back is told by that interval.
      if (move.at_ns < gap_begin_ns_) continue;
      WriteOnOneCpu(move.at_ns, cpu_ < 0 || cpu_ == move.from ? move.from : -1);
      cpu_ = move.to;
      gap_begin_ns_ = move.at_ns;
    }
    WriteOnOneCpu(until_ns, cpu_ < 0 ? cpu_out : cpu_out < 0 || cpu_out == cpu_ ? cpu_ : -1);
  }

  // Until then it may have been anywhere: but where interrupts took its CPU from it, it had one.
  void WriteUnseen(int64_t until_ns) {
    int64_t seen_until_ns = gap_begin_ns_;
    for (size_t i = next_stretch_; i < stretches_.size() && stretches_[i].start_mono_ns < until_ns; ++i) {
      seen_until_ns = std::max(seen_until_ns, std::min(stretches_[i].end_mono_ns, until_ns));
    }
    if (seen_until_ns > gap_begin_ns_) WriteOnCpu(seen_until_ns, -1);
    writer_.Until(until_ns, {});
  }

  // From gap_begin_ns_ on: it may lie before what is written already, since what is missing there matters here.
  void WriteOnOneCpu(int64_t until_ns, int32_t cpu) {
    while (next_stretch_ < stretches_.size() && stretches_[next_stretch_].start_mono_ns < until_ns) {
      const TimelineSpike& stretch = stretches_[next_stretch_++];
      if (stretch.end_mono_ns <= gap_begin_ns_) continue;
      WriteRunning(stretch.start_mono_ns, cpu);
      TimelinePiece piece{.state = TimelineState::kInterrupted, .cpu = stretch.cpu, .source = stretch.source, .number = stretch.number};
      std::memcpy(piece.name, stretch.name, sizeof(piece.name));
      piece.spike_id = stretch.id;
      writer_.Until(std::min(stretch.end_mono_ns, until_ns), piece);
      gap_begin_ns_ = std::max(gap_begin_ns_, std::min(stretch.end_mono_ns, until_ns));
    }
    WriteRunning(until_ns, cpu);
  }

  void WriteRunning(int64_t until_ns, int32_t cpu) {
    if (until_ns <= gap_begin_ns_) return;
    int64_t unknown_until_ns = gap_begin_ns_;
    const auto blind = [&](const TimeSpan& span) {
      if (span.begin_mono_ns < until_ns && span.end_mono_ns > gap_begin_ns_)
        unknown_until_ns = std::max(unknown_until_ns, std::min(span.end_mono_ns, until_ns));
    };
    for (const CpuTimeSpan& loss : blindness_.losses) {
      if (loss.cpu < 0 || cpu < 0 || loss.cpu == cpu) blind(loss.span);
    }
    for (const TimeSpan& span : blindness_.off) blind(span);
    writer_.Until(unknown_until_ns, {});
    writer_.Until(until_ns, {.state = TimelineState::kRunning, .cpu = cpu});
    gap_begin_ns_ = until_ns;
  }

  const TimelineEvidence evidence_;
  const TimelineBlindness& blindness_;
  PieceWriter writer_;
  std::vector<OffCpu> intervals_;
  std::vector<Move> moves_;
  std::vector<TimelineSpike> stretches_;
  std::unordered_map<int64_t, uint64_t> sleep_ids_;  // by the time of the closing record
  std::unordered_map<int64_t, uint64_t> wait_ids_;
  std::optional<TimelineSpike> sleep_going_on_;
  std::optional<TimelineSpike> wait_going_on_;
  size_t next_move_ = 0;
  size_t next_stretch_ = 0;
  // The last evidence: it got a CPU then, or was on one; before everything: not known.
  int64_t gap_begin_ns_ = std::numeric_limits<int64_t>::min();
  int32_t cpu_ = -1;
};

}  // namespace

std::string_view TimelineStateName(TimelineState state) {
  switch (state) {
    case TimelineState::kRunning:
      return "running";
    case TimelineState::kWaiting:
      return "waiting";
    case TimelineState::kBlocked:
      return "blocked";
    case TimelineState::kInterrupted:
      return "interrupted";
    case TimelineState::kUnknown:
      return "unknown";
  }
  return "unknown";
}

TimelineSpike TimelineSpikeOf(const Spike& spike, bool goes_on) {
  TimelineSpike shown{.id = spike.id,
                      .kind = spike.kind,
                      .start_mono_ns = spike.start_mono_ns,
                      .end_mono_ns = goes_on ? kForEver : spike.start_mono_ns + spike.duration_ns,
                      .record_mono_ns = spike.record_mono_ns,
                      .goes_on = goes_on,
                      .record_missing = spike.record_missing,
                      .cpu = spike.cpu,
                      .out_kind = spike.out_kind,
                      .out_syscall = spike.out_syscall};
  const size_t cause_count = std::min<size_t>(spike.cause_count, spike.causes.size());
  for (size_t i = 0; i < cause_count; ++i) {
    const Cause& cause = spike.causes[i];
    if (!IsInterrupt(cause.kind) || cause.others) continue;
    shown.source = cause.source;
    shown.number = cause.number;
    // A sender's name is not the handler's.
    if (cause.source != HFT_SOURCE_CALL_FUNCTION) std::memcpy(shown.name, cause.comm, sizeof(shown.name));
    break;  // the largest first
  }
  return shown;
}

std::vector<TimelinePiece> TimelineOf(TimelineEvidence evidence, const TimelineBlindness& blindness) {
  return TimelineBuilder(std::move(evidence), blindness).Build();
}

std::vector<size_t> LeaveOutOldest(std::vector<std::vector<TimelinePiece>>* timelines, size_t pieces_max) {
  std::vector<size_t> left_out(timelines->size(), 0);
  std::vector<int64_t> ends_ns;
  for (const std::vector<TimelinePiece>& pieces : *timelines) {
    for (const TimelinePiece& piece : pieces) ends_ns.push_back(piece.end_mono_ns());
  }
  if (ends_ns.size() <= pieces_max) return left_out;
  size_t too_many = ends_ns.size() - pieces_max;
  const auto cut = ends_ns.begin() + static_cast<std::ptrdiff_t>(too_many - 1);
  std::nth_element(ends_ns.begin(), cut, ends_ns.end());
  const int64_t cut_ns = *cut;
  const auto drop = [&](bool at_cut) {
    for (size_t i = 0; i < timelines->size(); ++i) {
      const std::vector<TimelinePiece>& pieces = (*timelines)[i];
      size_t& gone = left_out[i];
      while (too_many > 0 && gone < pieces.size() &&
             (pieces[gone].end_mono_ns() < cut_ns || (at_cut && pieces[gone].end_mono_ns() == cut_ns))) {
        ++gone;
        --too_many;
      }
    }
  };
  drop(false);
  drop(true);
  for (size_t i = 0; i < timelines->size(); ++i) {
    std::vector<TimelinePiece>& pieces = (*timelines)[i];
    pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(left_out[i]));
  }
  return left_out;
}

}  // namespace hftmon
