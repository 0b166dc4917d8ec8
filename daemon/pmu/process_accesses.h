// ProcessAccesses: samples a process's accesses of memory for a while, and keeps what they say together: which cache lines are contended,
// what served the loads, and what was lost.
//
// One thread at a time; `calls` and `memory` outlive it. Opening, Begin, End and the destructor cost as SampledPlace says, for each thread;
// while it lasts each sample interrupts the thread that made it. Drain makes no system call. Bounds: threads_max threads, rings of some
// 136 MiB together at most (where a few threads become threads_max; else 64 MiB), on Arm with AUX memory some 240 MiB, and with
// pages of 64 KiB a little more than 1 GiB; and what ContendedLines keeps by its limits.
#ifndef HFTMON_DAEMON_PMU_PROCESS_ACCESSES_H_
#define HFTMON_DAEMON_PMU_PROCESS_ACCESSES_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/memory_access/contended_lines.h"
#include "common/memory_access/memory_load_summary.h"
#include "daemon/pmu/memory_sampler.h"

namespace hftmon {

// Since it was opened.
struct ProcessAccessCounts {
  size_t thread_count = 0;       // sampled, those that ended since included
  size_t born_thread_count = 0;  // of them: made after it was opened, and sampled only since the look that found them
  // That a look found and that are not sampled. In no count: what lived between two looks, or took the number of what ended between them.
  size_t unsampled_thread_count = 0;
  std::string unsampled_reason;  // of the first of those
  uint64_t event_count = 0;      // opened: for each thread each event
  uint64_t ring_bytes = 0;       // locked for their records, and AUX memory
  // Accesses of which the hardware told anything about who had the line or what served them. 0 of some: it tells of no contention.
  uint64_t told_count = 0;
  MemorySamplerCounts samples;
};

class ProcessAccesses {
 public:
  static constexpr size_t kRingPagesMax = 32;  // some 1,800 samples
  static constexpr size_t kRingPagesMin = 8;
  static constexpr size_t kRingBytesTotal = size_t{64} << 20;  // shared by the threads, where they are many
  // Of hardware that writes into AUX memory, for each thread and event, and beside it a ring of records that only tell of it. 4,096 samples
  // of 64 bytes; where the threads are many they share as much as rings do, down to kAuxBytesMin or kAuxPagesMin.
  static constexpr size_t kAuxBytesMax = size_t{256} << 10;
  static constexpr size_t kAuxBytesMin = size_t{16} << 10;
  static constexpr size_t kAuxPagesMin = 4;  // where pages are large: the driver leaves up to one unused, and of two that is half
  static constexpr size_t kAuxRingBytes = size_t{16} << 10;

  struct Options {
    size_t threads_max = 2'048;
    ContendedLineLimits lines;
    PerfEventRefusalFacts facts;
  };

  // Switched off. Errors as MemorySampler::OpenProcess. `events` as it wants them.
  static absl::StatusOr<ProcessAccesses> Open(PerfEventCalls& calls, PerfRingMemory& memory, ListThreads list, pid_t pid,
                                              std::vector<SampledEvent> events, const Options& options);

  absl::Status Begin();
  // Samples threads that were made since too. NOT_FOUND: the process ended. That a thread cannot be sampled is no error but counted.
  absl::Status Look();
  // Takes in what the rings hold: of each no more than it held when this began.
  void Drain();
  // Switches off and takes in the rest.
  absl::Status End();

  const ContendedLines& lines() const { return lines_; }
  const MemoryLoadSummary& loads() const { return loads_; }
  ProcessAccessCounts counts() const;

 private:
  ProcessAccesses(PerfEventCalls& calls, PerfRingMemory& memory, ListThreads list, pid_t pid, std::vector<SampledEvent> events,
                  const Options& options)
      : calls_(&calls),
        memory_(&memory),
        list_(std::move(list)),
        pid_(pid),
        events_(std::move(events)),
        options_(options),
        lines_(options.lines) {}

  absl::StatusOr<MemorySampler> Sample(const ListThreads& list, size_t thread_count_expected);
  void Keep(MemorySampler sampler);
  absl::Status SampleBorn(const std::vector<pid_t>& born);
  void Take(const MemoryAccess& access);

  PerfEventCalls* calls_;
  PerfRingMemory* memory_;
  ListThreads list_;
  pid_t pid_;
  std::vector<SampledEvent> events_;
  Options options_;
  std::set<pid_t> known_;  // threads that were met, sampled or not
  std::vector<MemorySampler> samplers_;
  ContendedLines lines_;
  MemoryLoadSummary loads_;
  ProcessAccessCounts counts_;  // but for `samples`
  bool on_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_PROCESS_ACCESSES_H_
