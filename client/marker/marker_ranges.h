/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ranges of a marker file: an array of HFT_MARKER_RANGES_MAX entries, each a seqlock (common/marker_ring_layout.h).
 *
 * By one thread at a time: the caller holds the marker's lock. `ranges` is memory that a store to cannot fail.
 */
#ifndef HFTMON_CLIENT_MARKER_MARKER_RANGES_H_
#define HFTMON_CLIENT_MARKER_MARKER_RANGES_H_

#include <stdint.h>

#include "common/marker_ring_layout.h"

/* A number for the new range, never 0 and not that of one before in its place; 0: all entries are taken. Requires a range that holds and
 * 1 to HFT_MARKER_NAME_BYTES of name. */
uint32_t hftmon_marker_ranges_add(struct hft_marker_range* ranges, const char* name, uint32_t name_bytes, uint64_t address, uint64_t bytes);
/* Nothing where the number is no range's now. */
void hftmon_marker_ranges_remove(struct hft_marker_range* ranges, uint32_t number);

#endif /* HFTMON_CLIENT_MARKER_MARKER_RANGES_H_ */
