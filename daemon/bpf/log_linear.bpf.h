/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The kernel's side of common/log_linear_layout.h, without a logarithm: BPF has no count-leading-zeros, and two searches for the highest
 * bit cost 20 ns a switch.
 *
 * Octaves repeat: v, for 2^(6+6k) <= v < 2^(12+6k), is as many octaves above v >> 6k as 6k says, and in the same bucket of its octave. So
 * one table of the octaves below 4096, one cache line, and a shift serve all levels.
 */
#ifndef HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_
#define HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_

/* Of the values [64 * index, 64 * index + 63]: the octave, and from bit 4 on the log2 of its buckets' width. Written before the load. */
const volatile __u8 octave_table[HFT_OCTAVE_TABLE_ENTRIES] = {};

struct octave_bucket {
  u32 octave; /* below HFT_HISTOGRAM_OCTAVES */
  u32 bucket; /* of the octave, below HFT_OCTAVE_BUCKETS */
};

/* The last value of the last bucket, in which all above it are counted too. */
#define HISTOGRAM_TOP_NS ((1ull << HFT_HISTOGRAM_TOP_LOG2) - 1)

/* The next levels up. */
#define RAISE_LEVEL(value_ns, octave, levels) \
  do {                                        \
    (value_ns) >>= 6 * (levels);              \
    (octave) += 6 * (levels);                 \
  } while (0)

static __always_inline struct octave_bucket bucket_of(u64 value_ns) {
  struct octave_bucket found = {};
  if (value_ns >> 12) {
    if (value_ns > HISTOGRAM_TOP_NS) value_ns = HISTOGRAM_TOP_NS;
    if (value_ns >> 24) RAISE_LEVEL(value_ns, found.octave, 3);
    if (value_ns >> 12) RAISE_LEVEL(value_ns, found.octave, 1);
    if (value_ns >> 12) RAISE_LEVEL(value_ns, found.octave, 1);
  }
  u64 place = value_ns >> 6;
  barrier_var(place); /* else the compiler knows that it is small, and takes out the mask that shows it to the verifier */
  u32 entry = octave_table[place & (HFT_OCTAVE_TABLE_ENTRIES - 1)];
  found.octave += entry & 15;
  found.bucket = (value_ns >> (entry >> 4)) & (HFT_OCTAVE_BUCKETS - 1);
  return found;
}

#endif /* HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_ */
