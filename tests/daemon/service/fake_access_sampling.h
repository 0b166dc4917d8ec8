// FakeAccessSampling: see FakeSampling.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_ACCESS_SAMPLING_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_ACCESS_SAMPLING_H_

#include "daemon/service/access_sampling.h"
#include "tests/daemon/service/fake_sampling.h"

namespace hftmon {

using FakeAccessSampling = FakeSampling<AccessSampling, AccessSamplingRun, AccessSamplingPlan, AccessSamples>;

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_ACCESS_SAMPLING_H_
