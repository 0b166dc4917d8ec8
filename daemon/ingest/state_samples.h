// StateSamples: what a sampling of CPUs' states has found. Passive data, in zeroed memory.
#ifndef HFTMON_DAEMON_INGEST_STATE_SAMPLES_H_
#define HFTMON_DAEMON_INGEST_STATE_SAMPLES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/histogram.h"
#include "daemon/ingest/cpu_state.h"
#include "daemon/ingest/sampled_threads.h"

namespace hftmon {

// One CPU. Each sample is one of: torn, in an interrupt (whatever that interrupted), idle, a thread's, unlisted (a thread's that found no
// place in the table), unknown (who runs is not known).
struct CpuSamples {
  uint16_t cpu;
  uint64_t sample_count;  // torn ones are not in it
  uint64_t torn_count;
  uint64_t level_count[HFT_LEVELS];  // the innermost one counts
  uint64_t idle_count;
  uint64_t unlisted_count;
  uint64_t unknown_count;
  SampledThreads threads;
  // Between the first sample and the last that saw one thread without a switch between them: so long it had the CPU at least.
  int64_t longest_run_ns;
  uint32_t longest_run_tid;
  // From the entry into an interrupt level to the last sample that saw it.
  int64_t longest_interrupt_ns;
  uint64_t waiting_count;  // looks at a watched thread that found it waiting for this CPU
  // The sampling thread's own.
  CpuState state;
  int64_t run_since_ns;
  SampledThread* running;  // nullptr: idle, unknown or without a place
};

enum class SamplingEnd : uint8_t { kWhole, kSwitchedOff };

struct StateSamples {
  SamplingEnd end;  // kSwitchedOff: it ended early, because the programs were
  int64_t begin_mono_ns;
  int64_t end_mono_ns;
  int64_t interval_ns;
  // Of ticks: due = on time + late + missed.
  uint64_t due_count;
  uint64_t on_time_count;
  uint64_t late_count;
  uint64_t missed_count;
  int64_t tick_sum_ns;  // what the ticks took
  // How late ticks were that were taken.
  int64_t lateness_sum_ns;
  int64_t lateness_max_ns;
  std::array<uint64_t, kHistogramBuckets> lateness;
  // Looks at single watched threads, one after the other, of those that were there at the beginning.
  uint32_t watched_count;
  uint64_t look_count;
  std::span<const CpuSamples> cpus;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_STATE_SAMPLES_H_
