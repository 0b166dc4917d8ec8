// FakeCounterSampling: see FakeSampling.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_COUNTER_SAMPLING_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_COUNTER_SAMPLING_H_

#include "daemon/service/counter_sampling.h"
#include "tests/daemon/service/fake_sampling.h"

namespace hftmon {

using FakeCounterSampling = FakeSampling<CounterSampling, CounterSamplingRun, CounterSamplingPlan, CounterSamples>;

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_COUNTER_SAMPLING_H_
