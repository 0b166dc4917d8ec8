// FakeNumaLooks: see FakeSampling.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_NUMA_LOOKS_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_NUMA_LOOKS_H_

#include <string>

#include "daemon/service/numa_look.h"
#include "tests/daemon/service/fake_sampling.h"

namespace hftmon {

class FakeNumaLooks : public FakeSampling<NumaLooks, NumaLookRun, NumaLookPlan, NumaLook> {
 public:
  std::string CacheLinesUnavailable() override { return cache_lines_unavailable; }

  std::string cache_lines_unavailable = "no PMU in this test";
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_NUMA_LOOKS_H_
