/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The log-linear histogram layout of every duration histogram, made in the kernel or in user space.
 *
 * Plain C: the BPF programs and the daemon include this one file, so a bucket means the same on both sides.
 * Below 64 ns a bucket is 1 ns wide; above, each octave is cut into 64 equal buckets, so values below 128 ns are exact and every other one
 * is known to within 1/64 of itself: quoted as the bucket's middle it is at most 1/128 (0.78 %) off. Values from 2^36 ns (68.7 s) on fall
 * into the last bucket.
 */
#ifndef HFTMON_COMMON_LOG_LINEAR_LAYOUT_H_
#define HFTMON_COMMON_LOG_LINEAR_LAYOUT_H_

#define HFT_HISTOGRAM_SUB_BITS 6    /* log2 of the buckets per octave */
#define HFT_HISTOGRAM_LINEAR_LOG2 6 /* values below 2^6 ns are cut linearly: they count as one octave, the first */
#define HFT_HISTOGRAM_TOP_LOG2 36   /* values from 2^36 ns on are clamped into the last bucket */
#define HFT_OCTAVE_BUCKETS (1 << HFT_HISTOGRAM_SUB_BITS)
#define HFT_HISTOGRAM_OCTAVES (HFT_HISTOGRAM_TOP_LOG2 - HFT_HISTOGRAM_LINEAR_LOG2 + 1) /* 31 */
#define HFT_HISTOGRAM_BUCKETS (HFT_HISTOGRAM_OCTAVES << HFT_HISTOGRAM_SUB_BITS)        /* 1,984 */

#endif /* HFTMON_COMMON_LOG_LINEAR_LAYOUT_H_ */
