/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page that the kernel maps for one counter of the calling thread, and how a count is read from it and the processor's register without
 * a system call. What hftmon_counters.h reads with.
 *
 * Reads: struct perf_event_mmap_page, as linux/perf_event.h describes it, and one register (rdpmc on x86-64; PMEVCNTRn_EL0 and PMCCNTR_EL0
 * on arm64). Invariants:
 *   1. The kernel changes a page between two steps of its `lock`, on the CPU where the counted thread runs, so with the thread stopped;
 *      from another CPU only while the event counts nowhere. So the reader needs to keep the compiler from reordering, and nothing else.
 *      An odd `lock` is a change under way.
 *   2. While `index` is not 0 the count is `offset` + the register `index` - 1, whose pmc_width lowest bits are a signed number. A thread
 *      that is moved to another CPU between its readings of the two finds `lock` changed and reads again.
 *   3. The register is not touched where the page does not allow it: that would be a signal (SIGSEGV, on arm64 SIGILL).
 *   4. time_enabled - time_running, as they stand in the page, is how long the event was switched on and did not count. It changes only
 *      when the kernel takes the counter away and gives it back. So between two readings with the same difference all was counted.
 * Threads: the one that the page's event counts, alone: the register is that of the CPU where it runs. No system call, no allocation;
 * HFTMON_COUNTER_PAGE_ATTEMPTS bounds how often it reads again.
 */
#ifndef HFTMON_CLIENT_MARKER_HFTMON_COUNTER_PAGE_H_
#define HFTMON_CLIENT_MARKER_HFTMON_COUNTER_PAGE_H_

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each further one needs an interrupt, or a move to another CPU, within the few instructions of the one before. */
#define HFTMON_COUNTER_PAGE_ATTEMPTS 32

/* Of the page's `capabilities`. */
#define HFTMON_COUNTER_PAGE_READABLE (UINT64_C(1) << 2)   /* cap_user_rdpmc */
#define HFTMON_COUNTER_PAGE_TIMED (UINT64_C(1) << 3)      /* cap_user_time */
#define HFTMON_COUNTER_PAGE_SHORT_TIME (UINT64_C(1) << 5) /* cap_user_time_short */

typedef enum hftmon_counter_page_state {
  HFTMON_COUNTER_PAGE_COUNTING = 0,
  HFTMON_COUNTER_PAGE_PAUSED = 1,     /* the kernel has given the event no counter at present (index 0) */
  HFTMON_COUNTER_PAGE_UNREADABLE = 2, /* the event is in no register that a program may read */
  HFTMON_COUNTER_PAGE_UNSTEADY = 3,   /* changed under the reader at every attempt */
} hftmon_counter_page_state;

typedef struct hftmon_counter_page_reading {
  uint64_t value;     /* the count since the event was opened, as read() of its descriptor has it; modulo 2^64 */
  uint64_t paused_ns; /* switched on and not counting, until the counter was given to it this time */
} hftmon_counter_page_reading;

/* The register `number`. False: a program can read none of that number. Requires that the page allows it. */
typedef bool (*hftmon_counter_register_reader)(uint32_t number, uint64_t* value);

static inline bool hftmon_counter_register(uint32_t number, uint64_t* value) {
#if defined(__x86_64__)
  uint32_t low;
  uint32_t high;
  __asm__ volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(number));
  *value = (uint64_t)high << 32 | low;
  return true;
