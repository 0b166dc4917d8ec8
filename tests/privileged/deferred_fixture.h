// DeferredFixture: what tests of the probe group "irq" ask a daemon for.
#ifndef HFTMON_TESTS_PRIVILEGED_DEFERRED_FIXTURE_H_
#define HFTMON_TESTS_PRIVILEGED_DEFERRED_FIXTURE_H_

#include <string>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {

class DeferredFixture : public PrivilegedTest {
 protected:
  static v1::AttachRequest Asking(pid_t pid) {
    v1::AttachRequest request;
    request.add_pids(pid);
    request.mutable_options()->add_probe_groups("irq");
    return request;
  }
  // Of all CPUs that the daemon knows, or of one.
  static v1::QueryInterruptsResponse Ask(const DaemonUnderTest& daemon, int cpu = -1, bool with_coalescing = false) {
    v1::QueryInterruptsRequest request;
    if (cpu >= 0) request.add_cpus(cpu);
    request.set_with_coalescing(with_coalescing);
    const auto answer = daemon.client().QueryInterrupts(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::QueryInterruptsResponse();
  }
  // Of the first CPU in the answer that has such a one.
  static v1::SoftirqDelay SoftirqOf(const v1::QueryInterruptsResponse& answer, const std::string& name) {
    for (const v1::CpuDeferred& cpu : answer.deferred().cpus()) {
      for (const v1::SoftirqDelay& softirq : cpu.softirqs()) {
        if (softirq.name() == name) return softirq;
      }
    }
    return {};
  }
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_DEFERRED_FIXTURE_H_
