/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The marker file of the running process: made whole without a name, then linked, so that no reader sees half of it.
 *
 * Any thread; no state of its own. Functions return 0 and leave nothing behind, or an errno.
 */
#ifndef HFTMON_CLIENT_MARKER_MARKER_FILE_H_
#define HFTMON_CLIENT_MARKER_MARKER_FILE_H_

#include <stdint.h>

#include "common/marker_ring_layout.h"

#define HFTMON_MARKER_NUMBERS 256u /* of files of one pid */
#define HFTMON_MARKER_PATH_BYTES 256u

struct hftmon_marker_bounds {
  uint32_t thread_max;
  uint32_t record_max;
  uint32_t operation_max;
};

struct hftmon_marker_file {
  char path[HFTMON_MARKER_PATH_BYTES];
  int fd;                           /* keeps the owner's lock */
  uint64_t bytes;                   /* of the mapping: the header is not asked, whatever became of the file */
  struct hft_marker_header* header; /* the whole file, mapped shared, not inherited by a fork */
};

/* Requires bounds that hold. ENAMETOOLONG: the directory's name. Others: see hftmon_marker_create. */
int hftmon_marker_file_create(const char* directory, const struct hftmon_marker_bounds* bounds, struct hftmon_marker_file* out);
/* Removes the file's name where it still is this file, and unmaps it. */
void hftmon_marker_file_close(struct hftmon_marker_file* file);
/* Reserves and touches the memory of `bytes` from `at` on: no later store there can fail or fault. */
int hftmon_marker_file_reserve(const struct hftmon_marker_file* file, uint64_t at, uint64_t bytes);

#endif /* HFTMON_CLIENT_MARKER_MARKER_FILE_H_ */
