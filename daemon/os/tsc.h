// The CPU's cycle counter: TSC on x86, the virtual counter on arm64. Any thread; no system call.
#ifndef HFTMON_DAEMON_OS_TSC_H_
#define HFTMON_DAEMON_OS_TSC_H_

#include <cstdint>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#elif !defined(__aarch64__)
#error "hftmon reads the cycle counter of x86-64 and arm64 only"
#endif

namespace hftmon {

#if defined(__x86_64__)

// What the kernel calls a clock source that is this counter.
inline constexpr std::string_view kTscClocksource = "tsc";

// Not before anything that stands above it in the program: the fence waits for earlier loads.
inline uint64_t ReadTsc() {
  _mm_lfence();
  return __rdtsc();
}

// The same without the fence, 20 ns less: may be read some tens of nanoseconds before what stands above it is done.
inline uint64_t ReadTscUnordered() {
  return __rdtsc();
}

// Whether the counter runs at one rate in every power state (CPUID 8000_0007 EDX bit 8).
inline bool TscIsInvariant() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1u << 8)) != 0;
}

#else

inline constexpr std::string_view kTscClocksource = "arch_sys_counter";

inline uint64_t ReadTsc() {
  uint64_t ticks;
  asm volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
  return ticks;
}

inline uint64_t ReadTscUnordered() {
  uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
}

// The architecture requires it.
inline bool TscIsInvariant() {
  return true;
}

#endif

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_TSC_H_
