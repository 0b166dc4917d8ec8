// The CPU's cycle counter and its way to CLOCK_MONOTONIC. Any thread.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_TIME_STAMP_COUNTER_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_TIME_STAMP_COUNTER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "common/clock_conversion.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#elif !defined(__aarch64__)
#error "order_book reads the cycle counter of x86-64 and arm64 only"
#endif

namespace hftmon::order_book {

// No system call, no fence: may be read some tens of nanoseconds before what stands above it is done.
inline uint64_t ReadTsc() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#endif
}

// For a loop that waits: lets the core's other thread run, and leaves the loop without a mispredicted load.
inline void SpinPause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  asm volatile("yield");
#endif
}

// Whether the counter runs at one rate in every power state (CPUID 8000_0007 EDX bit 8); true on arm64, which requires it.
bool TscIsInvariant();

// CLOCK_MONOTONIC, nanoseconds.
int64_t MonotonicNs();

// Both clocks at one moment.
struct ClockReading {
  uint64_t tsc = 0;
  int64_t mono_ns = 0;
  uint64_t error_ticks = 0;  // the counter's two readings around that of the clock lay this far apart
};

// The best of several readings; about a microsecond.
ClockReading ReadClocks();

// Waits `wait_ns` between two readings. FAILED_PRECONDITION when the counter stood still.
absl::StatusOr<LinearConversion> MeasureConversion(int64_t wait_ns);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_TIME_STAMP_COUNTER_H_
