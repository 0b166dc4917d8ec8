// OverflowEvent: what makes a running thread's counters be read at a stated rate: an event that overflows so often, each time with an
// interrupt on the CPU of the thread. Any thread.
//
// It has a fixed period, never a frequency: while any event of the host has a frequency the kernel keeps the tick of every CPU on
// (account_freq_event_nohz), and the threads that need overflows are those on tickless CPUs.
#ifndef HFTMON_DAEMON_PMU_OVERFLOW_EVENT_H_
#define HFTMON_DAEMON_PMU_OVERFLOW_EVENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/pmu/counter_group.h"

namespace hftmon {

enum class OverflowBy : uint8_t {
  kBest,      // cycles where they can be, else cpu-clock
  kCycles,    // the processor's cycles: an interrupt of its PMU; the rate is that of the top frequency, lower where the clock is lower;
              // where the host tells no top frequency that of its clock just now, higher where the clock is higher
  kCpuClock,  // the kernel's timer while the thread is on a CPU; at most 20,000 a second
};

struct OverflowEvent {
  CountedEvent event;   // named "cycles" or "cpu-clock"; its samples have TIME (CLOCK_MONOTONIC), CPU and READ
  uint64_t period = 0;  // cycles, or nanoseconds on a CPU
  std::string reason;   // why this one and how long its period is, for people
};

// The clock and nothing else: all events of a group must have the same one.
void UseMonotonicClock(perf_event_attr* attributes);

struct CycleRate {
  uint64_t per_second = 0;
  bool current = false;  // that of just then, of /proc/cpuinfo, and not the top one: a CPU may run faster
};

// `cycles`: whether this host samples cycles (TrySampledCycles), and they count beside what is to be read; `cycle_rate`: of its fastest
// CPU. INVALID_ARGUMENT: too often for the timer. What `cycles` says: asked for and not to be had. Requires: rate_hz above 0.
absl::StatusOr<OverflowEvent> ChooseOverflowEvent(OverflowBy by, int64_t rate_hz, const absl::Status& cycles,
                                                  std::optional<CycleRate> cycle_rate);

// Opens and closes a sampling counter of cycles of the calling thread. "reason: mend" of ExplainPerfEventError.
absl::Status TrySampledCycles(PerfEventCalls& calls, const PerfEventRefusalFacts& facts);

// The top frequency of the fastest online CPU. Reads: /sys/devices/system/cpu/cpu*/cpufreq/cpuinfo_max_freq, else "cpu MHz" of
// /proc/cpuinfo. Absent: the host has neither.
std::optional<CycleRate> ReadTopCyclesPerSecond(const FileRoot& root);

// What the kernel lets all events of a CPU sample in a second, before it holds them back: kernel.perf_event_max_sample_rate. Absent: it
// does not say.
std::optional<int64_t> ReadSampleRateMax(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_OVERFLOW_EVENT_H_
