// HousekeepingLoopTest: a loop over fake memory with one watched thread: tid 100 of process 90 in slot 1.
#ifndef HFTMON_TESTS_DAEMON_INGEST_HOUSEKEEPING_FIXTURE_H_
#define HFTMON_TESTS_DAEMON_INGEST_HOUSEKEEPING_FIXTURE_H_

#include <gtest/gtest.h>

#include "daemon/ingest/housekeeping_loop.h"
#include "tests/daemon/ingest/recording_sinks.h"
#include "tests/fakes/fake_kernel_view.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {

inline constexpr int64_t kInterval = 10'000'000;

class HousekeepingLoopTest : public testing::Test {
 protected:
  HousekeepingLoopTest() { kernel_.Follow({.slot = 1, .tid = 100, .tgid = 90, .start_ns = 7}); }

  HousekeepingLoop::Wiring Wiring() {
    return {.view = kernel_.view(),
            .clock = &clock_,
            .interval_sinks = {&sinks_, &second_},
            .kernel_stall_sinks = {&sinks_},
            .boost_sinks = {&sinks_},
            .life_sinks = {&sinks_},
            .window_sink = &sinks_,
            .sleep_ns = [this](int64_t ns) {
              slept_ns_ += ns;
              clock_.AdvanceNs(ns + oversleep_ns_);
            }};
  }
  static hft_switch_in Wait(uint32_t tid, uint16_t slot) {
    hft_switch_in in{};
    in.tid = tid;
    in.tgid = 90;
    in.slot = slot;
    in.in_clock_ns = 2000;
    in.queued_clock_ns = 1000;
    in.wait_ns = 1000;
    in.runner_count = 1;
    in.runners[0] = {900, 11, 11};
    return in;
  }
  static hft_life Life(uint32_t tid, uint16_t slot, int64_t start_ns) {
    hft_life life{};
    life.tid = tid;
    life.tgid = 90;
    life.slot = slot;
    life.start_ns = static_cast<uint64_t>(start_ns);
    return life;
  }

  FakeMonotonicClock clock_;
  FakeKernelView kernel_;
  RecordingSinks sinks_;
  RecordingSinks second_;
  int64_t slept_ns_ = 0;
  int64_t oversleep_ns_ = 0;
  HousekeepingLoop loop_{Wiring(), {.policy = &kLatencyPolicy, .sampling_interval_ns = kInterval}};
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_INGEST_HOUSEKEEPING_FIXTURE_H_
