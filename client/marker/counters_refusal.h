/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a program has no counters, in words: what the kernel's errno means here, and what mends it.
 *
 * Reads: /proc/sys/kernel/{perf_event_paranoid,perf_event_mlock_kb,perf_user_access}, /sys/bus/event_source/devices/NAME/rdpmc, and for a
 * missing event whether cycles can be opened. Any thread; system calls. `why` may be NULL in none of them.
 */
#ifndef HFTMON_CLIENT_MARKER_COUNTERS_REFUSAL_H_
#define HFTMON_CLIENT_MARKER_COUNTERS_REFUSAL_H_

#include "client/marker/core_kinds.h"
#include "client/marker/counters_host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* No cause. */
void hftmon_refusal_clear(hftmon_counters_refusal* why);

/* "NAME: REASON: MEND"; without an event (NULL) "counters: ...". */
void hftmon_refusal_say(hftmon_counters_refusal* why, hftmon_counters_cause cause, int error, const hftmon_counter_event* event,
                        const char* reason, const char* mend);

/* The kernel did not open the event. `in_group`: behind a leader, and alone it would open. */
void hftmon_refusal_of_open(const struct hftmon_counters_host* host, const hftmon_counter_event* event, int error, bool in_group,
                            hftmon_counters_refusal* why);
/* It did not map the event's page. */
void hftmon_refusal_of_map(const struct hftmon_counters_host* host, const hftmon_counter_event* event, int error,
                           hftmon_counters_refusal* why);
/* The thread may run on cores of several of these kinds. */
void hftmon_refusal_of_kinds(const struct hftmon_core_kinds* kinds, hftmon_counters_refusal* why);
/* The event is open and its page does not let it be read. `event` NULL: not known which. Says nothing of COUNTING. */
void hftmon_refusal_of_page(const struct hftmon_counters_host* host, const hftmon_counter_event* event, hftmon_counter_page_state state,
                            hftmon_counters_refusal* why);

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_CLIENT_MARKER_COUNTERS_REFUSAL_H_ */
