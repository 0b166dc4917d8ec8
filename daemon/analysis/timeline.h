// Timeline: what one thread did over a window, as pieces without gaps, from what is kept of it. Pure functions, any thread.
//
// Invariants, of the pieces of one thread: 1. They are in the order of time, each begins where the one before ends, none is empty. 2. They
// sum to [begin_mono_ns, end_mono_ns) exactly. 3. Neighbours differ.
//
// An off-CPU interval is evidence for its own time: blocked, then waiting for as long as its run-queue part. A stretch of interrupts is
// evidence that its thread had the CPU. Running is a conclusion: nothing said otherwise. So where something of that CPU may be missing
// (records were lost, the programs were off, a switch-out was not seen) all is unknown from the last evidence before on.
#ifndef HFTMON_DAEMON_ANALYSIS_TIMELINE_H_
#define HFTMON_DAEMON_ANALYSIS_TIMELINE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/time_span.h"
#include "daemon/analysis/spike.h"
#include "daemon/store/switch_event.h"

namespace hftmon {

enum class TimelineState : uint8_t {
  kRunning,      // it had a CPU
  kWaiting,      // for one
  kBlocked,      // asleep or blocked
  kInterrupted,  // interrupts had its CPU
  kUnknown,
};
// As TimelinePiece.state of the API has them.
std::string_view TimelineStateName(TimelineState state);

struct TimelinePiece {
  int64_t start_mono_ns = 0;
  int64_t duration_ns = 0;
  TimelineState state = TimelineState::kUnknown;
  int32_t cpu = -1;                               // kRunning, kInterrupted: where; kWaiting: of the queue that it left; -1: not known
  hft_switch_kind out_kind = HFT_SWITCH_UNKNOWN;  // kBlocked: how it left its CPU
  int32_t syscall = -1;                           // kBlocked: in which, -1: in none, or not known; HFT_STOPPED
  uint32_t other_tid = 0;                         // kWaiting: who ran last before it; 0: idle, or not known
  hft_interrupt_source source = HFT_SOURCE_NONE;  // kInterrupted: of the handler that took most
  uint16_t number = 0;                            // of the interrupt or the vector
  char name[HFT_COMM_LENGTH] = {};                // kWaiting: of that thread; kInterrupted: of a device's handler; may be empty
  uint64_t spike_id = 0;                          // where it is one

  int64_t end_mono_ns() const { return start_mono_ns + duration_ns; }
};

// Of a spike what a timeline shows.
struct TimelineSpike {
  uint64_t id = 0;
  SpikeKind kind = SpikeKind::kPreempted;
  int64_t start_mono_ns = 0;
  int64_t end_mono_ns = 0;     // of one that goes on: far in the future
  int64_t record_mono_ns = 0;  // of its closing record
  bool goes_on = false;
  bool record_missing = false;  // no switch event tells of it
  uint16_t cpu = 0;
  hft_switch_kind out_kind = HFT_SWITCH_UNKNOWN;
  int32_t out_syscall = -1;
  hft_interrupt_source source = HFT_SOURCE_NONE;
  uint16_t number = 0;
  char name[HFT_COMM_LENGTH] = {};
};
TimelineSpike TimelineSpikeOf(const Spike& spike, bool goes_on);

// It is off its CPU at the end of what is known.
struct TimelineAbsence {
  std::optional<int64_t> since_mono_ns;  // nothing: that is not known
  uint16_t cpu = 0;                      // that it left
  hft_switch_kind kind = HFT_SWITCH_UNKNOWN;
  int32_t syscall = -1;
};

// What is known of one thread.
struct TimelineEvidence {
  int64_t begin_mono_ns = 0;  // of the pieces that are wanted: within its life, and within what is kept
  int64_t end_mono_ns = 0;
  int64_t kept_until_mono_ns = 0;     // what is given reaches so far, where that is beyond the end: what is missing there may matter
  bool followed = true;               // false: what it did after its last event is not known
  std::vector<SwitchEvent> events;    // in any order: those that end after the beginning, and the last before it, which tells its CPU
  std::vector<TimelineSpike> spikes;  // in any order
  std::optional<TimelineAbsence> absence;
};

// When events may be missing. In any order.
struct TimelineBlindness {
  std::vector<CpuTimeSpan> losses;
  std::vector<TimeSpan> off;
};

std::vector<TimelinePiece> TimelineOf(TimelineEvidence evidence, const TimelineBlindness& blindness);

// Leaves out pieces from the beginnings of the timelines until at most `pieces_max` are left, those that end first first. Of each timeline
// how many were left out.
std::vector<size_t> LeaveOutOldest(std::vector<std::vector<TimelinePiece>>* timelines, size_t pieces_max);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_TIMELINE_H_
