// Answers of a daemon, with every field set, for the tests of rendering and of verbs.
#ifndef HFTMON_TESTS_CLIENT_CLI_ANSWERS_H_
#define HFTMON_TESTS_CLIENT_CLI_ANSWERS_H_

#include "hftmon/v1/monitor.pb.h"

namespace hftmon {

// 2026-01-02 03:04:05 UTC at 1,000 s of CLOCK_MONOTONIC.
v1::TimePair SomeTime();
// A preemption of 312.4 us by two threads, of which 2.4 us are unexplained.
v1::Spike SomeSpike(uint64_t id = 12);
// One thread with p50 and p99.9 but no more percentiles; one that never waited; one interval and one migration.
v1::QueryContextSwitchesResponse SomeSwitches();
v1::GetStatusResponse SomeStatus();
v1::GetStatusResponse SomeClocks();  // SomeStatus of a host with all kinds of clocks
v1::GetCapabilitiesResponse SomeCapabilities();
v1::Target SomeTarget(int32_t pid);

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_CLI_ANSWERS_H_
