// InterruptTotals: the seam through which the service reads what interrupts took, as the programs keep it.
//
// Implemented by whoever owns the memory, faked in tests. Any thread; reads mapped memory, never blocks the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_INTERRUPT_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_INTERRUPT_TOTALS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/bpf/interrupt_events.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

struct SourceSum {
  uint64_t count = 0;
  int64_t self_ns = 0;
};
using SourceSums = std::array<SourceSum, HFT_SOURCES>;  // by enum hft_interrupt_source

struct ThreadInterruptTotal {
  ThreadKey thread;
  int64_t stretch_max_ns = 0;
  SourceSums sources;
};

struct DeviceTotal {
  uint32_t irq = 0;
  std::string name;  // empty: the rest
  uint64_t count = 0;
  uint64_t unhandled_count = 0;
  int64_t self_ns = 0;
};

struct CpuInterruptTotal {
  uint32_t cpu = 0;
  SourceSums sources;
  std::vector<DeviceTotal> devices;
  std::optional<int64_t> steal_ns;
  int64_t steal_mono_ns = 0;
  uint64_t unpaired_count = 0;
  uint64_t discarded_count = 0;
};

class InterruptTotals {
 public:
  virtual ~InterruptTotals() = default;
  // Every thread of the process that has a slot now.
  virtual std::vector<ThreadInterruptTotal> ThreadsOf(uint32_t tgid) const = 0;
  // Every possible CPU, in order; empty where interrupts are not watched.
  virtual std::vector<CpuInterruptTotal> Cpus() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_INTERRUPT_TOTALS_H_
