// SharedCounterTotals: what threads counted, read from the memory that the programs write.
// Threads: any. Reads mapped memory only, but for ReadNow, which reads the events of CPUs: an interrupt for each. Bound: the slots up to
// the highest ever used.
#ifndef HFTMON_DAEMON_SHARED_COUNTER_TOTALS_H_
#define HFTMON_DAEMON_SHARED_COUNTER_TOTALS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/collectors/counter_programs.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/service/counter_totals.h"

namespace hftmon {

// As the sinks and the service know it.
CounterSet CounterSetOf(const CounterPrograms::Set& set);

class SharedCounterTotals : public CounterTotals {
 public:
  struct Parts {
    KernelView view;                       // its memory outlives the object
    std::function<uint32_t()> high_water;  // the highest slot that may be in use
    // CounterPrograms, or what stands in for it.
    std::function<CounterPrograms::Set()> set;
    std::function<bool()> attached;
    std::function<uint64_t()> cross_calls;
    std::function<absl::StatusOr<hft_counter_values>(int cpu)> read_now;
  };
  explicit SharedCounterTotals(Parts parts) : parts_(std::move(parts)) {}

  State state() const override;
  std::vector<ThreadCounterTotal> ThreadsOf(uint32_t tgid) const override;
  absl::StatusOr<Now> ReadNow(uint32_t tgid) override;

 private:
  static constexpr int kTriesMax = 8;  // to copy what a program writes at the same time

  std::string WhyNot(uint32_t slot) const;
  void Fill(uint32_t slot, uint32_t generation, uint32_t set, ThreadCounterTotal* total) const;
  bool IsOf(const hft_cpu_counters& cpu, uint32_t tgid) const;
  // Absent: no thread of the process runs there, or it was switched or ticked meanwhile. FAILED_PRECONDITION: quiet mode.
  absl::StatusOr<std::optional<CounterSpan>> ReadCpu(uint16_t cpu, uint32_t tgid) const;

  const Parts parts_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SHARED_COUNTER_TOTALS_H_
