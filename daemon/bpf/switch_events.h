/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The memory that the scheduler programs and the daemon share: records, rings, thread slots, CPU logs, controls.
 *
 * Plain C, included by switch.bpf.c and by C++. The includer provides the kernel's fixed-width types (__u8 … __u64):
 * <linux/types.h> in user space, kernel_types.bpf.h in BPF. All of it lives in BPF_F_MMAPABLE maps (or .bss), so user space
 * reads and writes it with plain loads and stores. Words shared with the kernel are naturally aligned and accessed whole.
 *
 * Clocks: `clock_ns` fields are the run queue's clock (rq->clock, the scheduler's own), `mono_ns` is bpf_ktime_get_ns()
 * (CLOCK_MONOTONIC). An interval is computed within one of them, never across.
 * Pids: `tid` is the thread (task->pid), `tgid` the process, both in the init pid namespace.
 */
#ifndef HFTMON_DAEMON_BPF_SWITCH_EVENTS_H_
#define HFTMON_DAEMON_BPF_SWITCH_EVENTS_H_

#include "common/log_linear_layout.h"

#define HFT_COMM_LENGTH 16
#define HFT_RECORD_BYTES 128
#define HFT_INLINE_RUNNERS 2        /* runners that fit in a switch-in or migration record */
#define HFT_RUNNERS_PER_CELL 7      /* runners in each continuation record */
#define HFT_CPU_LOG_ENTRIES 64      /* switches remembered per CPU; a power of two */
#define HFT_RECENT_SLOTS 8          /* slots remembered per CPU; a power of two */
#define HFT_DEPTH_BUCKETS 32        /* run-queue depth 0 … 30, then 31 and above */
#define HFT_OCTAVE_TABLE_ENTRIES 64 /* see hft_cpu.octave_table */
#define HFT_OCTAVE_TABLE_OFFSET 0x1c
#define HFT_OCTAVE_TABLE_SHIFT 5
#define HFT_OCTAVE_ENTRIES 32 /* entries of a slot's table of pages for each histogram: HFT_HISTOGRAM_OCTAVES, rounded up */
#define HFT_PAGE_BITS 16      /* a page's number fits in so many bits */
#define HFT_PAGES (1 << HFT_PAGE_BITS)
#define HFT_NO_PAGE 0            /* page 0 is never given out: it means "no page" */
#define HFT_CPUS_MAX 1024        /* possible CPUs of the largest host */
#define HFT_PID_LIMIT (1u << 22) /* PID_MAX_LIMIT of 64-bit kernels */
#define HFT_SLOTS_MAX 65536      /* a slot's number is a __u16 */
#define HFT_NO_SLOT 0            /* slot 0 is never given out: it means "no slot" */
#define HFT_RULE_NAMES_MAX 256   /* names that exec is compared with */
#define HFT_AUDIT_NAMES 64       /* names of visitors kept per CPU; a power of two */
#define HFT_NO_THRESHOLD (~0ull) /* a threshold that nothing exceeds */
#define HFT_CALLS 4u             /* hft_wishes.probes: what it blocks in, see call_events.h */
#define HFT_MEMORY 8u            /* its page faults, reclaims and TLB flushes, see kernel_time_events.h */
#define HFT_KERNEL_LOCKS 16u     /* the locks of the kernel that it waits for, see there */
#define HFT_NETWORK 32u          /* the packets that it reads, see network_events.h */
#define HFT_BLOCKED 64u          /* its sleeps while they last: the daemon looks for them, no program does */
#define HFT_RETURNS 128u         /* its returns from sleeps until a time, see return_events.h */
#define HFT_COUNTING 256u        /* events of the processor's counters or of the kernel's, see counter_events.h */

/* Why a thread left its CPU. From its saved registers, never from `preempt` alone. */
enum hft_switch_kind {
  HFT_SWITCH_UNKNOWN = 0,           /* not seen leaving since it is watched, stopped (HFT_STOPPED), or its registers cannot be had */
  HFT_SWITCH_BLOCKED_SYSCALL = 1,   /* voluntary, inside the system call `syscall` */
  HFT_SWITCH_BLOCKED_FAULT = 2,     /* voluntary, not inside a system call: a page fault or other exception */
  HFT_SWITCH_YIELD = 3,             /* sched_yield */
  HFT_SWITCH_USER_PREEMPTION = 4,   /* involuntary, on the way back to user mode */
  HFT_SWITCH_KERNEL_PREEMPTION = 5, /* involuntary, inside the kernel */
  HFT_SWITCH_FORCED_MIGRATION = 6,  /* pushed off by the CPU's stopper thread (migration/N) */
  HFT_SWITCH_EXIT = 7,              /* its last switch */
  HFT_SWITCH_KINDS = 8
};

