#include "client/examples/order_book/time_stamp_counter.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <ctime>

namespace hftmon::order_book {

bool TscIsInvariant() {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1u << 8)) != 0;
#else
  return true;
#endif
}

int64_t MonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

ClockReading ReadClocks() {
  constexpr int kReadings = 20;
  ClockReading best;
  for (int i = 0; i < kReadings; ++i) {
    const uint64_t before = ReadTsc();
    const int64_t mono_ns = MonotonicNs();
    const uint64_t after = ReadTsc();
    if (i == 0 || after - before < best.error_ticks) best = {before + (after - before) / 2, mono_ns, after - before};
  }
  return best;
}

absl::StatusOr<LinearConversion> MeasureConversion(int64_t wait_ns) {
  const ClockReading first = ReadClocks();
  const timespec wait{wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, nullptr);
  const ClockReading second = ReadClocks();
  return LinearConversion::Through(first.tsc, first.mono_ns, second.tsc, second.mono_ns);
}

}  // namespace hftmon::order_book
