#include "daemon/analysis/time_budget.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hftmon {
namespace {

constexpr size_t kOtherKinds = 3;  // kWaking, kMigrating, kBlocked
constexpr size_t kSharesMax = kRunnerSpansMax + kOtherKinds;

// What one actor, or one kind without actor, has of the spike.
struct Share {
  CauseKind kind;
  uint16_t cpu;  // of its longest part
  uint16_t run_count;
  uint32_t tid;
  uint32_t tgid;
  int64_t duration_ns;
  int64_t longest_ns;
};

bool LargerFirst(const Share& a, const Share& b) {
  if (a.duration_ns != b.duration_ns) return a.duration_ns > b.duration_ns;
  return a.kind != b.kind ? a.kind < b.kind : a.tid < b.tid;
}

// Hands out a fixed number of nanoseconds: nobody gets more than what is left.
class Shares {
 public:
  explicit Shares(int64_t duration_ns) : left_ns_(duration_ns) {}

  // Returns what was given, at most `limit_ns`.
  int64_t Give(CauseKind kind, const RunnerSpan& runner, uint16_t cpu, int64_t limit_ns) {
    const int64_t given = std::min({runner.duration_ns, limit_ns, left_ns_});
    if (given <= 0) return 0;
    left_ns_ -= given;
    Share& share = Find(kind, runner, cpu);
    share.duration_ns += given;
    if (share.run_count < UINT16_MAX) ++share.run_count;
    if (given > share.longest_ns) {
      share.longest_ns = given;
      share.cpu = cpu;
    }
    return given;
  }

  // Takes nanoseconds out of the partition: they stay unexplained.
  void Withhold(int64_t duration_ns) {
    const int64_t withheld = std::clamp<int64_t>(duration_ns, 0, left_ns_);
    left_ns_ -= withheld;
    withheld_ns_ += withheld;
  }

  int64_t left_ns() const { return left_ns_; }
  int64_t unexplained_ns() const { return left_ns_ + withheld_ns_; }
  void Write(const OffCpuInterval& interval, Spike* spike);

 private:
  Share& Find(CauseKind kind, const RunnerSpan& runner, uint16_t cpu) {
    for (size_t i = 0; i < count_; ++i) {
      if (shares_[i].kind == kind && shares_[i].tid == runner.tid) return shares_[i];
    }
    // There are at most kRunnerSpansMax spans and one share of each other kind: it always fits.
    Share& share = shares_[count_++];
    share = {.kind = kind, .cpu = cpu, .run_count = 0, .tid = runner.tid, .tgid = runner.tgid, .duration_ns = 0, .longest_ns = 0};
    return share;
  }

  size_t SumSmallActors(uint16_t cpu);