/* Why the kernel moved a thread to another CPU, inferred in sched_migrate_task. */
enum hft_migration_reason {
  HFT_MIGRATION_UNKNOWN = 0,
  HFT_MIGRATION_WAKE_UP = 1,  /* placed elsewhere while waking */
  HFT_MIGRATION_AFFINITY = 2, /* its old CPU is no longer in its mask */
  HFT_MIGRATION_BALANCE = 3,  /* pulled or pushed by load balancing (fair), or by RT/deadline push and pull */
  HFT_MIGRATION_EXEC = 4,     /* placed elsewhere by exec */
  HFT_MIGRATION_REASONS = 5
};

enum hft_record_type {
  HFT_RECORD_NONE = 0,
  HFT_RECORD_SWITCH_IN = 1,     /* hft_switch_in: a watched thread got its CPU back after a wait above a threshold */
  HFT_RECORD_RUNNERS = 2,       /* hft_runners: continues the record before it in the same ring */
  HFT_RECORD_MIGRATION = 3,     /* hft_migration: a watched thread changed CPU */
  HFT_RECORD_FORK = 4,          /* hft_life: a watched process made a thread or a child */
  HFT_RECORD_EXEC = 5,          /* hft_life: a watched process, or any while there are rules, runs another program */
  HFT_RECORD_ENDED = 6,         /* hft_life: a watched thread's last switch; its slot is final and may be released */
  HFT_RECORD_RECYCLED = 7,      /* hft_life: an unwatched process was born under a watched, dead tgid; its bit is cleared */
  HFT_RECORD_INTERRUPTED = 8,   /* hft_interrupted: interrupts took a watched thread's CPU for longer than the threshold */
  HFT_RECORD_INTERRUPTIONS = 9, /* hft_interruptions: continues the record before it in the same ring */
  HFT_RECORD_PREEMPTED = 10,    /* hft_preempted: a watched thread lost its CPU although it could run on */
  HFT_RECORD_VISITOR = 11,      /* hft_life: a thread of an unwatched process was switched in on an audited CPU */
  HFT_RECORD_WAKER = 12,        /* hft_waker: somebody wakes a watched thread whose slot asks who */
  HFT_RECORD_CALL = 13,         /* hft_call: what the wait began in whose switch-in follows, of a thread whose slot asks */
  HFT_RECORD_KERNEL_TIME = 14,  /* hft_kernel_time: a page fault, a wait for a lock of the kernel … longer than the threshold */
  HFT_RECORD_BOOST = 15,        /* hft_boost: a watched thread's priority changes because of who waits for it */
  HFT_RECORD_TYPES = 16
};

/* Where a wake-up comes from: a thread, or 1 + the interrupt level (enum hft_interrupt_level). */
enum hft_waker_context { HFT_WAKER_THREAD = 0, HFT_WAKER_SOFTIRQ = 1, HFT_WAKER_HARD_IRQ = 2, HFT_WAKER_NMI = 3, HFT_WAKER_CONTEXTS = 4 };

/* One entry of the log of who ran: `tid` has run since `clock_ns`, until the next entry's clock. tid 0 is idle. */
struct hft_runner {
  __u64 clock_ns;
  __u32 tid;
  __u32 tgid;
};

/* Opens every record. `sequence` is published last: low 32 bits of (cell index + 1); 0 while the cell is being written. */
struct hft_record_header {
  __u32 sequence;
  __u8 type;         /* enum hft_record_type */
  __u8 continuation; /* number of HFT_RECORD_RUNNERS cells that follow directly in this ring */
  __u16 cpu;         /* the ring's CPU */
  __u64 mono_ns;     /* taken after the cell was reserved: records of one CPU are in the order of mono_ns unless nested */
};

/* How a thread left its CPU, and what became of it since: one word, copied whole. */
#define HFT_STOPPED (-2) /* in the place of a system call: stopped by a signal, or by a debugger */
struct hft_departure {
  __u16 cpu;
  __u8 kind;            /* enum hft_switch_kind */
  __u8 wait_migrations; /* times it was moved while waiting: that many hft_migration records belong to the wait */
  __s32 syscall;        /* number of the system call it left in, -1 when in none, or HFT_STOPPED */
} __attribute__((aligned(8)));

