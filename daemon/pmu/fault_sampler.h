// FaultSampler: page faults of every thread of a process, sampled with the address, the registers and the top of the user's stack.
//
// Source: the software event page-faults (minor and major faults, those in system calls too), which needs no PMU. One thread at a time;
// `calls` and `memory` outlive it. Costs as SampledPlace for each thread. A sampled fault takes its thread some 2 us more: the first ones
// are all sampled, and of a thread that faults often one in more and more (kPeriodFactor), so that at most some kDrainSamplesMax are
// between two drains; of its last faults less than a period is in no sample. Bounds: threads_max threads, a ring of ring_pages each.
#ifndef HFTMON_DAEMON_PMU_FAULT_SAMPLER_H_
#define HFTMON_DAEMON_PMU_FAULT_SAMPLER_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/perf/perf_attr.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_ring_memory.h"
#include "daemon/pmu/sampled_place.h"
#include "daemon/pmu/thread_list.h"

namespace hftmon {

// Valid until the visit returns.
struct SampledFault {
  uint32_t pid = 0;
  uint32_t tid = 0;
  int64_t mono_ns = 0;
  uint64_t address = 0;  // that was touched
  uint32_t cpu = 0;
  uint64_t weight = 1;                   // faults of the thread that it stands for
  std::span<const std::byte> registers;  // of kFaultRegisters, in the order of their bits; empty: the kernel gives none
  std::span<const std::byte> stack;      // from the stack pointer upwards, as much as was in memory
};

// x86-64's, by the kernel's numbers (asm/perf_regs.h): all but the segments that user space cannot be asked for.
inline constexpr uint64_t kFaultRegisters = 0xff0fff;
inline constexpr uint32_t kFaultStackBytes = 2'048;

struct FaultSamplerCounts {
  uint64_t sample_count = 0;  // handed out
  uint64_t fault_count = 0;   // that those stand for
  uint64_t lost_count = 0;    // that found no room
  // Of the threads' faults, those before their last samples that no sample stands for: lost ones stood for them. Where a thread was sampled
  // more seldom from then on, less than a period each time, too.
  uint64_t untold_fault_count = 0;
  uint64_t undecoded_count = 0;  // that are not as they were asked for
  uint64_t damage_count = 0;     // as PerfRing
  size_t thread_count = 0;
  // That a look found and that are not sampled, and why the first of them is not. Not in it: what lived between two looks.
  size_t unsampled_thread_count = 0;
  std::string unsampled_reason;
};

class FaultSampler {
 public:
  static constexpr uint64_t kPeriodFactor = 4;
  static constexpr uint64_t kPeriodMax = 4'096;
  static constexpr size_t kDrainSamplesMax = 64;

  struct Options {
    size_t ring_pages = 64;  // a power of two
    size_t threads_max = 256;
    PerfEventRefusalFacts facts;
  };
  using Visit = absl::FunctionRef<void(const SampledFault&)>;

  // Switched off. NOT_FOUND: the process ended. RESOURCE_EXHAUSTED: too many threads or descriptors, too much locked memory. Else as
  // SampledPlace::Open, and what `list` says.
  static absl::StatusOr<FaultSampler> Open(PerfEventCalls& calls, PerfRingMemory& memory, ListThreads list, pid_t pid,
                                           const Options& options);

  absl::Status Enable();
  // All that can be, also after an error: the first.
  absl::Status Disable();
  // Samples threads that were made since too. NOT_FOUND: the process ended.
  absl::Status Look();
  // Of each ring no more than it held when this began. One system call for each thread that is to be sampled more seldom from now on.
  void Drain(Visit visit);

  FaultSamplerCounts counts() const;

 private:
  struct Thread {
    SampledPlace place;
    uint64_t period = 1;
    uint64_t counted = 0;  // its faults up to the last sample
  };

  FaultSampler(PerfEventCalls& calls, PerfRingMemory& memory, ListThreads list, pid_t pid, const Options& options);

  // Those that are not known yet. A thread that ended meanwhile is no error.
  absl::Status OpenUnknown(bool refusal_ends);
  absl::Status OpenThread(pid_t tid);
  void Take(const PerfRecord& record, Thread* thread, Visit visit);

  PerfEventCalls* calls_;
  PerfRingMemory* memory_;
  ListThreads list_;
  pid_t pid_;
  Options options_;
  SampledEvent event_;
  PerfAttr layout_;
  std::set<pid_t> known_;
  std::vector<Thread> threads_;
  bool on_ = false;
  FaultSamplerCounts counts_;  // but for what the rings count
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_FAULT_SAMPLER_H_
