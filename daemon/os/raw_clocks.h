// RawClocks: the seam behind every clock reading. Real: the cycle counter and the vDSO; tests: a fake. Any thread; implementations are
// const.
#ifndef HFTMON_DAEMON_OS_RAW_CLOCKS_H_
#define HFTMON_DAEMON_OS_RAW_CLOCKS_H_

#include <cstdint>

#include "common/clock_conversion.h"

namespace hftmon {

class RawClocks {
 public:
  virtual ~RawClocks() = default;
  virtual uint64_t Ticks() const = 0;  // the cycle counter, ordered
  // The same, not ordered with what the program does around it: for the hot path, never for a calibration.
  virtual uint64_t QuickTicks() const { return Ticks(); }
  virtual int64_t MonotonicNs() const = 0;  // CLOCK_MONOTONIC
  virtual int64_t RealtimeNs() const = 0;   // CLOCK_REALTIME
};

// No system call enters the kernel as long as the kernel's clock source has a vDSO.
class SystemRawClocks final : public RawClocks {
 public:
  uint64_t Ticks() const override;
  uint64_t QuickTicks() const override;
  int64_t MonotonicNs() const override;
  int64_t RealtimeNs() const override;
};

// CLOCK_MONOTONIC and CLOCK_REALTIME of one moment: of several readings of (monotonic, realtime, monotonic) the tightest. error_ns is half
// the bracket, rounded up.
ClockPair ReadClockPair(const RawClocks& clocks);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_RAW_CLOCKS_H_
