// A thread's own counters for the cases that read them as a program does, and the kernel's word on the very same events. The thread that
// made it; system calls in the making.
#ifndef HFTMON_TESTS_RIG_ARM_PMU_OWN_COUNTERS_H_
#define HFTMON_TESTS_RIG_ARM_PMU_OWN_COUNTERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/marker/counters_host.h"
#include "client/marker/hftmon_counters.h"

namespace hftmon {

class OwnCounters {
 public:
  explicit OwnCounters(std::vector<hftmon_counter_event> events);
  ~OwnCounters();
  OwnCounters(const OwnCounters&) = delete;
  OwnCounters& operator=(const OwnCounters&) = delete;

  bool ok() const { return counters_ != nullptr; }
  const hftmon_counters* get() const { return counters_; }
  const hftmon_counters_refusal& why() const { return why_; }
  // By read().
  uint64_t KernelsValue(size_t event) const;
  // From the registers; a failure of the case when it is refused.
  hftmon_counters_reading Read() const;

 private:
  void LetGo();

  std::vector<int> descriptors_;  // which the library wants closed: kept, so that the kernel can be asked
  hftmon_counters_host host_;
  hftmon_counters_refusal why_;
  hftmon_counters* counters_;
};

hftmon_counter_event OwnInstructions();
hftmon_counter_event OwnCycles();

// As NotTheLoop of events.h: "" when the difference is the loop's, and all of it was counted.
std::string NotTheLoop(const hftmon_counters_reading& begin, const hftmon_counters_reading& end, size_t event, uint64_t rounds,
                       uint64_t excess_per_mille = 1);

}  // namespace hftmon

#endif  // HFTMON_TESTS_RIG_ARM_PMU_OWN_COUNTERS_H_
