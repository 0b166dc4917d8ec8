#include "daemon/numa/probe/cache_line_cycle.h"

#include <utility>

#if defined(__x86_64__)
#include <emmintrin.h>
#elif !defined(__aarch64__)
#error "hftmon flushes cache lines of x86-64 and arm64 only"
#endif

namespace hftmon {
namespace {

// splitmix64.
uint64_t NextRandom(uint64_t* state) {
  uint64_t value = *state += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// Evenly in [0, below), to one part in 2^32.
size_t RandomBelow(size_t below, uint64_t* state) {
  return static_cast<size_t>(((NextRandom(state) >> 32) * static_cast<uint64_t>(below)) >> 32);
}

inline void FlushLine(const CacheLine* line) {
#if defined(__x86_64__)
  _mm_clflush(line);
#else
  asm volatile("dc civac, %0" ::"r"(line) : "memory");
#endif
}

inline void AwaitFlushes() {
#if defined(__x86_64__)
  _mm_mfence();
#else
  asm volatile("dsb ish" ::: "memory");
#endif
}

}  // namespace

void MakeCycle(std::span<CacheLine> lines, uint64_t seed) {
  for (CacheLine& line : lines) line = {.next = &line};
  // Sattolo's: as Fisher and Yates shuffle, but never with itself; that leaves one cycle.
  for (size_t i = lines.size(); i-- > 1;) std::swap(lines[i].next, lines[RandomBelow(i, &seed)].next);
}

void FlushFromCaches(std::span<const CacheLine> lines) {
  for (const CacheLine& line : lines) FlushLine(&line);
  AwaitFlushes();
}

}  // namespace hftmon