#elif defined(__aarch64__)
#define HFTMON_COUNTER_CASE(n)                                     \
  case n:                                                          \
    __asm__ volatile("mrs %0, pmevcntr" #n "_el0" : "=r"(*value)); \
    return true;
  switch (number) {
    HFTMON_COUNTER_CASE(0)
    HFTMON_COUNTER_CASE(1)
    HFTMON_COUNTER_CASE(2)
    HFTMON_COUNTER_CASE(3)
    HFTMON_COUNTER_CASE(4)
    HFTMON_COUNTER_CASE(5)
    HFTMON_COUNTER_CASE(6)
    HFTMON_COUNTER_CASE(7)
    HFTMON_COUNTER_CASE(8)
    HFTMON_COUNTER_CASE(9)
    HFTMON_COUNTER_CASE(10)
    HFTMON_COUNTER_CASE(11)
    HFTMON_COUNTER_CASE(12)
    HFTMON_COUNTER_CASE(13)
    HFTMON_COUNTER_CASE(14)
    HFTMON_COUNTER_CASE(15)
    HFTMON_COUNTER_CASE(16)
    HFTMON_COUNTER_CASE(17)
    HFTMON_COUNTER_CASE(18)
    HFTMON_COUNTER_CASE(19)
    HFTMON_COUNTER_CASE(20)
    HFTMON_COUNTER_CASE(21)
    HFTMON_COUNTER_CASE(22)
    HFTMON_COUNTER_CASE(23)
    HFTMON_COUNTER_CASE(24)
    HFTMON_COUNTER_CASE(25)
    HFTMON_COUNTER_CASE(26)
    HFTMON_COUNTER_CASE(27)
    HFTMON_COUNTER_CASE(28)
    HFTMON_COUNTER_CASE(29)
    HFTMON_COUNTER_CASE(30)
    case 31: /* cycles have a counter of their own */
      __asm__ volatile("mrs %0, pmccntr_el0" : "=r"(*value));
      return true;
    default:
      return false;
  }
#undef HFTMON_COUNTER_CASE
#else
#error "hftmon reads counters on x86-64 and arm64 only"
#endif
}

/* The lowest `width` bits of `raw`, 1 to 64, as a signed number: the compilers of this header shift signed numbers as such. */
static inline uint64_t hftmon_counter_sign_extend(uint64_t raw, uint32_t width) {
  return (uint64_t)((int64_t)(raw << (64 - width)) >> (64 - width));
}

/* A reading of one word of a page: its own, whatever becomes of the page meanwhile. */
#define HFTMON_COUNTER_LOAD(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
/* Against the compiler alone: invariant 1. */
#define HFTMON_COUNTER_BARRIER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* One attempt; UNSTEADY: the page changed meanwhile. `out` is written to where the state is COUNTING. */
static inline hftmon_counter_page_state hftmon_counter_page_attempt(const struct perf_event_mmap_page* page,
                                                                    hftmon_counter_register_reader read_register,
                                                                    hftmon_counter_page_reading* out) {
  const uint32_t lock = HFTMON_COUNTER_LOAD(page->lock);
  HFTMON_COUNTER_BARRIER();
  const uint32_t index = HFTMON_COUNTER_LOAD(page->index);
  const uint32_t width = HFTMON_COUNTER_LOAD(page->pmc_width);
  const bool readable = (HFTMON_COUNTER_LOAD(page->capabilities) & HFTMON_COUNTER_PAGE_READABLE) != 0 && width - 1 < 64; /* 1 to 64 */
  hftmon_counter_page_state state = HFTMON_COUNTER_PAGE_COUNTING;
  uint64_t raw = 0;
  if (!readable) {
    /* Of an event that counts nowhere the kernel may not have said the width yet. */
    state = HFTMON_COUNTER_PAGE_UNREADABLE;
  } else if (index == 0) {
    state = HFTMON_COUNTER_PAGE_PAUSED;
  } else if ((lock & 1) == 0 && !read_register(index - 1, &raw)) {
    state = HFTMON_COUNTER_PAGE_UNREADABLE;
  }
  const uint64_t offset = (uint64_t)HFTMON_COUNTER_LOAD(page->offset);
  const uint64_t paused_ns = HFTMON_COUNTER_LOAD(page->time_enabled) - HFTMON_COUNTER_LOAD(page->time_running);
  HFTMON_COUNTER_BARRIER();
  if (__builtin_expect(HFTMON_COUNTER_LOAD(page->lock) != lock || (lock & 1) != 0, 0)) return HFTMON_COUNTER_PAGE_UNSTEADY;
  if (__builtin_expect(state != HFTMON_COUNTER_PAGE_COUNTING, 0)) return state;
  out->value = offset + hftmon_counter_sign_extend(raw, width);
  out->paused_ns = paused_ns;
  return HFTMON_COUNTER_PAGE_COUNTING;
}

