/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The memory that the programs and the daemon share for blocking system calls: for each slot what its thread blocked in, summed by call,
 * and how it left its CPU last. Written only for threads whose slot asks for it (HFT_CALLS), without any system-call hook: from the
 * registers that the thread entered the kernel with, as it leaves its CPU.
 *
 * Plain C, as switch_events.h.
 */
#ifndef HFTMON_DAEMON_BPF_CALL_EVENTS_H_
#define HFTMON_DAEMON_BPF_CALL_EVENTS_H_

#include "daemon/bpf/switch_events.h"

#define HFT_CALL_ROWS 16 /* calls of one thread that are told apart; a power of two */

enum hft_call_state {
  HFT_CALL_NONE = 0,         /* it left in no system call */
  HFT_CALL_KNOWN = 1,        /* its arguments are known */
  HFT_CALL_NO_REGISTERS = 2, /* this kernel, or this machine, does not give a thread's registers to programs: only the number is known */
  HFT_CALL_STATES = 3
};

/* How the owner of a lock that was waited for is known. */
enum hft_owner_source {
  HFT_OWNER_UNKNOWN = 0,
  HFT_OWNER_PI_WORD = 1,   /* the futex word of a lock with priority inheritance: the kernel's own protocol */
  HFT_OWNER_LOCK_WORD = 2, /* the futex word holds the waiters' bit and the number of a live thread of the process (a robust mutex) */
  HFT_OWNER_GLIBC =
      3, /* the word says "contended" and the one 8 bytes on is the number of a live thread of the process (pthread_mutex_t) */
  HFT_OWNER_SOURCES = 4
};

/* What the owner did at that moment. */
enum hft_owner_state {
  HFT_OWNER_STATE_UNKNOWN = 0, /* it is not watched, or was not seen on a CPU yet */
  HFT_OWNER_RUNNING = 1,
  HFT_OWNER_RUNNABLE = 2, /* it waited for a CPU */
  HFT_OWNER_BLOCKED = 3,  /* it blocked itself, in owner_syscall */
  HFT_OWNER_STATES = 4
};

/* How a thread left its CPU to block: taken at that moment. */
struct hft_blocked_call {
  __u64 out_clock_ns;  /* of which switch-out: as in the switch-in that ends it */
  __u64 arguments[3];  /* the call's first three, where `state` says so; a file descriptor is told as it was passed */
  __u32 futex_word;    /* where futex_command is not HFT_NO_FUTEX: the word that it waits on, arguments[0] is its address */
  __u32 owner_tid;     /* owner_source says how it is known; 0: it is not */
  __s32 owner_syscall; /* owner_state HFT_OWNER_BLOCKED: what the owner blocked in, -1: in none */
  __u8 state;          /* enum hft_call_state */
  __u8 futex_command;  /* FUTEX_WAIT and so on, without flags */
  __u8 owner_source;   /* enum hft_owner_source */
  __u8 owner_state;    /* enum hft_owner_state */
  __u64 wake_at_ns;    /* clock_nanosleep until a time of CLOCK_MONOTONIC: that time; else 0 */
  __u8 owner_priority; /* where owner_state is known: kernel priority 0 … 139 without what it inherits; 255 for SCHED_DEADLINE */
  __u8 owner_policy;   /* SCHED_* */
  __u8 reserved[6];
};

#define HFT_NO_FUTEX 255 /* no futex is waited for, or its word is not in memory */

/* HFT_RECORD_CALL: stands in the ring before the switch-in that ended the wait. */
struct hft_call {
  struct hft_record_header header;
  __u32 tid;
  __u32 tgid;
  struct hft_blocked_call call;
  __u16 slot;
  __u16 reserved[3];
  __u8 reserved2[32];
};

/* One call of one thread, while its slot asks: waits that began and ended under watch. */
struct hft_call_row {
  __u64 count;      /* waits in it that ended; 0: a free row */
  __u64 blocked_ns; /* switch-out to being put on a queue again: off-CPU time less run-queue wait */
  __u64 wait_ns;    /* run-queue wait that followed */
  __u64 longest_ns; /* longest off-CPU interval, both parts */
  __s32 syscall;
  __s32 longest_descriptor; /* the first argument of the longest: of a call on a file its descriptor */
};

/*
 * Indexed by slot. What an earlier owner of the slot left is not this thread's: the first call of another generation begins anew. The
 * daemon sets the generation to 0, which no slot in use has, before a slot begins to ask.
 */
struct hft_thread_calls {
  __u32 generation; /* the slot's */
  __u32 recent_row; /* of the last call that was counted */
  struct hft_blocked_call last;
  struct hft_call_row rows[HFT_CALL_ROWS];
  struct hft_call_row others; /* calls that found no row; its syscall means nothing */
};

#ifdef __cplusplus
static_assert(sizeof(hft_call) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_thread_calls) % 8 == 0);
#endif

#endif /* HFTMON_DAEMON_BPF_CALL_EVENTS_H_ */
