// KernelClock: what the kernel says of its own wall clock. Source: clock_adjtime(2) with no mode set, which changes nothing.
//
// Any thread; one system call. A seccomp filter (systemd's ProtectClock=) may refuse even the reading: then it is unavailable, and why.
#ifndef HFTMON_DAEMON_OS_KERNEL_CLOCK_H_
#define HFTMON_DAEMON_OS_KERNEL_CLOCK_H_

#include <cstdint>
#include <functional>
#include <string>

struct timex;

namespace hftmon {

struct KernelClock {
  bool available = false;
  std::string reason = "not read yet";  // why it is not available, else empty
  bool synchronised = false;
  int64_t max_error_ns = 0;  // of CLOCK_REALTIME against UTC, as whoever synchronises it told the kernel; grows by 500 ppm between
  int64_t estimated_error_ns = 0;
  double frequency_ppm = 0;   // correction of the clock's rate in force
  int64_t tai_offset_ns = 0;  // 0: nobody told the kernel
  std::string leap_second;    // "", "insert", "delete" (at the end of the UTC day), "in_progress"
  int64_t read_mono_ns = 0;   // filled in by the caller
};

// The seam: the clock's state (TIME_OK …), or minus errno.
using AdjustClock = std::function<int(timex*)>;
AdjustClock SystemAdjustClock();

KernelClock ReadKernelClock(const AdjustClock& adjust_clock);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_KERNEL_CLOCK_H_
