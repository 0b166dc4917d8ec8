/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counter profiles: what the processor counted in a program's operations (instructions, cache misses ... of each), added up by the program
 * itself and read by nobody else. What hftmon_profile.h is for durations; it may stand beside it, for the same operations.
 *
 * C11 and C++17. Each operation has a histogram for each counter, of the layout of common/log_linear_layout.h: a percentile is its bucket's
 * middle, exact below 128, else at most 0.78 % off. Sums, minima and maxima are exact. What the readings themselves count is in all of them
 * (hftmon_counters_own_cost says how much).
 *
 * An operation during which the kernel had no counters for the thread, however shortly, has no amount that could be told: it is in no
 * figure and counts as uncounted. So it is without counters at all (a handle that is NULL).
 *
 * Threads: a profile belongs to one thread; make one for each, and merge them once those threads have ended. Signals, fork: as
 * hftmon_profile.h. Memory: 16 KB for each operation and counter, reserved and touched when created.
 */
#ifndef HFTMON_CLIENT_MARKER_HFTMON_COUNTER_PROFILE_H_
#define HFTMON_CLIENT_MARKER_HFTMON_COUNTER_PROFILE_H_

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/marker/hftmon_counters.h"
#include "client/marker/hftmon_profile.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hftmon_counter_profile {
  struct hftmon_profile_sums* sums; /* of operation o and counter c: [o * counter_count + c]; events instead of ticks */
  uint64_t* uncounted_counts;       /* of each operation */
  uint32_t operation_max;
  uint32_t counter_count;
  uint64_t unknown_operation_count;
  uint64_t bytes; /* of all this memory */
} hftmon_counter_profile;

/* Of one counter in one operation. */
typedef struct hftmon_counter_figures {
  uint64_t count;           /* operations that all figures below are of */
  uint64_t error_count;     /* of them: those that failed */
  uint64_t uncounted_count; /* during which the thread had no counters; in no figure, the same for all counters of an operation */
  uint64_t backwards_count; /* whose counts went back: readings of two handles, as a rule; in no figure */
  uint64_t overlarge_count; /* of 2^36 or more; in no figure */
  uint64_t sum;             /* 0 when count is */
  double mean;              /* -1 when count is 0; so are the others */
  int64_t min;
  int64_t max;
  /* Nearest rank. -1 with fewer than 10 / (1 - p) operations: 20, 100, 200, 1,000, 10,000, 1,000,000. */
  int64_t p50;
  int64_t p90;
  int64_t p95;
  int64_t p99;
  int64_t p99_9;
  int64_t p99_999;
} hftmon_counter_figures;

/*
 * For operations 0 to operation_max - 1 (1 to 4,096 of them) and the counters of one handle (1 to 6), all zero. Returns NULL and sets
 * errno: EINVAL, ENOMEM. All functions below allow NULL and do nothing then. Any thread; makes system calls: at start-up.
 */
HFTMON_MARKER_API hftmon_counter_profile* hftmon_counter_profile_create(uint32_t operation_max, uint32_t counter_count);
HFTMON_MARKER_API void hftmon_counter_profile_destroy(hftmon_counter_profile* profile);

/* All figures begin anew. */
HFTMON_MARKER_API void hftmon_counter_profile_reset(hftmon_counter_profile* profile);

/* Adds all of `from` to `into`; `from` stays as it is. False and errno: EINVAL, their counters are not as many, or one is NULL. Operations
 * that `into` has no room for count as unknown to it. Neither may be added to meanwhile; with itself: nothing. */
HFTMON_MARKER_API bool hftmon_counter_profile_merge(hftmon_counter_profile* into, const hftmon_counter_profile* from);

/* The figures of one counter in one operation. False, all figures absent, and errno EINVAL: there is no such profile, operation or counter.
 * Walks the histogram: a few microseconds. */
HFTMON_MARKER_API bool hftmon_counter_profile_read(const hftmon_counter_profile* profile, uint32_t operation, uint32_t counter,
                                                   hftmon_counter_figures* out);

/* Operations added that the profile has no room for; since creation or reset. */
HFTMON_MARKER_API uint64_t hftmon_counter_profile_unknown_operation_count(const hftmon_counter_profile* profile);

