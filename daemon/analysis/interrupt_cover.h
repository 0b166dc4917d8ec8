// InterruptCover: which parts of a time were interrupts, and each handler's own part of it: the innermost one has the nanosecond.
//
// Pure, any thread, no allocation, bounded by kInterruptSpansMax. Whatever the input, no part is negative and the parts sum to at most
// the time.
#ifndef HFTMON_DAEMON_ANALYSIS_INTERRUPT_COVER_H_
#define HFTMON_DAEMON_ANALYSIS_INTERRUPT_COVER_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "daemon/analysis/budget_shares.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

class InterruptCover {
 public:
  // Of [begin, end). `interrupts` outlives the cover.
  InterruptCover(const InterruptList& interrupts, int64_t begin_mono_ns, int64_t end_mono_ns);

  // How much of [begin, end) was interrupts.
  int64_t CoveredNs(int64_t begin_mono_ns, int64_t end_mono_ns) const;
  // Gives each handler its own part, at most `limit_ns` in all; returns what was given.
  int64_t GiveAll(uint16_t cpu, int64_t limit_ns, BudgetShares* shares) const;

 private:
  struct Part {
    int64_t begin_ns;
    int64_t end_ns;
  };

  const InterruptList& interrupts_;
  std::array<int64_t, kInterruptSpansMax> self_ns_;
  std::array<Part, kInterruptSpansMax> outermost_;  // disjoint, in the order of time
  size_t outermost_count_ = 0;
};

// The level that executed.
CauseKind KindOfInterrupt(hft_interrupt_source source);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_INTERRUPT_COVER_H_