/* The count now. `out` is written to where the state is COUNTING. */
static inline hftmon_counter_page_state hftmon_counter_page_read(const struct perf_event_mmap_page* page,
                                                                 hftmon_counter_register_reader read_register,
                                                                 hftmon_counter_page_reading* out) {
  for (int attempt = 0; attempt < HFTMON_COUNTER_PAGE_ATTEMPTS; ++attempt) {
    const hftmon_counter_page_state state = hftmon_counter_page_attempt(page, read_register, out);
    if (__builtin_expect(state != HFTMON_COUNTER_PAGE_UNSTEADY, 1)) return state;
  }
  return HFTMON_COUNTER_PAGE_UNSTEADY;
}

typedef struct hftmon_counter_page_times {
  uint64_t enabled_ns; /* the thread ran and the event was switched on */
  uint64_t running_ns; /* of that: it counted */
  bool current;        /* until now; else until the kernel last had to do with the event (a switch, a tick) */
} hftmon_counter_page_times;

/* As hftmon_counter_page_read, for the times; `tsc` is a reading of hftmon_marker_tsc by this thread, made just before. False: the page
 * changed at every attempt. */
static inline bool hftmon_counter_page_read_times(const struct perf_event_mmap_page* page, uint64_t tsc, hftmon_counter_page_times* out) {
  for (int attempt = 0; attempt < HFTMON_COUNTER_PAGE_ATTEMPTS; ++attempt) {
    const uint32_t lock = HFTMON_COUNTER_LOAD(page->lock);
    HFTMON_COUNTER_BARRIER();
    const uint64_t capabilities = HFTMON_COUNTER_LOAD(page->capabilities);
    const uint32_t index = HFTMON_COUNTER_LOAD(page->index);
    uint64_t enabled_ns = HFTMON_COUNTER_LOAD(page->time_enabled);
    uint64_t running_ns = HFTMON_COUNTER_LOAD(page->time_running);
    const uint32_t shift = HFTMON_COUNTER_LOAD(page->time_shift);
    const uint64_t mult = HFTMON_COUNTER_LOAD(page->time_mult);
    const uint64_t offset_ns = HFTMON_COUNTER_LOAD(page->time_offset);
    const uint64_t short_ticks = HFTMON_COUNTER_LOAD(page->time_cycles);
    const uint64_t short_mask = HFTMON_COUNTER_LOAD(page->time_mask);
    HFTMON_COUNTER_BARRIER();
    if (HFTMON_COUNTER_LOAD(page->lock) != lock || (lock & 1) != 0) continue;
    out->current = (capabilities & HFTMON_COUNTER_PAGE_TIMED) != 0 && shift < 64;
    if (out->current) {
      uint64_t ticks = tsc;
      if ((capabilities & HFTMON_COUNTER_PAGE_SHORT_TIME) != 0) ticks = short_ticks + ((tsc - short_ticks) & short_mask);
      const uint64_t rest = ticks & ((UINT64_C(1) << shift) - 1);
      const uint64_t since_ns = offset_ns + (ticks >> shift) * mult + ((rest * mult) >> shift);
      enabled_ns += since_ns;
      if (index != 0) running_ns += since_ns;
    }
    out->enabled_ns = enabled_ns;
    out->running_ns = running_ns;
    return true;
  }
  return false;
}

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_CLIENT_MARKER_HFTMON_COUNTER_PAGE_H_ */
