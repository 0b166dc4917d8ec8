/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles: how long a program's operations took, counted by the program itself and read by nobody else. The figures of
 * `hftmon operations`, without daemon, file, lock or system call, 2 to 6 ns an operation beside the two readings of the counter.
 *
 * C11 and C++20. What is added goes into a histogram of the layout of common/log_linear_layout.h, whose unit is a tick of the counter here
 * and not a nanosecond: a percentile is its bucket's middle, exact below 128 ticks, else at most 0.78 % off. Sums, minima and maxima are
 * exact. Ticks become nanoseconds when figures are read: the tick's length is measured against CLOCK_MONOTONIC between the profile's
 * creation and the reading, and what that leaves open is stated (tick_error_ppm). This wants a counter that goes on at one rate and alike
 * on all CPUs, as those do that the kernel takes for its own clock; a suspend of the host between creation and reading spoils it.
 *
 * Threads: a profile belongs to one thread; make one for each, and merge them once those threads have ended. Whoever hands a profile to
 * another thread orders the two (pthread_join does).
 * Signals: a handler must not add to the profile of the thread that it interrupts.
 * fork: plain memory. The child has a copy with what was in it, of its own; each of the two takes a page fault at its first write to a
 * page. Memory: 16 KB for each operation, reserved and touched by hftmon_profile_create, so that adding takes no page fault unless the host
 * swaps or the process forks.
 */
#ifndef HFTMON_CLIENT_MARKER_HFTMON_PROFILE_H_
#define HFTMON_CLIENT_MARKER_HFTMON_PROFILE_H_

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/marker/hftmon_marker.h"
#include "common/log_linear_layout.h"

#define HFTMON_PROFILE_OPERATIONS_MAX 4096u

