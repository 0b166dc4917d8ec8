#include "daemon/analysis/time_budget.h"

#include <algorithm>
#include <array>

#include "daemon/analysis/budget_shares.h"
#include "daemon/analysis/interrupt_cover.h"

namespace hftmon {
namespace {

constexpr ShareKey kWaiting = ShareKey::OfKind(CauseKind::kWaking);

// The part of the wait spent on one CPU. Interrupts of that time come first: they executed above whoever ran. The spans are laid end to end
// to see which of them the interrupts were taken from.
void GiveSegment(const OffCpuInterval& interval, const WaitSegment& segment, size_t first_span, const InterruptCover* cover,
                 BudgetShares* shares) {
  int64_t left_ns = std::clamp<int64_t>(segment.wait_ns, 0, shares->left_ns());
  int64_t at_mono_ns = interval.end_mono_ns - left_ns;
  if (cover != nullptr) left_ns -= cover->GiveAll(segment.cpu, left_ns, shares);
  const size_t span_begin = std::max<size_t>(segment.first_span, first_span);
  const size_t span_end =
      std::min<size_t>({static_cast<size_t>(segment.first_span) + segment.span_count, interval.span_count, kRunnerSpansMax});
  for (size_t i = span_begin; i < span_end && left_ns > 0; ++i) {
    const RunnerSpan& span = interval.spans[i];
    int64_t own_ns = span.duration_ns;
    if (cover != nullptr) {
      // What it claims beyond the segment lies in nobody's time.
      const int64_t end_mono_ns = at_mono_ns + std::clamp<int64_t>(own_ns, 0, interval.end_mono_ns - at_mono_ns);
      own_ns = end_mono_ns - at_mono_ns - cover->CoveredNs(at_mono_ns, end_mono_ns);
      at_mono_ns = end_mono_ns;
    }
    if (span.tid == 0 || (span.tid == interval.thread.tid && i == 0)) {
      left_ns -= shares->Give(kWaiting, segment.cpu, own_ns, left_ns);
    } else if (span.tid == interval.thread.tid) {
      const int64_t contradicted = std::clamp<int64_t>(own_ns, 0, left_ns);
      shares->Withhold(contradicted);
      left_ns -= contradicted;
    } else {
      left_ns -= shares->Give(ShareKey::OfThread(span.tid, span.tgid), segment.cpu, own_ns, left_ns);
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

  BudgetShares shares(duration_ns);
  const int64_t blocked_ns = duration_ns - wait_ns;
  if (whole) shares.Give(ShareKey::OfKind(CauseKind::kBlocked), interval.out_cpu, blocked_ns, blocked_ns);
  const size_t segment_count = std::min<size_t>(interval.segment_count, kWaitSegmentsMax);
  size_t next_span = 0;  // a span belongs to one segment only
  for (size_t i = 0; i < segment_count; ++i) {
    const WaitSegment& segment = interval.segments[i];
    // What interrupted other CPUs before a move is not told: there it counts to whoever ran.
    if (i + 1 == segment_count && interval.interrupts.count > 0) {
      const InterruptCover cover(interval.interrupts, interval.end_mono_ns - segment.wait_ns, interval.end_mono_ns);
      GiveSegment(interval, segment, next_span, &cover, &shares);
    } else {
      GiveSegment(interval, segment, next_span, nullptr, &shares);
    }
    next_span = std::max<size_t>(next_span, static_cast<size_t>(segment.first_span) + segment.span_count);
  }
  if (interval.wait_migrations > 0 && interval.segment_count > interval.wait_migrations) {
    const int64_t between_ns = shares.left_ns();
    shares.Give(ShareKey::OfKind(CauseKind::kMigrating), interval.cpu, between_ns, between_ns);
  }
  shares.Write({.cpu = interval.cpu, .prev_tid = interval.prev_tid, .prev_comm = interval.prev_comm, .syscall = interval.out_syscall},
               spike);
}

void FillInterruptionBudget(const Interruption& interruption, Spike* spike) {
  spike->duration_ns = std::max<int64_t>(interruption.end_mono_ns - interruption.start_mono_ns, 0);
  BudgetShares shares(spike->duration_ns);
  const InterruptCover cover(interruption.interrupts, interruption.start_mono_ns, interruption.end_mono_ns);
  cover.GiveAll(interruption.cpu, spike->duration_ns, &shares);
  shares.Write({.cpu = interruption.cpu}, spike);
}

void FillKernelStallBudget(const EndedKernelStall& stall, Spike* spike) {
  spike->duration_ns = std::max<int64_t>(stall.end_mono_ns - stall.start_mono_ns, 0);
  BudgetShares shares(spike->duration_ns);
  const auto give = [&](CauseKind kind, int64_t duration_ns) { shares.Give(ShareKey::OfKind(kind), stall.cpu, duration_ns, duration_ns); };
  give(CauseKind::kBlocked, stall.off_cpu_ns - stall.wait_ns);
  give(CauseKind::kRunnable, stall.wait_ns);
  if (stall.on_cpu && !stall.interrupts.truncated) {
    InterruptCover(stall.interrupts, stall.start_mono_ns, stall.end_mono_ns).GiveAll(stall.cpu, spike->duration_ns, &shares);
  } else {
    static constexpr std::array<CauseKind, HFT_LEVELS> kKinds = {CauseKind::kSoftirq, CauseKind::kHardIrq, CauseKind::kNmi};
    for (size_t level = 0; level < kKinds.size(); ++level) give(kKinds[level], stall.interrupted_ns[level]);
  }
  static constexpr std::array<CauseKind, HFT_STALLS> kStallKinds = {CauseKind::kKernelLock, CauseKind::kKernelLock, CauseKind::kCompaction,
                                                                    CauseKind::kReclaim, CauseKind::kMigration};
  for (size_t within = 0; within < kStallKinds.size(); ++within) give(kStallKinds[within], stall.stall_ns[within]);
  static constexpr std::array<CauseKind, HFT_KERNEL_WHATS> kOwnKinds = {CauseKind::kFault, CauseKind::kKernelLock, CauseKind::kCompaction,
                                                                        CauseKind::kReclaim, CauseKind::kMigration};
  give(kOwnKinds[stall.stall.what], shares.left_ns());
  shares.Write({.cpu = stall.cpu}, spike);
}

}  // namespace hftmon
