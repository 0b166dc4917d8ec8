/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The memory that the programs and the daemon share for returns of threads from sleeps until a time: one ring for each CPU, of those whose
 * slot asks (HFT_RETURNS). The newest are kept; what is overwritten is known by the ring's head.
 *
 * Plain C, as switch_events.h.
 */
#ifndef HFTMON_DAEMON_BPF_RETURN_EVENTS_H_
#define HFTMON_DAEMON_BPF_RETURN_EVENTS_H_

#include "daemon/bpf/switch_events.h"

#define HFT_RETURN_ENTRIES_MAX 32768 /* of one CPU's ring; a power of two */

/* In the place of a time asked for. */
/* A signal ended the sleep. Where no handler runs for it (stop and continue, a debugger) the kernel sleeps on until the same time, and the
 * return from that is another entry: one sleep of the program is then in both counts. */
#define HFT_RETURN_INTERRUPTED 0ull
#define HFT_RETURN_UNREAD 1ull /* the time was no longer in memory, or cannot be */

/* A return from clock_nanosleep until a time of CLOCK_MONOTONIC, at that time or by a signal; a call that failed otherwise makes none. */
struct hft_timer_return {
  __u32 sequence; /* low 32 bits of (index + 1), written last; 0 while it is being written */
  __u32 tid;
  __u64 start_ns;   /* the slot's: with tid it identifies the thread */
  __u64 wake_at_ns; /* asked for, by the host's CLOCK_MONOTONIC, or HFT_RETURN_… */
  __u64 mono_ns;    /* the end of the system call */
};

/* The map's value: this header, then a power of two of entries. */
struct hft_return_ring {
  __u64 head; /* entries ever reserved */
  __u64 reserved[7];
  struct hft_timer_return entries[HFT_RETURN_ENTRIES_MAX];
};

#ifdef __cplusplus
static_assert(sizeof(hft_timer_return) == 32);
static_assert(__builtin_offsetof(hft_return_ring, entries) == 64);
#endif

#endif /* HFTMON_DAEMON_BPF_RETURN_EVENTS_H_ */