#ifdef __cplusplus
extern "C" {
#endif

/* What was added of one operation, in ticks: whole cache lines. The inline functions' own, as is hftmon_profile. */
struct hftmon_profile_sums {
  uint64_t sum_ticks;
  uint64_t min_ticks; /* UINT64_MAX: none yet */
  uint64_t max_ticks;
  uint64_t error_count;
  uint64_t backwards_count;
  uint64_t overlong_count;
  uint64_t unused[2];
  uint64_t counts[HFT_HISTOGRAM_BUCKETS];
};

/* A reading of the counter and of CLOCK_MONOTONIC, taken within window_ticks of each other. */
struct hftmon_profile_clocks {
  uint64_t tsc;
  int64_t ns;
  uint64_t window_ticks;
};

typedef struct hftmon_profile {
  struct hftmon_profile_sums* sums; /* operation_max of them */
  uint32_t operation_max;
  uint64_t unknown_operation_count;
  struct hftmon_profile_clocks created;
  int64_t since_ns; /* creation or reset, CLOCK_MONOTONIC */
  uint64_t bytes;   /* of all this memory */
} hftmon_profile;

/* Of one operation. -1: there is none. */
typedef struct hftmon_profile_figures {
  uint64_t count;           /* operations that all figures below are of */
  uint64_t error_count;     /* of them: those that failed */
  uint64_t backwards_count; /* whose end lay before their begin; in no figure */
  uint64_t overlong_count;  /* of 2^36 ticks or more (22 s at 3 GHz): a begin that was never read, as a rule; in no figure */
  double rate_hz;           /* count a second, since the profile was created or last reset */
  double tick_error_ppm; /* what any of the durations may be off by at most, since the tick's length was measured; beside the histogram's */
  int64_t sum_ns;        /* 0 when count is */
  int64_t mean_ns;
  int64_t min_ns;
  int64_t max_ns;
  /* Nearest rank. Absent with fewer than 10 / (1 - p) operations: 20, 100, 200, 1,000, 10,000, 1,000,000. */
  int64_t p50_ns;
  int64_t p90_ns;
  int64_t p95_ns;
  int64_t p99_ns;
  int64_t p99_9_ns;
  int64_t p99_999_ns;
} hftmon_profile_figures;

/*
 * For operations 0 to operation_max - 1 (1 to 4,096 of them), all zero. Returns NULL and sets errno: EINVAL (operation_max), ENOMEM. All
 * functions below allow NULL and do nothing then. Any thread; makes system calls: at start-up.
 */
HFTMON_MARKER_API hftmon_profile* hftmon_profile_create(uint32_t operation_max);
HFTMON_MARKER_API void hftmon_profile_destroy(hftmon_profile* profile);

/* All figures begin anew, and rate_hz from now on. The tick's length is still measured since the creation. */
HFTMON_MARKER_API void hftmon_profile_reset(hftmon_profile* profile);

/*
 * Adds all of `from` to `into`; `from` stays as it is. Rates are then since the earlier beginning of the two. What `from` has of operations
 * that `into` has no room for counts as operations that are unknown to `into`. Neither may be added to meanwhile; with itself: nothing.
 */
HFTMON_MARKER_API void hftmon_profile_merge(hftmon_profile* into, const hftmon_profile* from);

/*
 * The figures of one operation until now. False, all figures absent, and errno: EINVAL (`profile` is NULL, or has no such operation),
 * EAGAIN (its creation is so near that its clocks cannot be told from now). Requires that sums do not overflow 2^64 ticks (195 years at
 * 3 GHz). Walks the histogram: a few microseconds.
 */
HFTMON_MARKER_API bool hftmon_profile_read(const hftmon_profile* profile, uint32_t operation, hftmon_profile_figures* out);

/* Calls of hftmon_profile_add with an operation that the profile has no room for; since creation or reset. */
HFTMON_MARKER_API uint64_t hftmon_profile_unknown_operation_count(const hftmon_profile* profile);

/*
 * One line: {"operations": [...], "unknown_operation_count": N, "tick_error_ppm": N}. An operation that nothing was added of is left out;
 * the others have those keys of `hftmon operations --json` that a program can know of itself (pid name count sum_ns mean_ns? min_ns?
 * max_ns? p50_ns? p90_ns? p95_ns? p99_ns? p99_9_ns? p99_999_ns? error_count rate_hz; what is absent has no key), and backwards_count and
 * overlong_count. `names`: operation_max of them, UTF-8, by operation; NULL, as a whole or one of them: "". False and errno: as
 * hftmon_profile_read with nothing written, or what writing to `file` said.
 */
HFTMON_MARKER_API bool hftmon_profile_write_json(const hftmon_profile* profile, const char* const* names, FILE* file);

/* Counts what hftmon_profile_add cannot take; it calls this. */
HFTMON_MARKER_API void hftmon_profile_refuse(hftmon_profile* profile, uint32_t operation, uint64_t ticks);

/* The bucket of a duration. Requires ticks < 2^HFT_HISTOGRAM_TOP_LOG2. Below 64 the layout's first octave, cut like the second. */
static inline uint32_t hftmon_profile_bucket(uint64_t ticks) {
  const uint32_t shift = 63u - HFT_HISTOGRAM_SUB_BITS - (uint32_t)__builtin_clzll(ticks | HFT_OCTAVE_BUCKETS);
  return (shift << HFT_HISTOGRAM_SUB_BITS) + (uint32_t)(ticks >> shift);
}

/* An operation that took from one reading of hftmon_marker_tsc to a later one. By the profile's thread. */
static inline void hftmon_profile_add(hftmon_profile* profile, uint32_t operation, uint64_t begin_tsc, uint64_t end_tsc, bool error) {
  const uint64_t ticks = end_tsc - begin_tsc;
  /* An end before its begin is a difference of 2^63 or more. */
  if (__builtin_expect(!profile || operation >= profile->operation_max || ticks >> HFT_HISTOGRAM_TOP_LOG2 != 0, 0)) {
    hftmon_profile_refuse(profile, operation, ticks);
    return;
  }
  struct hftmon_profile_sums* const sums = &profile->sums[operation];
  sums->sum_ticks += ticks;
  sums->min_ticks = ticks < sums->min_ticks ? ticks : sums->min_ticks;
  sums->max_ticks = ticks > sums->max_ticks ? ticks : sums->max_ticks;
  sums->error_count += error;
  ++sums->counts[hftmon_profile_bucket(ticks)];
}

/*
 * An operation around a stretch of code: what begin returns goes to end or end_error, on the same thread. They may nest and overlap at
 * will; one whose end is never said is in no count.
 */
static inline uint64_t hftmon_profile_begin(void) { /* NOLINT(modernize-redundant-void-arg): C wants it */
  return hftmon_marker_tsc();
}
static inline void hftmon_profile_end(hftmon_profile* profile, uint32_t operation, uint64_t begin_tsc) {
  hftmon_profile_add(profile, operation, begin_tsc, hftmon_marker_tsc(), false);
}
/* The operation failed. */
static inline void hftmon_profile_end_error(hftmon_profile* profile, uint32_t operation, uint64_t begin_tsc) {
  hftmon_profile_add(profile, operation, begin_tsc, hftmon_marker_tsc(), true);
}

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_CLIENT_MARKER_HFTMON_PROFILE_H_ */
