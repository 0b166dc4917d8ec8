#include "daemon/analysis/interrupt_cover.h"

#include <algorithm>

namespace hftmon {

CauseKind KindOfInterrupt(hft_interrupt_source source) {
  if (source == HFT_SOURCE_NMI) return CauseKind::kNmi;
  return source >= HFT_SOURCE_SOFTIRQ ? CauseKind::kSoftirq : CauseKind::kHardIrq;
}

// The list is in the order of ends, so what nested in an entry stands directly before it and begins no earlier than it does.
InterruptCover::InterruptCover(const InterruptList& interrupts, int64_t begin_mono_ns, int64_t end_mono_ns) : interrupts_(interrupts) {
  const size_t count = std::min<size_t>(interrupts.count, kInterruptSpansMax);
  for (size_t i = 0; i < count; ++i) {
    const InterruptSpan& span = interrupts.spans[i];
    Part part = {std::clamp(span.start_mono_ns, begin_mono_ns, std::max(begin_mono_ns, end_mono_ns)), 0};
    part.end_ns = std::clamp(span.start_mono_ns + span.duration_ns, part.begin_ns, std::max(part.begin_ns, end_mono_ns));
    int64_t nested_ns = 0;
    while (outermost_count_ > 0 && outermost_[outermost_count_ - 1].begin_ns >= part.begin_ns) {
      const Part& inner = outermost_[--outermost_count_];
      part.end_ns = std::max(part.end_ns, inner.end_ns);
      nested_ns += inner.end_ns - inner.begin_ns;
    }
    // One that overlaps what ended before it without holding it contradicts the nesting: it begins where that ended.
    if (outermost_count_ > 0) part.begin_ns = std::max(part.begin_ns, outermost_[outermost_count_ - 1].end_ns);
    part.end_ns = std::max(part.end_ns, part.begin_ns);
    self_ns_[i] = std::max<int64_t>(part.end_ns - part.begin_ns - nested_ns, 0);
    outermost_[outermost_count_++] = part;
  }
}

int64_t InterruptCover::CoveredNs(int64_t begin_mono_ns, int64_t end_mono_ns) const {
  int64_t covered_ns = 0;
  for (size_t i = 0; i < outermost_count_; ++i) {
    covered_ns += std::max<int64_t>(std::min(outermost_[i].end_ns, end_mono_ns) - std::max(outermost_[i].begin_ns, begin_mono_ns), 0);
  }
  return covered_ns;
}

int64_t InterruptCover::GiveAll(uint16_t cpu, int64_t limit_ns, BudgetShares* shares) const {
  int64_t given_ns = 0;
  const size_t count = std::min<size_t>(interrupts_.count, kInterruptSpansMax);
  for (size_t i = 0; i < count; ++i) {
    const InterruptSpan& span = interrupts_.spans[i];
    const char* name = span.name[0] != '\0' ? span.name : nullptr;
    const ShareKey key =
        ShareKey::OfInterrupt(KindOfInterrupt(span.source), span.source, span.number, name, span.sender_tid, span.sender_tgid);
    given_ns += shares->Give(key, cpu, self_ns_[i], limit_ns - given_ns);
  }
  return given_ns;
}

}  // namespace hftmon