/*
 * A wait that ended. For the wait's part on this CPU, runners[] (and the continuation) is the log of who ran, oldest first,
 * beginning with the runner that was on the CPU when the wait began; the last runner ends at in_clock_ns.
 */
struct hft_switch_in {
  struct hft_record_header header;
  __u32 tid;
  __u32 tgid;
  __u64 in_clock_ns;
  __u64 out_clock_ns;    /* on out.cpu's run queue clock; 0 when the switch-out was not seen */
  __u64 queued_clock_ns; /* sched_info.last_queued: when it was put on this CPU's queue */
  __u64 wait_ns;         /* run delay of this wait, over all CPUs it waited on */
  struct hft_departure out;
  __u16 slot;
  __u8 depth;                   /* run-queue depth at switch-in, this thread included, clamped to 255 */
  __u8 runners_truncated;       /* 1: the log wrapped before the wait's beginning */
  __u8 runner_count;            /* runners here and in the continuation, oldest first */
  __u8 priority;                /* kernel priority 0 … 139 (below 100: real time) of this thread */
  __u8 prev_priority;           /* the same of the thread that ran last */
  __u8 policy;                  /* scheduling policy (SCHED_*) of this thread, and */
  __u8 prev_policy;             /* of the thread that ran last */
  __u8 interruption_count;      /* that ran on this CPU during the wait: in the continuation, behind the runners */
  __u8 interruptions_truncated; /* 1: older ones of this wait are not here */
  __u8 reserved;
  __u32 voluntary_count;           /* the slot's, modulo 2^32: with out_clock_ns it says which hft_waker belongs to the wait */
  char prev_comm[HFT_COMM_LENGTH]; /* name of the last runner of the log; empty when another one ran last, unseen */
  struct hft_runner runners[HFT_INLINE_RUNNERS];
};

struct hft_runners {
  struct hft_record_header header;
  struct hft_runner runners[HFT_RUNNERS_PER_CELL];
};

/*
 * A move. When `queued` is 1 the thread was waiting on from_cpu: wait_ns is that part of its wait, ended at from_clock_ns (from_cpu's
 * clock), and runners[] tells who ran on from_cpu meanwhile. The ring is that of the CPU that did the move.
 */
struct hft_migration {
  struct hft_record_header header;
  __u32 tid;
  __u32 tgid;
  __u64 from_clock_ns;
  __u64 wait_ns;
  __u16 slot;
  __u16 from_cpu;
  __u16 to_cpu;
  __u8 reason; /* enum hft_migration_reason */
  __u8 queued;
  __u8 runners_truncated;
  __u8 runner_count;
  __u8 reserved[6];
  char from_comm[HFT_COMM_LENGTH]; /* of the thread running on from_cpu at the move, if it is known; else empty */
  __u8 reserved2[24];
  struct hft_runner runners[HFT_INLINE_RUNNERS];
};

/*
 * A watched thread lost its CPU to another although it could run on: the beginning of a wait, told at once so that a wait that still lasts
 * can be seen. Its end is a switch-in; that of a short wait is told to nobody.
 */
struct hft_preempted {
  struct hft_record_header header;
  __u32 tid;
  __u32 tgid;
  __u64 out_clock_ns;         /* as in the switch-in that ends the wait */
  __u64 next_queued_clock_ns; /* when the preemptor was put on this CPU's queue: just now when its wake-up preempted; 0 unknown */
  __u32 next_tid;
  __u32 next_tgid;
  __u16 slot;
  __u8 kind; /* enum hft_switch_kind */
  __u8 priority;
  __u8 policy;
  __u8 next_priority;
  __u8 next_policy;
  __u8 depth;        /* run-queue depth at the switch-out, both threads included, clamped to 255 */
  __u8 next_stopper; /* 1: the preemptor is the CPU's stopper thread */
  __u8 reserved[7];
  char next_comm[HFT_COMM_LENGTH];
  __u64 log_position; /* hft_cpu.position after this switch: who runs from now on stands from log_position - 1 on */
  __u8 reserved2[40];
};

/*
 * A watched thread is being woken. Written by the waker's CPU, whose ring it is in, before the thread is put on any queue: so before the
 * switch-in that it belongs to. When the thread leaves its CPU at this very moment its switch-out is not noted yet: out_clock_ns is 0, and
 * voluntary_count that of the switch-out before, or of this one. Such a record may also be of a thread that never slept.
 */
