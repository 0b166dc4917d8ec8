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
  virtual int64_t BoottimeNs() const = 0;   // CLOCK_BOOTTIME
  virtual int64_t TaiNs() const = 0;        // CLOCK_TAI
};

// No system call enters the kernel as long as the kernel's clock source has a vDSO.
class SystemRawClocks final : public RawClocks {
 public:
  uint64_t Ticks() const override;
  uint64_t QuickTicks() const override;
  int64_t MonotonicNs() const override;
  int64_t RealtimeNs() const override;
  int64_t BoottimeNs() const override;
  int64_t TaiNs() const override;
};

// CLOCK_MONOTONIC and CLOCK_REALTIME of one moment: of several readings of (monotonic, realtime, monotonic) the tightest. error_ns is half
// the bracket, rounded up.
ClockPair ReadClockPair(const RawClocks& clocks);

// CLOCK_BOOTTIME minus CLOCK_MONOTONIC, that is the time slept since boot, read in the same way. Its error as of ClockPair.
struct BoottimeOffset {
  int64_t offset_ns = 0;
  int64_t error_ns = 0;
};
BoottimeOffset ReadBoottimeOffset(const RawClocks& clocks);

// CLOCK_TAI minus CLOCK_REALTIME: whole seconds. 0 while nobody has told the kernel.
int64_t ReadTaiOffsetNs(const RawClocks& clocks);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_RAW_CLOCKS_H_
