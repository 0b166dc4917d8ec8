/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The kernel's side of common/log_linear_layout.h. */
#ifndef HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_
#define HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_

/* Floor of log2 for 2^6 <= value < 2^36: BPF has no count-leading-zeros. */
static __always_inline u32 log2_floor(u64 value) {
  u32 result = 0;
  if (value >> 32) { value >>= 32; result += 32; }
  if (value >> 16) { value >>= 16; result += 16; }
  if (value >> 8) { value >>= 8; result += 8; }
  if (value >> 4) { value >>= 4; result += 4; }
  if (value >> 2) { value >>= 2; result += 2; }
  if (value >> 1) result += 1;
  return result;
}

static __always_inline u32 histogram_bucket(u64 value_ns) {
  if (value_ns < (1u << HFT_HISTOGRAM_LINEAR_LOG2)) return value_ns >> (HFT_HISTOGRAM_LINEAR_LOG2 - HFT_HISTOGRAM_SUB_BITS);
  if (value_ns >> HFT_HISTOGRAM_TOP_LOG2) return HFT_HISTOGRAM_BUCKETS - 1;
  u32 octave = log2_floor(value_ns);
  u32 sub = (value_ns >> (octave - HFT_HISTOGRAM_SUB_BITS)) & ((1 << HFT_HISTOGRAM_SUB_BITS) - 1);
  return ((octave - HFT_HISTOGRAM_LINEAR_LOG2 + 1) << HFT_HISTOGRAM_SUB_BITS) + sub;
}

#endif /* HFTMON_DAEMON_BPF_LOG_LINEAR_BPF_H_ */
