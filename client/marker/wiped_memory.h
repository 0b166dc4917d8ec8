/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is zeros, and zeros again in a forked child: how the child's copy of a handle is none. A leaf; any thread. */
#ifndef HFTMON_CLIENT_MARKER_WIPED_MEMORY_H_
#define HFTMON_CLIENT_MARKER_WIPED_MEMORY_H_

#include <stddef.h>

/* Anonymous, in whole pages, touched. NULL and errno. munmap gives it back. */
void* hftmon_wiped_memory(size_t bytes);

#endif /* HFTMON_CLIENT_MARKER_WIPED_MEMORY_H_ */
