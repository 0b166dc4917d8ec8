// FakeRawClocks: a 3 GHz counter and a CLOCK_MONOTONIC that can be slewed and stepped; every reading takes time. One thread.
#ifndef HFTMON_TESTS_DAEMON_OS_FAKE_RAW_CLOCKS_H_
#define HFTMON_TESTS_DAEMON_OS_FAKE_RAW_CLOCKS_H_

#include <cstdint>

#include "daemon/os/raw_clocks.h"

namespace hftmon {

class FakeRawClocks final : public RawClocks {
 public:
  uint64_t Ticks() const override {
    PassReading();
    return ticks_;
  }
  int64_t MonotonicNs() const override {
    PassReading();
    return Mono();
  }
  int64_t RealtimeNs() const override {
    PassReading();
    return Mono() + realtime_offset_ns;
  }

  int64_t BoottimeNs() const override {
    PassReading();
    return Mono() + boottime_offset_ns;
  }
  int64_t TaiNs() const override {
    PassReading();
    return Mono() + realtime_offset_ns + tai_offset_ns;
  }

  void Pass(int64_t ns) const {
    if (!counter_stopped) ticks_ += static_cast<uint64_t>(3 * ns);
    if (monotonic_stopped) return;
    // Picoseconds keep a slew of single ppm exact over short readings.
    mono_ps_ += ns * (1'000'000 + slew_ppm) / 1'000;
    mono_ns_ += mono_ps_ / 1'000;
    mono_ps_ %= 1'000;
  }
  void StepTicks(int64_t ticks) { ticks_ += static_cast<uint64_t>(ticks); }
  // What CLOCK_MONOTONIC reads at this very moment.
  int64_t Mono() const { return mono_ns_; }

  int64_t slew_ppm = 0;
  int64_t reading_ns = 20;
  int64_t pause_ns = 0;  // added to each reading: an interruption
  int64_t realtime_offset_ns = 1'700'000'000'000'000'000;
  int64_t boottime_offset_ns = 0;
  int64_t tai_offset_ns = 0;
  bool counter_stopped = false;
  bool monotonic_stopped = false;

 private:
  void PassReading() const { Pass(reading_ns + pause_ns); }

  mutable uint64_t ticks_ = uint64_t{1} << 50;
  mutable int64_t mono_ns_ = 5'000'000'000'000;
  mutable int64_t mono_ps_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_OS_FAKE_RAW_CLOCKS_H_