struct hft_waker {
  struct hft_record_header header; /* cpu: the waker's; mono_ns: the time of the wake-up */
  __u32 tid;                       /* who is woken */
  __u32 tgid;
  __u64 out_clock_ns; /* its switch-out, as in the switch-in that follows */
  __u64 log_position; /* hft_cpu.position of wait_cpu now: who runs there stands at log_position - 1 */
  __u32 waker_tid;    /* the thread that runs on this CPU: the waker, or whom the interrupt interrupted */
  __u32 waker_tgid;
  __u32 voluntary_count; /* of the slot, modulo 2^32 */
  __u16 slot;
  __u16 wait_cpu; /* where it left; a HFT_RECORD_MIGRATION that follows tells when the wake-up places it elsewhere */
  __u16 number;   /* as source, row: of the handler, as in hft_interruption */
  __u8 context;   /* enum hft_waker_context */
  __u8 source;    /* enum hft_interrupt_source; NONE: a thread, or a vector without a tracepoint */
  __u8 row;
  __u8 priority; /* kernel priority of who is woken, and its policy */
  __u8 policy;
  __u8 waker_priority;
  __u8 waker_policy;
  __u8 reserved[7];
  char waker_comm[HFT_COMM_LENGTH];
  __u8 reserved2[40];
};

/*
 * Priority inheritance: the kernel gives a watched thread the priority of the most urgent one that waits for its locks, or its own again.
 * Written on the CPU of whoever makes it change.
 */
struct hft_boost {
  struct hft_record_header header;
  __u32 tid; /* whose priority changes */
  __u32 tgid;
  __u32 donor_tid; /* who waits for it and is most urgent; 0: nobody any more */
  __u32 donor_tgid;
  __u16 slot;
  __u8 old_priority; /* kernel priority 0 … 139; 255 for SCHED_DEADLINE */
  __u8 new_priority;
  __u8 own_priority; /* without what it inherits */
  __u8 policy;       /* SCHED_*, its own */
  __u8 reserved[2];
  char donor_comm[HFT_COMM_LENGTH];
  __u8 reserved2[72];
};

/* FORK: tid/tgid/slot are the child's. EXEC: previous_tid is the tid before exec (differs when a non-leader execs). */
struct hft_life {
  struct hft_record_header header;
  __u32 tid;
  __u32 tgid;
  __u32 parent_tid;    /* FORK */
  __u32 parent_tgid;   /* FORK */
  __u32 previous_tid;  /* EXEC */
  __u16 slot;          /* HFT_NO_SLOT when the table was full (counted in slots_exhausted) */
  __u16 process_ended; /* ENDED: 1 when no thread of the process is alive any more */
  __u64 start_ns;      /* task->start_boottime of tid's task */
  char comm[HFT_COMM_LENGTH];
  __u8 reserved[64];
};

/* One CPU's ring. Reserve: fetch-add on head. The map's value is this header followed by a power of two of 128-byte cells. */
struct hft_ring_header {
  __u64 head;         /* cells ever reserved */
  __u64 reserved[15]; /* keeps the cells 128-byte aligned, and head on lines of its own */
};

/* One CPU. `position` counts the switches ever seen here: it is also the exact run count of the switch program, runs that found it off left
 * out. */
