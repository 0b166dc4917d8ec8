/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The kernel's side of common/log_linear_layout.h, without a logarithm: BPF has no count-leading-zeros, and two searches for the highest
 * bit cost 20 ns a switch.
 *
 * Buckets repeat every six octaves: the bucket of v, for 2^(6+6k) <= v < 2^(12+6k), is the bucket of v >> 6k plus 48k. So one table of the
 * values below 4096, at the finest bucket width, and a shift serve all levels.
 */
#ifndef HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_
#define HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_

/* Bucket of 8 * index ns; written by the daemon before the load. */
const volatile __u8 bucket_table[HFT_BUCKET_TABLE_ENTRIES] = {};

/* The next levels up. */
#define RAISE_LEVEL(value_ns, base, levels) \
  do {                                      \
    (value_ns) >>= 6 * (levels);            \
    (base) += 48 * (levels);                \
  } while (0)

/* Always below HFT_HISTOGRAM_BUCKETS. */
static __always_inline u32 histogram_bucket(u64 value_ns) {
  u32 base = 0;
  if (value_ns >> 12) {
    if (value_ns >> 24) RAISE_LEVEL(value_ns, base, 3);
    if (value_ns >> 12) RAISE_LEVEL(value_ns, base, 1);
    if (value_ns >> 12) RAISE_LEVEL(value_ns, base, 1);
    if (value_ns >> 12) return HFT_HISTOGRAM_BUCKETS - 1;
  }
  u32 bucket = base + bucket_table[value_ns >> 3];
  return bucket < HFT_HISTOGRAM_BUCKETS ? bucket : HFT_HISTOGRAM_BUCKETS - 1;
}

#endif /* HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_ */