/*
 * One line: {"operations": [{pid name uncounted_count counters: [{name count error_count backwards_count overlarge_count sum? mean? min?
 * max? p50? p90? p95? p99? p99_9? p99_999?}]}], "unknown_operation_count": N}. What is absent has no key; an operation that nothing was
 * added of is left out. `names`: operation_max of them, UTF-8; NULL, as a whole or one of them: "". `events`: those that the handle was
 * opened with, whose names are the counters'; NULL: "". False and errno: EINVAL with nothing written, or what writing to `file` said.
 */
HFTMON_MARKER_API bool hftmon_counter_profile_write_json(const hftmon_counter_profile* profile, const char* const* names,
                                                         const hftmon_counter_event* events, FILE* file);

/* Counts what the inline functions cannot take; they call it. */
HFTMON_MARKER_API void hftmon_counter_profile_refuse(hftmon_counter_profile* profile, uint32_t operation, uint32_t counter,
                                                     uint64_t amount);

/* An operation whose counts are not known. By the profile's thread. */
static inline void hftmon_counter_profile_add_uncounted(hftmon_counter_profile* profile, uint32_t operation) {
  if (__builtin_expect(!profile || operation >= profile->operation_max, 0)) {
    hftmon_counter_profile_refuse(profile, operation, 0, 0);
  } else {
    ++profile->uncounted_counts[operation];
  }
}

/* An operation between two readings of one handle. One that has not as many counters as the profile is uncounted. By the profile's thread.
 */
static inline void hftmon_counter_profile_add(hftmon_counter_profile* profile, uint32_t operation, const hftmon_counters_reading* begin,
                                              const hftmon_counters_reading* end, bool error) {
  if (__builtin_expect(!profile || operation >= profile->operation_max || begin->count != profile->counter_count ||
                           end->count != profile->counter_count || !hftmon_counters_whole(begin, end),
                       0)) {
    hftmon_counter_profile_add_uncounted(profile, operation);
    return;
  }
  for (uint32_t counter = 0; counter < profile->counter_count; ++counter) {
    const uint64_t amount = end->values[counter] - begin->values[counter];
    if (__builtin_expect(amount >> HFT_HISTOGRAM_TOP_LOG2 != 0, 0)) {
      hftmon_counter_profile_refuse(profile, operation, counter, amount);
      continue;
    }
    struct hftmon_profile_sums* const sums = &profile->sums[(uint64_t)operation * profile->counter_count + counter];
    sums->sum_ticks += amount;
    sums->min_ticks = amount < sums->min_ticks ? amount : sums->min_ticks;
    sums->max_ticks = amount > sums->max_ticks ? amount : sums->max_ticks;
    sums->error_count += error;
    ++sums->counts[hftmon_profile_bucket(amount)];
  }
}

/* A stretch of code: what begin fills goes to end or end_error, with the same handle, on its thread. They may nest and overlap at will. */
typedef struct hftmon_counter_span {
  hftmon_counters_reading begin;
  bool counted;
} hftmon_counter_span;

static inline void hftmon_counter_profile_begin(const hftmon_counters* counters, hftmon_counter_span* span) {
  span->counted = hftmon_counters_read(counters, &span->begin);
}
/* `error`: the operation failed. */
static inline void hftmon_counter_profile_end_as(hftmon_counter_profile* profile, uint32_t operation, const hftmon_counters* counters,
                                                 const hftmon_counter_span* span, bool error) {
  hftmon_counters_reading end;
  if (__builtin_expect(hftmon_counters_read(counters, &end) && span->counted, 1)) {
    hftmon_counter_profile_add(profile, operation, &span->begin, &end, error);
  } else {
    hftmon_counter_profile_add_uncounted(profile, operation);
  }
}
static inline void hftmon_counter_profile_end(hftmon_counter_profile* profile, uint32_t operation, const hftmon_counters* counters,
                                              const hftmon_counter_span* span) {
  hftmon_counter_profile_end_as(profile, operation, counters, span, false);
}
static inline void hftmon_counter_profile_end_error(hftmon_counter_profile* profile, uint32_t operation, const hftmon_counters* counters,
                                                    const hftmon_counter_span* span) {
  hftmon_counter_profile_end_as(profile, operation, counters, span, true);
}

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_CLIENT_MARKER_HFTMON_COUNTER_PROFILE_H_ */
