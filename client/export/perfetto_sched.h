// CPU rows and thread states of a Perfetto trace, as ftrace would have told them: switches in the compact encoding, which every version of
// Perfetto's UI opens, and wake-ups one by one, because the compact ones take the waker for whoever has the CPU. Pure, any thread.
//
// A recording knows watched threads alone. Nothing is made up for the others: what had a CPU when no watched thread did is one thread a CPU
// that is named "not watched" (an idle CPU too), and who woke a thread, where that was not recorded, is one that is named "waker not
// known". Of threads whose short waits were recorded nowhere two may seem to run on one CPU at once: the CPU goes to the one whose turn
// began last. Time in which a thread's state is not known is told with a state that no kernel has: the UI shows no state, and counts it as
// an error.
#ifndef HFTMON_CLIENT_EXPORT_PERFETTO_SCHED_H_
#define HFTMON_CLIENT_EXPORT_PERFETTO_SCHED_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "client/export/perfetto_packets.h"
#include "client/recording/recording.h"

namespace hftmon {

// Above what a kernel's pid_max can be (2^22).
inline constexpr int32_t kNotWatchedTidBase = 0x7f00'0000;  // + the CPU
inline constexpr int32_t kUnknownWakerTid = 0x7e00'0000;

// Perfetto refuses a trace with a CPU of this number or above: those have no rows.
inline constexpr int32_t kPerfettoCpusMax = 1'024;

// A time on one CPU without a break that is known: running, and interrupted, pieces that touch. Of a thread that went from one CPU to
// another at once the second turn begins a nanosecond later: readers take the two CPUs' switches of one moment in any order.
struct CpuTurn {
  size_t thread = 0;  // in Recording.threads
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  // What the thread did after it.
  PieceState after = PieceState::kUnknown;
  bool blocked_in_fault = false;
  bool open = false;  // the recording ends within it
};

// By CPU, each by start. Pieces without a CPU are in none.
std::map<int32_t, std::vector<CpuTurn>> TurnsOf(const Recording& recording);

// Who has a CPU from `time_ns` on: an index in Recording.threads, or kNobody.
struct CpuSwitch {
  static constexpr size_t kNobody = SIZE_MAX;
  int64_t time_ns = 0;
  size_t next = kNobody;
  // State of the one that had the CPU before.
  PieceState previous_state = PieceState::kWaiting;
  bool previous_in_fault = false;
};
// `turns` of one CPU.
std::vector<CpuSwitch> SwitchesOf(const std::vector<CpuTurn>& turns);

// Writes all of it.
void WriteSched(const Recording& recording, PerfettoPackets* packets);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_PERFETTO_SCHED_H_
