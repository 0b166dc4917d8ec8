// MemorySampler: accesses of memory as the processor samples them, of every thread of a process or of one CPU.
//
// One thread at a time; `calls` and `memory` outlive it. Opening, Enable and Disable cost as SampledPlace says, for each thread; Drain
// makes no system call but to switch on again what the kernel switched off since its AUX memory was full (one, counted), and allocates for
// a sample that cannot be decoded alone. Descriptors: threads times events; locked memory: a ring for each thread, and of Arm's statistical
// profiling a ring and AUX memory for each thread and event. Threads that the process makes after it was opened are not sampled (the kernel
// gives no ring to a thread with heirs): open another.
#ifndef HFTMON_DAEMON_PMU_MEMORY_SAMPLER_H_
#define HFTMON_DAEMON_PMU_MEMORY_SAMPLER_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/memory_access/memory_access.h"
#include "common/perf/perf_attr.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_ring_memory.h"
#include "daemon/pmu/sampled_place.h"
#include "daemon/pmu/spe_access_reader.h"
#include "daemon/pmu/thread_list.h"

namespace hftmon {

// Of samples that hardware wrote into AUX memory.
struct TracedAccessCounts {
  uint64_t access_count = 0;  // among those of MemorySamplerCounts
  PerfAuxRingCounts aux;      // of all AUX memory: what was lost or damaged
  SpeReadCounts read;
  uint64_t unread_source_count = 0;  // as SpeAccessReader has it: a thing not told, no loss
  uint64_t resume_count = 0;         // times that an event was tried to be switched on again, at most
};

// Since it was opened.
struct MemorySamplerCounts {
  uint64_t access_count = 0;     // handed out
  uint64_t undecoded_count = 0;  // samples that are not as their event asked
  uint64_t throttle_count = 0;   // times that the kernel held an event back until the next tick, since it sampled too often
  uint64_t unthrottle_count = 0;
  PerfRingCounts ring;  // of all rings: what was lost, dropped, damaged
  TracedAccessCounts traced;

  // That the sampled threads had at most: one for each sample; of those in AUX memory one for each record of it, which the kernel also
  // writes, without an interrupt, at each switch of the thread.
  uint64_t interrupt_count_max() const;
  // Whether accesses are missing or may be: then there were more than access_count says.
  bool complete() const;
  void Add(const MemorySamplerCounts& more);
};

class MemorySampler {
 public:
  struct Options {
    size_t ring_pages = 64;  // of each thread, or of the CPU; a power of two
    size_t aux_pages = 64;   // as SampledPlace has it
    size_t threads_max = 4'096;
    PerfEventRefusalFacts facts;
  };

  // Every thread once, those that are made meanwhile included, and those left out that end. INVALID_ARGUMENT: no event, a first that joins
  // another, more than kGroupEventsMax, events whose sample_type or clock differ, or breakpoints of which other operations (their records
  // share a ring), or an event that samples nothing alone; events with AUX
  // memory and others, or such of a CPU. NOT_FOUND: the process ended, or the CPU is not there. ABORTED: it makes threads
  // faster than they are opened. RESOURCE_EXHAUSTED: too many threads or descriptors, too much locked memory. Else as SampledPlace::Open,
  // and what `list` says.
  static absl::StatusOr<MemorySampler> OpenProcess(PerfEventCalls& calls, PerfRingMemory& memory, const ListThreads& list, pid_t pid,
                                                   std::span<const SampledEvent> events, const Options& options);
  static absl::StatusOr<MemorySampler> OpenCpu(PerfEventCalls& calls, PerfRingMemory& memory, int cpu, std::span<const SampledEvent> events,
                                               const Options& options);

  // All of them or none: where one cannot be, all are off again. One after the other: their beginnings are apart by the time that takes.
  absl::Status Enable();
  // All that can be, also after an error.
  absl::Status Disable();

  // Hands out the accesses of at most `records_per_ring_max` records of each ring, of each in the order in which they were written, and
  // returns how many records it took. As many as that of a ring: there may be more. What ended since is read to its end. A record of AUX
  // memory stands for many accesses: as many at most as that memory holds.
  size_t Drain(size_t records_per_ring_max, absl::FunctionRef<void(const MemoryAccess&)> sink);

  // Walks the rings; not what is in them.
  MemorySamplerCounts counts() const;
  size_t thread_count() const { return places_.size() / places_per_thread_; }
  size_t event_count() const;
  size_t memory_bytes() const;  // locked

 private:
  struct Place {
    SampledPlace sampled;
    std::optional<SpeAccessReader> spe;
  };

  MemorySampler(const PerfAttr& layout, size_t places_per_thread) : layout_(layout), places_per_thread_(places_per_thread) {}

  static absl::StatusOr<MemorySampler> Make(std::span<const SampledEvent> events);
  absl::Status OpenThreads(PerfEventCalls& calls, PerfRingMemory& memory, pid_t pid, const std::vector<pid_t>& tids,
                           std::span<const SampledEvent> events, const Options& options);
  absl::Status OpenThread(PerfEventCalls& calls, PerfRingMemory& memory, pid_t pid, pid_t tid, std::span<const SampledEvent> events,
                          const Options& options);
  size_t DrainTraced(Place& place, size_t records_max, absl::FunctionRef<void(const MemoryAccess&)> sink);
  void Take(const PerfRecord& record, absl::FunctionRef<void(const MemoryAccess&)> sink);

  PerfAttr layout_;  // of the records of all events
  size_t places_per_thread_;
  std::vector<Place> places_;   // of each thread as many, one after the other
  MemorySamplerCounts counts_;  // but for `ring`, and `traced.aux` and what was read of it
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_MEMORY_SAMPLER_H_
