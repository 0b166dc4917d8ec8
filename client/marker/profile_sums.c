#include "client/marker/profile_sums.h"

#include <string.h>

#define PARTS_PER_BILLION UINT64_C(1000000000)

_Static_assert(HFT_HISTOGRAM_LINEAR_LOG2 == HFT_HISTOGRAM_SUB_BITS, "hftmon_profile_bucket cuts the first octave like the second");

const char* const hftmon_percentile_names[HFTMON_PERCENTILES] = {"p50", "p90", "p95", "p99", "p99_9", "p99_999"};
/* 1 - p, in billionths: in doubles a rank could be one off. */
static const uint64_t tails_ppb[HFTMON_PERCENTILES] = {500000000, 100000000, 50000000, 10000000, 1000000, 10000};

void hftmon_sums_clear(struct hftmon_profile_sums* sums, size_t count) {
  memset(sums, 0, count * sizeof(*sums));
  for (size_t i = 0; i < count; ++i) sums[i].min_ticks = UINT64_MAX;
}

uint64_t hftmon_sums_count(const struct hftmon_profile_sums* sums) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < HFT_HISTOGRAM_BUCKETS; ++i) count += sums->counts[i];
  return count;
}

void hftmon_sums_merge(struct hftmon_profile_sums* into, const struct hftmon_profile_sums* from) {
  into->sum_ticks += from->sum_ticks;
  if (from->min_ticks < into->min_ticks) into->min_ticks = from->min_ticks;
  if (from->max_ticks > into->max_ticks) into->max_ticks = from->max_ticks;
  into->error_count += from->error_count;
  into->backwards_count += from->backwards_count;
  into->overlong_count += from->overlong_count;
  for (uint32_t i = 0; i < HFT_HISTOGRAM_BUCKETS; ++i) into->counts[i] += from->counts[i];
}

void hftmon_sums_refuse(struct hftmon_profile_sums* sums, uint64_t amount) {
  if ((int64_t)amount < 0) {
    ++sums->backwards_count;
  } else {
    ++sums->overlong_count;
  }
}

/* One past the last bucket: its upper edge. */
static uint64_t bucket_lower(uint32_t bucket) {
  const uint32_t octave = bucket >> HFT_HISTOGRAM_SUB_BITS;
  if (octave == 0) return bucket;
  const uint64_t mantissa = HFT_OCTAVE_BUCKETS + (bucket & (HFT_OCTAVE_BUCKETS - 1));
  return mantissa << (octave - 1);
}

/* Nearest rank, from 1 on; 0 where too few are there. As PercentileRank in common/histogram.h. */
static uint64_t rank_of(uint64_t total, uint64_t tail_ppb) {
  if (total < (10 * PARTS_PER_BILLION + tail_ppb - 1) / tail_ppb) return 0;
  const uint64_t above = total / PARTS_PER_BILLION * tail_ppb + total % PARTS_PER_BILLION * tail_ppb / PARTS_PER_BILLION;
  return total - above;
}

/* In ascending order: a percentile that needs more is absent where a lower one is. */
void hftmon_sums_percentiles(const struct hftmon_profile_sums* sums, uint64_t out[HFTMON_PERCENTILES]) {
  for (uint32_t i = 0; i < HFTMON_PERCENTILES; ++i) out[i] = HFTMON_NO_PERCENTILE;
  const uint64_t count = hftmon_sums_count(sums);
  uint32_t next = 0;
  uint64_t seen = 0;
  for (uint32_t bucket = 0; bucket < HFT_HISTOGRAM_BUCKETS && next < HFTMON_PERCENTILES; ++bucket) {
    if (sums->counts[bucket] == 0) continue;
    seen += sums->counts[bucket];
    const uint64_t middle = (bucket_lower(bucket) + bucket_lower(bucket + 1)) / 2;
    for (; next < HFTMON_PERCENTILES; ++next) {
      const uint64_t rank = rank_of(count, tails_ppb[next]);
      if (rank == 0) return;
      if (rank > seen) break;
      out[next] = middle;
    }
  }
}
