// EventCorrelation: which stalls lie around moments that somebody names. One call's own; no thread but its.
//
// A stall is around an event when it overlaps [time - before, time + after]. An ordinary sleep is more than that asks for: every thread
// that waits for work sleeps around most moments. So a blocked spike counts like the others only where it can be no wait for work (a page
// fault, or a lock whose owner is known: IsHeldUp); any other where its thread fell asleep within [time - before, time] and slept at that
// time. One that slept before did nothing that could be held up; one that woke before it was not asleep.
//
// Cost: one sort of the events and of the stalls, then one sweep over both, each event in the number of threads with a stall around it.
// Bounds: what it keeps grows with the stalls that are around any event, so with the history.
#ifndef HFTMON_DAEMON_ANALYSIS_EVENT_CORRELATION_H_
#define HFTMON_DAEMON_ANALYSIS_EVENT_CORRELATION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "daemon/analysis/spike.h"
#include "daemon/analysis/spike_history.h"

namespace hftmon {

// Whether the thread of a blocked spike slept for something that it needed at once.
bool IsHeldUp(const Spike& blocked);

class EventCorrelation {
 public:
  static constexpr size_t kStallsPerEventMax = 16;

  struct Stall {
    uint64_t id = 0;
    int64_t start_mono_ns = 0;
    int64_t end_mono_ns = 0;
    SpikePosition position;
  };
  struct Hit {
    std::vector<uint32_t> stalls;  // indexes of stalls(), the longest first, at most kStallsPerEventMax
    int64_t stalled_ns = 0;        // of [time - before, time + after], the most that one thread was stalled
  };
  // What hit events.
  struct CauseSum {
    std::string kind;
    std::string actor;
    uint64_t event_count = 0;
    int64_t duration_ns = 0;  // of all stalls, each once
  };

  // CLOCK_MONOTONIC, in any order; 0 <= before, after.
  EventCorrelation(std::span<const int64_t> times_mono_ns, int64_t before_ns, int64_t after_ns);

  // One that ended, or goes on until `end_mono_ns` at least. Each once. True when an event is in its time.
  bool Add(const Spike& spike, int64_t end_mono_ns, const SpikePosition& position);

  const std::vector<Stall>& stalls() const { return stalls_; }
  // After all were added: one for each event, in the order of the times given.
  std::vector<Hit> Hits() const;
  // Most events first. `name_of`: the actor's, or what it was blocked in; empty: none. Unexplained time is a cause of its own kind.
  std::vector<CauseSum> Causes(const std::function<std::string(const Cause&)>& name_of) const;

 private:
  // Of the events in the order of time.
  struct Range {
    uint32_t first = 0;
    uint32_t end = 0;
  };
  // Disjoint stalls of a thread, sleeps left out, in the order of time, and how long those before each were.
  struct Covered {
    std::vector<int64_t> begins_ns;
    std::vector<int64_t> ends_ns;
    std::vector<int64_t> sums_ns;
    size_t next = 0;  // the first that ends after the span in hand begins
    size_t last = 0;  // the first that begins after it ends
  };
  struct CauseTally {
    Cause cause;
    bool unexplained = false;
    int64_t duration_ns = 0;
    std::vector<Range> ranges;
  };
  // Kind, thread or handler, number, call, name.
  using CauseKey = std::tuple<uint8_t, uint32_t, uint32_t, int32_t, std::string>;

  Range RangeOf(const Spike& spike, int64_t end_mono_ns) const;
  void AddCause(const Cause& cause, bool unexplained, int64_t duration_ns, const Range& range);
  std::vector<Covered> CoveredByThread() const;
  static int64_t CoveredNs(const Covered& covered, int64_t begin_ns, int64_t end_ns);
  static int64_t CoveredOfSpanNs(Covered* covered, int64_t begin_ns, int64_t end_ns);

  const int64_t before_ns_;
  const int64_t after_ns_;
  std::vector<uint32_t> order_;    // of the events, by time
  std::vector<int64_t> times_ns_;  // sorted
  std::vector<Stall> stalls_;
  std::vector<Range> ranges_;      // of each stall
  std::vector<uint32_t> threads_;  // of each stall
  std::vector<bool> sleeps_;       // whether it is one
  std::map<std::pair<uint32_t, int64_t>, uint32_t> thread_numbers_;
  std::map<CauseKey, CauseTally> causes_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_EVENT_CORRELATION_H_
