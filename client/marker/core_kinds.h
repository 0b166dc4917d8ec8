/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processors whose cores are of several kinds, each with a PMU of its own (x86 hybrids, Arm big.LITTLE), and which of them a thread stays
 * on.
 *
 * Reads: /sys/bus/event_source/devices/NAME/{cpus,type}; a PMU of cores has `cpus`, others have `cpumask`. Any thread; reads files.
 */
#ifndef HFTMON_CLIENT_MARKER_CORE_KINDS_H_
#define HFTMON_CLIENT_MARKER_CORE_KINDS_H_

#include <stdint.h>

#include "client/marker/counters_host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HFTMON_CORE_KINDS_MAX 8u
#define HFTMON_CORE_KIND_NAME_BYTES 64u

struct hftmon_core_kind {
  char name[HFTMON_CORE_KIND_NAME_BYTES]; /* the PMU's */
  char cpus[HFTMON_HOST_FILE_BYTES];      /* as the kernel writes them: "0-7,16" */
  uint32_t type;                          /* the PMU's number */
};

struct hftmon_core_kinds {
  struct hftmon_core_kind kinds[HFTMON_CORE_KINDS_MAX];
  uint32_t count; /* 0 also on an x86 processor whose cores are alike */
};

/* Those of this host; more than HFTMON_CORE_KINDS_MAX are left out. */
void hftmon_core_kinds_read(const struct hftmon_counters_host* host, struct hftmon_core_kinds* out);

/* The kind that all CPUs where the calling thread may run are of; NULL: there is no such kind, or the kernel does not tell the CPUs. */
const struct hftmon_core_kind* hftmon_core_kind_of_thread(const struct hftmon_counters_host* host, const struct hftmon_core_kinds* kinds);

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_CLIENT_MARKER_CORE_KINDS_H_ */
