#include "daemon/os/raw_clocks.h"

#include <time.h>

#include <cmath>
#include <limits>

#include "daemon/os/tsc.h"

namespace hftmon {
namespace {

int64_t ReadNs(clockid_t clock) {
  // Cannot fail: both clocks exist on every kernel and the pointer is good.
  timespec now;
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Of several readings of (monotonic, other, monotonic) the tightest.
template <typename Read>
ClockPair Tightest(const RawClocks& clocks, Read read_other) {
  constexpr int kReadings = 8;
  ClockPair best;
  int64_t best_width_ns = std::numeric_limits<int64_t>::max();
  for (int i = 0; i < kReadings; ++i) {
    const int64_t before_ns = clocks.MonotonicNs();
    const int64_t other_ns = read_other();
    const int64_t width_ns = clocks.MonotonicNs() - before_ns;
    if (width_ns >= best_width_ns) continue;
    best_width_ns = width_ns;
    best = {.monotonic_ns = before_ns + width_ns / 2, .realtime_ns = other_ns, .error_ns = (width_ns + 1) / 2};
  }
  return best;
}

}  // namespace

uint64_t SystemRawClocks::Ticks() const {
  return ReadTsc();
}

uint64_t SystemRawClocks::QuickTicks() const {
  return ReadTscUnordered();
}
int64_t SystemRawClocks::MonotonicNs() const {
  return ReadNs(CLOCK_MONOTONIC);
}
int64_t SystemRawClocks::RealtimeNs() const {
  return ReadNs(CLOCK_REALTIME);
}

int64_t SystemRawClocks::BoottimeNs() const {
  return ReadNs(CLOCK_BOOTTIME);
}
int64_t SystemRawClocks::TaiNs() const {
  return ReadNs(CLOCK_TAI);
}

ClockPair ReadClockPair(const RawClocks& clocks) {
  return Tightest(clocks, [&clocks] { return clocks.RealtimeNs(); });
}

BoottimeOffset ReadBoottimeOffset(const RawClocks& clocks) {
  const ClockPair pair = Tightest(clocks, [&clocks] { return clocks.BoottimeNs(); });
  return {.offset_ns = pair.realtime_ns - pair.monotonic_ns, .error_ns = pair.error_ns};
}

int64_t ReadTaiOffsetNs(const RawClocks& clocks) {
  constexpr int64_t kSecondNs = 1'000'000'000;
  const int64_t before_ns = clocks.RealtimeNs();
  const int64_t tai_ns = clocks.TaiNs();
  const int64_t middle_ns = before_ns + (clocks.RealtimeNs() - before_ns) / 2;
  return std::llround(static_cast<double>(tai_ns - middle_ns) / kSecondNs) * kSecondNs;
}

}  // namespace hftmon
