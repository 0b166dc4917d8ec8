/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The kernel's side of common/log_linear_layout.h, without a logarithm: BPF has no count-leading-zeros, and two searches for the highest
 * bit cost 20 ns a switch.
 *
 * Octaves repeat: v, for 2^(6+6k) <= v < 2^(12+6k), is as many octaves above v >> 6k as 6k says, and in the same bucket of its octave. So
 * one table of the octaves below 4096 (hft_cpu.octave_table: one cache line) and a shift serve all levels.
 */
#ifndef HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_
#define HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_

/* A bucket in the units of what it is used for: each multiplication that a switch need not do. */
struct octave_bucket {
  u32 octave_offset; /* 4 * the octave: bytes into hft_thread_slot.pages, below 4 * HFT_HISTOGRAM_OCTAVES */
  u32 count_offset;  /* 4 * the bucket of the octave: bytes into hft_histogram_page.counts */
};

/* The last value of the last bucket, in which all above it are counted too. */
#define HISTOGRAM_TOP_NS ((1ull << HFT_HISTOGRAM_TOP_LOG2) - 1)

/* The next levels up. */
#define RAISE_LEVEL(value_ns, octave_offset, levels) \
  do {                                               \
    (value_ns) >>= 6 * (levels);                     \
    (octave_offset) += 4 * 6 * (levels);             \
  } while (0)

static __always_inline struct octave_bucket bucket_of(struct hft_cpu *cpu_state, u64 value_ns) {
  struct octave_bucket found = {};
  if (value_ns >> 12) {
    if (value_ns > HISTOGRAM_TOP_NS) value_ns = HISTOGRAM_TOP_NS;
    if (value_ns >> 24) RAISE_LEVEL(value_ns, found.octave_offset, 3);
    if (value_ns >> 12) RAISE_LEVEL(value_ns, found.octave_offset, 1);
    if (value_ns >> 12) RAISE_LEVEL(value_ns, found.octave_offset, 1);
  }
  u64 place = value_ns >> 6;
  barrier_var(place);     /* else the compiler knows that it is small, and takes out the mask that shows it to the verifier */
  barrier_var(cpu_state); /* else it is kept twice */
  u32 entry = cpu_state->octave_table[place & (HFT_OCTAVE_TABLE_ENTRIES - 1)];
  found.octave_offset += entry & HFT_OCTAVE_TABLE_OFFSET;
  found.count_offset = ((value_ns >> (entry >> HFT_OCTAVE_TABLE_SHIFT)) & (HFT_OCTAVE_BUCKETS - 1)) * 4;
  return found;
}

#endif /* HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_ */