struct hft_cpu {
  __u64 position;
  __u64 run_queue;    /* the address of its rq; 0 before its first switch, while it is audited, and while the programs are off */
  __u64 noted_queue;  /* the same, also while it is audited */
  __u32 cpu;          /* its number */
  __u16 watched_slot; /* slot of the watched thread that was switched in last */
  __u16 audited;      /* the daemon's: 1: who is switched in here and is not watched is noted in hft_audit */
  __u16 recent[HFT_RECENT_SLOTS]; /* slots of watched threads that ran here, by tid; believed only if the slot's mark agrees */
  __u64 run_queue_threshold_ns;   /* a wait above this makes a record: as the controls', or lower */
  __u64 off_cpu_threshold_ns;     /* likewise of times off-CPU. All that a switch needs, but its log entry, is on the line that ends here */
  __u64 log_begin;                /* entries before this one are not believed: what ran after them is not known */
  __u64 fork_count;               /* run counts of the other programs on this CPU */
  __u64 exec_count;
  __u64 migrate_count;
  __u64 waking_count;
  __u64 user_fault_count;
  __u64 kernel_fault_count;
  __u64 minor_fault_count;
  /*
   * Written before the programs are attached; every CPU has its own, because it is then where the switch is anyway. Of the durations
   * [64 * index, 64 * index + 63] ns: in the bits HFT_OCTAVE_TABLE_OFFSET four times the octave, from bit HFT_OCTAVE_TABLE_SHIFT on the
   * log2 of its buckets' width.
   */
  __u8 octave_table[HFT_OCTAVE_TABLE_ENTRIES];
  __u64 major_fault_count; /* run counts too */
  __u64 tlb_flush_count;
  __u64 reclaim_begin_count;
  __u64 reclaim_end_count;
  __u64 group_reclaim_begin_count;
  __u64 group_reclaim_end_count;
  __u64 compaction_begin_count;
  __u64 compaction_end_count;
  __u64 contention_begin_count;
  __u64 contention_end_count;
  __u64 migration_begin_count;
  __u64 migration_end_count;
  __u64 collapse_count;
  __u64 cross_call_count;
  __u64 cross_call_entry_count;
  __u64 boost_count;
  __u64 return_count;
  __u64 counted_switch_count;
  __u64 counted_tick_count;
  __u64 reserved[5];                          /* keeps the log's entries on lines of their own */
  struct hft_runner log[HFT_CPU_LOG_ENTRIES]; /* entry i of the count stands at i % 64; written before position */
};

/* A name to be found at exec: task->comm as two words, padded with zeroes. */
struct hft_rule_name {
  __u64 words[2];
};

/* Threads of one name that were switched in on an audited CPU while their processes were not watched. */
struct hft_visits {
  __u64 name[2]; /* task->comm; both 0: a free entry */
  __u64 count;
  __u32 tid; /* the last one */
  __u32 tgid;
  __u64 announced_clock_ns; /* when the last HFT_RECORD_VISITOR was written, and */
  __u32 announced_tid;      /* of whom */
  __u32 reserved;
};

/* One CPU's visitors. Written by the programs on that CPU alone; the daemon zeroes it before it sets hft_cpu.audited. */
struct hft_audit {
  __u64 unnamed_count;      /* visits that found no place in the table */
  __u64 announced_clock_ns; /* of the CPU's last record: at most one a millisecond */
  struct hft_visits visits[HFT_AUDIT_NAMES];
};

/* What the daemon wants of a thread beyond its counts: one word, copied whole. A new thread has its parent's. */
struct hft_wishes {
  __u32 probes; /* HFT_STACK_KERNEL, HFT_STACK_USER of stack_events.h, HFT_CALLS … HFT_COUNTING */
  __u32 waker;  /* 1: each wake-up of it makes an hft_waker */
} __attribute__((aligned(8)));

enum hft_slot_state {
  HFT_SLOT_FREE = 0,
  HFT_SLOT_LIVE = 1,
  HFT_SLOT_ENDED = 2 /* final; the daemon releases it */
};

/* Longest intervals since the daemon last took them: it leaves 0. A program that read the old value may write its own after that. */
struct hft_maxima {
  __u64 run_queue_ns;
  __u64 off_cpu_ns;
};

enum hft_histogram {
  HFT_RUN_QUEUE = 0, /* run-queue latencies */
  HFT_OFF_CPU = 1,   /* off-CPU times */
  HFT_HISTOGRAMS = 2
};

/* One octave of one thread's histogram: counts of its buckets, modulo 2^32. */
struct hft_histogram_page {
  __u32 counts[HFT_OCTAVE_BUCKETS];
} __attribute__((aligned(64)));

/*
 * In .bss: the pages of all slots. Free ones are a stack: `head` is the number of the first (HFT_NO_PAGE: none is left) and, above its
 * HFT_PAGE_BITS, a count of all changes; next[page] is the one below. A page is zero when it is free. Programs take pages, the daemon gives
 * them back with the slot, after its grace time.
 */
struct hft_histogram_pool {
  struct hft_histogram_page pages[HFT_PAGES];
  __u64 head;
  __u64 given_count;    /* pages taken since the load */
  __u64 returned_count; /* and given back: the difference is in use */
  __u64 reserved[5];
  __u16 next[HFT_PAGES];
};

/*
 * One watched thread. The kernel's own counts are copied at each of its switches, so after its last switch they equal
 * /proc/PID/task/TID/{status,schedstat} to the last digit. Writers: the switch program of the CPU the thread is on (one at
 * a time, ordered by the run queue's lock); identity and base_* before the slot is published in slot_of_tid. The daemon zeroes a slot
 * before it gives it back to the free stack.
 */
