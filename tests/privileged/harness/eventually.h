// Eventually: waits for a state that nothing announces (a line of /proc, a list of targets). The time limit only bounds a failure.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_EVENTUALLY_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_EVENTUALLY_H_

#include <cstdint>

#include "tests/workloads/scheduling.h"

namespace hftmon::testing {

// True as soon as `holds()` is; false when it never was within the limit. Asks every 2 ms.
template <typename Predicate>
bool Eventually(Predicate holds, int64_t limit_ns = 10'000'000'000) {
  const int64_t deadline_ns = workload::NowNs() + limit_ns;
  while (!holds()) {
    if (workload::NowNs() > deadline_ns) return false;
    workload::SleepUntil(workload::NowNs() + 2'000'000);
  }
  return true;
}

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_EVENTUALLY_H_
