/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What opening counters asks of the host: a seam, so that a test can be a host with counters, without them, or that forbids them.
 *
 * Any thread; an implementation holds nothing but what is in `context`.
 */
#ifndef HFTMON_CLIENT_MARKER_COUNTERS_HOST_H_
#define HFTMON_CLIENT_MARKER_COUNTERS_HOST_H_

#include <linux/perf_event.h>
#include <sched.h>
#include <stddef.h>

#include "client/marker/hftmon_counters.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hftmon_counters_host {
  void* context; /* handed to each of the calls */
  /* Of the calling thread on every CPU; `group`: its leader's descriptor, or -1. A descriptor, or minus errno. */
  int (*open_event)(void* context, const struct perf_event_attr* attributes, int group);
  /* Switches the leader's group on. 0, or an errno. */
  int (*enable)(void* context, int leader);
  /* The event's page, to be read. 0, or an errno. It stays when the descriptor is closed, and the event with it. */
  int (*map_page)(void* context, int descriptor, const struct perf_event_mmap_page** page);
  void (*unmap_page)(void* context, const struct perf_event_mmap_page* page);
  void (*close_event)(void* context, int descriptor);
  /* Where the calling thread may run. 0, or an errno. */
  int (*allowed_cpus)(void* context, cpu_set_t* cpus);
  const char* root; /* before /sys and /proc */
};

/* The kernel's. Lives as long as the program. */
const struct hftmon_counters_host* hftmon_counters_system(void); /* NOLINT(modernize-redundant-void-arg): C wants it */

/* hftmon_counters_open on a host. It outlives the handle. */
hftmon_counters* hftmon_counters_open_on(const struct hftmon_counters_host* host, const hftmon_counter_event* events, uint32_t count,
                                         hftmon_counters_refusal* why);

#define HFTMON_HOST_FILE_BYTES 256u

/* The first bytes of root + path, without the newline at the end, and a closing zero. 0, or an errno. */
int hftmon_host_read_file(const struct hftmon_counters_host* host, const char* path, char text[HFTMON_HOST_FILE_BYTES]);
/* The file's number; `absent` where there is none. */
int hftmon_host_read_number(const struct hftmon_counters_host* host, const char* path, int absent);

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_CLIENT_MARKER_COUNTERS_HOST_H_ */
