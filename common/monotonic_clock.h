// MonotonicClock: CLOCK_MONOTONIC nanoseconds, the way the housekeeping loop may read it (TSC conversion, or a fake in tests).
#ifndef HFTMON_COMMON_MONOTONIC_CLOCK_H_
#define HFTMON_COMMON_MONOTONIC_CLOCK_H_

#include <cstdint>

namespace hftmon {

class MonotonicClock {
 public:
  virtual ~MonotonicClock() = default;
  // Any thread; no lock, no system call that enters the kernel (the TSC, or the vDSO in the fallback).
  virtual int64_t NowNs() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_MONOTONIC_CLOCK_H_
