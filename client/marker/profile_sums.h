/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile makes of the sums of one operation: its count, its percentiles, several added up. Of durations and of counters alike: an
 * amount is a number of ticks there, of events here.
 *
 * Pure; by whoever has the sums to itself.
 */
#ifndef HFTMON_CLIENT_MARKER_PROFILE_SUMS_H_
#define HFTMON_CLIENT_MARKER_PROFILE_SUMS_H_

#include "client/marker/hftmon_profile.h"

#define HFTMON_PERCENTILES 6u
#define HFTMON_NO_PERCENTILE UINT64_MAX

/* "p50", "p90", "p95", "p99", "p99_9", "p99_999". */
extern const char* const hftmon_percentile_names[HFTMON_PERCENTILES];

/* Nothing was added yet. Writes to all of them. */
void hftmon_sums_clear(struct hftmon_profile_sums* sums, size_t count);
/* Of what is in the figures. */
uint64_t hftmon_sums_count(const struct hftmon_profile_sums* sums);
void hftmon_sums_merge(struct hftmon_profile_sums* into, const struct hftmon_profile_sums* from);
/* An amount that no histogram takes: 2^63 or more (an end before its begin), or 2^HFT_HISTOGRAM_TOP_LOG2. */
void hftmon_sums_refuse(struct hftmon_profile_sums* sums, uint64_t amount);
/* Nearest rank, the middle of its bucket; HFTMON_NO_PERCENTILE with fewer than 10 / (1 - p) of them. */
void hftmon_sums_percentiles(const struct hftmon_profile_sums* sums, uint64_t out[HFTMON_PERCENTILES]);

#endif /* HFTMON_CLIENT_MARKER_PROFILE_SUMS_H_ */