  int64_t left_ns_;
  int64_t withheld_ns_ = 0;
  size_t count_ = 0;
  std::array<Share, kSharesMax> shares_;
};

// Makes at most kCausesMax of the shares: the smallest actors become one. Shares that nobody acted in keep a place of their own.
size_t Shares::SumSmallActors(uint16_t cpu) {
  Share* const end = shares_.data() + count_;
  Share* const actors_end = std::partition(shares_.data(), end, [](const Share& share) { return share.kind == CauseKind::kThread; });
  const auto other_count = static_cast<size_t>(end - actors_end);
  const size_t actors_kept = kCausesMax - other_count - 1;
  std::sort(shares_.data(), actors_end, LargerFirst);
  Share sum = {.kind = CauseKind::kThread, .cpu = cpu, .run_count = 0, .tid = 0, .tgid = 0, .duration_ns = 0, .longest_ns = 0};
  uint64_t run_count = 0;
  for (Share* small = shares_.data() + actors_kept; small != actors_end; ++small) {
    sum.duration_ns += small->duration_ns;
    run_count += small->run_count;
  }
  sum.run_count = static_cast<uint16_t>(std::min<uint64_t>(run_count, UINT16_MAX));
  shares_[actors_kept] = sum;
  std::copy(actors_end, end, shares_.data() + actors_kept + 1);
  return kCausesMax;
}

void Shares::Write(const OffCpuInterval& interval, Spike* spike) {
  if (count_ > kCausesMax) count_ = SumSmallActors(interval.cpu);
  if (count_ == 2) {
    if (LargerFirst(shares_[1], shares_[0])) std::swap(shares_[0], shares_[1]);
  } else {
    std::sort(shares_.begin(), shares_.begin() + static_cast<std::ptrdiff_t>(count_), LargerFirst);
  }
  for (size_t i = 0; i < count_; ++i) {
    const Share& share = shares_[i];
    Cause& cause = spike->causes[i];
    const bool acted = share.kind == CauseKind::kThread;
    cause.kind = share.kind;
    cause.estimated = false;
    cause.others = acted && share.tid == 0;
    cause.cpu = share.cpu;
    cause.run_count = acted ? share.run_count : 0;
    cause.tid = share.tid;
    cause.tgid = share.tgid;
    cause.syscall = share.kind == CauseKind::kBlocked ? interval.out_syscall : -1;
    cause.duration_ns = share.duration_ns;
    if (acted && share.tid != 0 && share.tid == interval.prev_tid) {
      std::memcpy(cause.comm, interval.prev_comm, sizeof(cause.comm));
    } else {
      std::memset(cause.comm, 0, sizeof(cause.comm));
    }
  }
  spike->cause_count = static_cast<uint8_t>(count_);
  spike->unexplained_ns = unexplained_ns();
}

// The part of the wait spent on one CPU.
void GiveSegment(const OffCpuInterval& interval, const WaitSegment& segment, size_t first_span, Shares* shares) {
  int64_t left_ns = std::clamp<int64_t>(segment.wait_ns, 0, shares->left_ns());
  const size_t span_begin = std::max<size_t>(segment.first_span, first_span);
  const size_t span_end =
      std::min<size_t>({static_cast<size_t>(segment.first_span) + segment.span_count, interval.span_count, kRunnerSpansMax});
  for (size_t i = span_begin; i < span_end && left_ns > 0; ++i) {
    const RunnerSpan& span = interval.spans[i];
    if (span.tid == 0 || (span.tid == interval.thread.tid && i == 0)) {
      const RunnerSpan nobody = {.tid = 0, .tgid = 0, .duration_ns = span.duration_ns};
      left_ns -= shares->Give(CauseKind::kWaking, nobody, segment.cpu, left_ns);
    } else if (span.tid == interval.thread.tid) {
      const int64_t contradicted = std::clamp<int64_t>(span.duration_ns, 0, left_ns);
      shares->Withhold(contradicted);
      left_ns -= contradicted;
    } else {
      left_ns -= shares->Give(CauseKind::kThread, span, segment.cpu, left_ns);
    }
  }
  shares->Withhold(left_ns);
}

}  // namespace

void FillTimeBudget(const OffCpuInterval& interval, Spike* spike) {
  const bool whole = spike->kind == SpikeKind::kBlocked;
  const int64_t duration_ns = std::max<int64_t>(whole ? interval.off_cpu_ns : interval.wait_ns, 0);
  const int64_t wait_ns = std::clamp<int64_t>(interval.wait_ns, 0, duration_ns);
  spike->duration_ns = duration_ns;

  Shares shares(duration_ns);
  if (whole) shares.Give(CauseKind::kBlocked, {.duration_ns = duration_ns - wait_ns}, interval.out_cpu, duration_ns - wait_ns);
  const size_t segment_count = std::min<size_t>(interval.segment_count, kWaitSegmentsMax);
  size_t next_span = 0;  // a span belongs to one segment only
  for (size_t i = 0; i < segment_count; ++i) {
    const WaitSegment& segment = interval.segments[i];
    GiveSegment(interval, segment, next_span, &shares);
    next_span = std::max<size_t>(next_span, static_cast<size_t>(segment.first_span) + segment.span_count);
  }
  if (interval.wait_migrations > 0 && interval.segment_count > interval.wait_migrations) {
    const int64_t between_ns = shares.left_ns();
    shares.Give(CauseKind::kMigrating, {.duration_ns = between_ns}, interval.cpu, between_ns);
  }
  shares.Write(interval, spike);
}

}  // namespace hftmon