struct hft_thread_slot {
  __u32 state; /* enum hft_slot_state */
  __u32 tid;
  __u32 tgid;
  __u32 generation; /* grows with each use of the slot; kept when the slot is zeroed. exec by a non-leader keeps it while tid changes */
  __u64 start_ns;   /* task->start_boottime: with tid it identifies the thread for ever */
  __u64 base_voluntary_count; /* the kernel's counts when watching began; 0 for a thread born under watch */
  __u64 base_involuntary_count;
  __u64 base_run_delay_ns;
  __u64 migration_count; /* since watching began */
  __u64 discarded_count; /* intervals with end before start: not in any figure */

  __u64 task;              /* address of the task, its mark: a tid may change hands (exec). 0 until first seen, and when ENDED */
  __u64 voluntary_count;   /* task->nvcsw */
  __u64 involuntary_count; /* task->nivcsw */
  __u64 run_delay_ns;      /* task->sched_info.run_delay, the wait that just ended included */
  __u64 off_cpu_ns;        /* sum of off-CPU intervals since watching began */
  __u64 off_cpu_count;
  __u64 out_clock_ns;         /* switch-out in progress: 0 while it runs or if never seen leaving */
  __u64 segment_run_delay_ns; /* run delay at the end of the last part of the wait in progress */

  struct hft_departure out;           /* the last one */
  struct hft_wishes wishes;           /* set by the daemon */
  __u32 kind_count[HFT_SWITCH_KINDS]; /* switch-outs by enum hft_switch_kind, modulo 2^32: all that a switch-out writes is above */
  struct hft_maxima maxima;
  __u32 depth[HFT_DEPTH_BUCKETS];       /* run-queue depth at switch-in, modulo 2^32 */
  __u32 unbinned_count[HFT_HISTOGRAMS]; /* durations that found no page: in every sum and maximum, in no bucket; modulo 2^32 */
  __u32 reserved3[14];
  /* Of the pool; HFT_NO_PAGE until the thread has a value there. Both histograms of an octave together: the usual ones are one line. */
  __u16 pages[HFT_OCTAVE_ENTRIES][HFT_HISTOGRAMS];
};

/* In .bss: what the daemon sets (may change while running) and what the programs count when something did not fit. */
struct hft_controls {
  /* Written with every CPU's (StoreThresholds), which are what a switch looks at; here programs see only whether there is one. */
  __u64 run_queue_threshold_ns; /* a wait above this is a spike: the loop tells of it while it goes on */
  __u64 off_cpu_threshold_ns;   /* an off-CPU interval above this, likewise */
  __u32 follow_children;        /* 1: children of a watched process are watched (their bit is set in the fork hook) */
  __u32 off;                    /* 1: every program returns at its first test (see switch.bpf.c) */
  __u32 rules_active;           /* 1: an exec of any process makes a record */
  __u32 rule_name_count;        /* of rule_names: a process that execs under one of them is watched at once */
  __u64 reserved[4];
  __u64 slots_exhausted;    /* threads of watched processes that got no slot */
  __u64 pid_too_large;      /* threads with a tid above the table's size: not watched */
  __u64 unslotted_switches; /* switches of watched processes' threads that have no slot */
  __u64 recycled_pids;      /* dead watched tgids that an unwatched process got: their bits were cleared */
  __u64 foreign_switches;   /* switches of a thread whose slot belongs to another task (exec by a non-leader): in no histogram */
  __u64 unseen_switch_ins;  /* times a watched thread left its CPU without having been seen coming: in no histogram */
  __u64 unbinned_durations; /* durations in no histogram because every page of the pool was in use */
  __u64 reserved2[1];
};

#ifdef __cplusplus
static_assert(sizeof(hft_switch_in) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_runners) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_migration) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_life) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_preempted) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_waker) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_boost) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_ring_header) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_thread_slot) == 512);
static_assert(__builtin_offsetof(hft_thread_slot, task) == 64 && __builtin_offsetof(hft_thread_slot, depth) == 192);
static_assert(HFT_HISTOGRAM_OCTAVES <= HFT_OCTAVE_ENTRIES);
static_assert(sizeof(hft_histogram_page) == 256);
static_assert(sizeof(hft_cpu) % 64 == 0);
static_assert(__builtin_offsetof(hft_cpu, log_begin) == 64);
#endif

#endif /* HFTMON_DAEMON_BPF_SWITCH_EVENTS_H_ */
