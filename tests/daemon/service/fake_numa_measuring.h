// FakeNumaMeasuring: see FakeSampling.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_NUMA_MEASURING_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_NUMA_MEASURING_H_

#include "daemon/service/numa_measuring.h"
#include "tests/daemon/service/fake_sampling.h"

namespace hftmon {

using FakeNumaMeasuring = FakeSampling<NumaMeasuring, NumaMeasureRun, NumaMeasureWish, NumaMatrix>;

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_NUMA_MEASURING_H_
