/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * What the kernel did in a watched thread's own time, as programs and daemon share it: page faults, flushes of the TLB, contended locks of
 * the kernel, direct reclaim and compaction. For each slot what its thread had of them, and a record of each that was longer than the
 * threshold. Written only for threads whose slot asks for it (HFT_MEMORY, HFT_KERNEL_LOCKS), by programs that are attached only while
 * somebody asks.
 *
 * Plain C, as switch_events.h. A fault lasts from the kernel's entry (exceptions:page_fault_user, page_fault_kernel) to where the kernel
 * counts it as minor or major (its software events minor-faults and major-faults), which it does when the page is there: waiting for the
 * lock of the address space, for memory and for the disk are in it, the processor's way in and out is not. Faults that the kernel handles
 * for a thread without a trap (mlock, direct I/O) are none.
 * The others are stalls: from one tracepoint to its fellow, within a fault or a system call. They nest, a lock within a reclaim within a
 * fault; a stall's own time is what is left without the ones within it.
 */
#ifndef HFTMON_DAEMON_BPF_KERNEL_TIME_EVENTS_H_
#define HFTMON_DAEMON_BPF_KERNEL_TIME_EVENTS_H_

#include "daemon/bpf/interrupt_events.h"
#include "daemon/bpf/switch_events.h"

#define HFT_TLB_REASONS 8 /* the kernel has 5 to 6; what is above counts as the last */
#define HFT_FAULT_MODES 2 /* of the thread at the fault: 0 its own code, 1 the kernel */

/* Where the thread was, and as what the kernel counts it: major when the page had to be read. */
enum hft_fault_kind {
  HFT_FAULT_USER_MINOR = 0,
  HFT_FAULT_USER_MAJOR = 1,
  HFT_FAULT_KERNEL_MINOR = 2, /* the kernel touched the thread's memory in a system call */
  HFT_FAULT_KERNEL_MAJOR = 3,
  HFT_FAULT_KINDS = 4
};

/* Reasons of a flush, the kernel's enum tlb_flush_reason. */
enum hft_tlb_reason {
  HFT_TLB_TASK_SWITCH = 0,
  HFT_TLB_REMOTE_SHOOTDOWN = 1, /* another CPU's, by IPI */
  HFT_TLB_LOCAL_SHOOTDOWN = 2,
  HFT_TLB_LOCAL_MM_SHOOTDOWN = 3,
  HFT_TLB_REMOTE_SEND_IPI = 4, /* this thread sends them */
  HFT_TLB_REMOTE_WRONG_CPU = 5 /* Linux 6.14: an IPI that came to a CPU which had left the address space */
};

/* What holds a thread up in the kernel, the innermost first: of what nests, the time is the lower one's. */
enum hft_stall {
  HFT_STALL_SPINNING_LOCK = 0, /* contention_begin … end of a lock that spins; its inner locks are a part of it */
  HFT_STALL_SLEEPING_LOCK = 1, /* the same of one that may sleep */
  HFT_STALL_COMPACTION = 2,    /* mm_compaction_begin … end: pages are moved to make room for a large one */
  HFT_STALL_RECLAIM = 3,       /* mm_vmscan_direct_reclaim_begin … end, mm_vmscan_memcg_reclaim_begin … end: memory is looked for */
  HFT_STALL_MIGRATION = 4,     /* mm_migrate_pages_start … mm_migrate_pages: pages are moved; within the two above, or by itself */
  HFT_STALLS = 5
};
#define HFT_ARRAY_STALLS 4 /* those below this number have a place in a record's arrays */

/* Why pages are moved, the kernel's enum migrate_reason; what is above counts as the last. */
#define HFT_PAGE_MOVE_REASONS 16

/* Threads that had a watched one's CPU flush its TLB, told apart by thread and kernel stack. */
#define HFT_SENDER_ROWS 16
#define HFT_SENDER_STACK_FRAMES 32
#define HFT_SENDER_STACKS 1024 /* stacks of the host's senders that are kept; one that would take another's place is not */

struct hft_shootdown_sender {
  __u64 count;      /* 0: a free row */
  __u64 full_count; /* of the whole TLB */
  __u32 tid;
  __u32 tgid;
  __s32 stack; /* key in the map sender_stacks; negative: none, its place there is another's */
  __u32 reserved;
  char comm[HFT_COMM_LENGTH]; /* at the first one */
};

/* Locks of the kernel, by what its flags of contention_begin say. */
enum hft_lock_type {
  HFT_LOCK_SPIN = 0,
  HFT_LOCK_RWLOCK = 1,
  HFT_LOCK_MUTEX = 2,
  HFT_LOCK_RWSEM = 3,
  HFT_LOCK_RT_MUTEX = 4, /* with PREEMPT_RT nearly all */
  HFT_LOCK_PERCPU_RWSEM = 5,
  HFT_LOCK_OTHER = 6, /* a semaphore */
  HFT_LOCK_TYPES = 7
};
#define HFT_LOCK_FOR_READING 1u /* hft_kernel_time.lock_flags: as a reader, among others */
#define HFT_LOCK_FOR_WRITING 2u

/* What a record is of. */
enum hft_kernel_what {
  HFT_KERNEL_FAULT = 0,
  HFT_KERNEL_LOCK = 1,
  HFT_KERNEL_COMPACTION = 2,
  HFT_KERNEL_RECLAIM = 3,
  HFT_KERNEL_MIGRATION = 4,
  HFT_KERNEL_WHATS = 5
};

struct hft_kernel_sum {
  __u64 count;
  __u64 duration_ns;
  __u64 off_cpu_ns; /* of that, off the CPU: blocked for the page, the lock or the disk, or waiting for a CPU */
  __u64 longest_ns;
};

/* One in progress: what stood in the slot, in hft_stolen and in the stalls' sums when it began. */
struct hft_kernel_begin {
  __u64 start_ns; /* CLOCK_MONOTONIC; 0: none in progress */
  __u64 object;   /* the address that was touched, or the lock's */
  __u64 off_cpu_ns;
  __u64 off_cpu_count;
  __u64 run_delay_ns;
  __u64 interrupted_ns[HFT_LEVELS];
  __u64 stall_ns[HFT_STALLS];
  __u64 stall_off_cpu_ns[HFT_STALLS];
  __u32 owner_tid; /* of a lock: who held it; 0 not known */
  __u32 owner_tgid;
  __u8 lock_type;
  __u8 lock_flags;
  __u8 reserved[6];
};

/*
 * Indexed by slot, written by its thread alone. What an earlier owner of the slot left is not this thread's: the first event of another
 * generation begins anew. The daemon sets the generation to 0, which no slot in use has, before a slot begins to ask for any of it, and
 * the start_ns of what is in progress before it asks for more.
 */
struct hft_thread_kernel {
  __u32 generation; /* the slot's */
  __u32 reserved;
  struct hft_kernel_begin faults_begun[HFT_FAULT_MODES]; /* the kernel may fault while it handles a fault */
  struct hft_kernel_begin stalls_begun[HFT_STALLS];
  __u64 stall_ns[HFT_STALLS];         /* own time on a CPU, interrupts left out */
  __u64 stall_off_cpu_ns[HFT_STALLS]; /* own time off it */
  struct hft_kernel_sum faults[HFT_FAULT_KINDS];
  struct hft_kernel_sum locks[HFT_LOCK_TYPES];
  struct hft_kernel_sum compaction;
  struct hft_kernel_sum reclaim;
  __u64 unended_count; /* faults that the kernel did not count: ended by a signal, an error, or an attempt that may not wait: in no row */
  __u64 unended_stall_count[HFT_STALLS];  /* whose end was not seen: in no row */
  __u64 tlb_flush_count[HFT_TLB_REASONS]; /* that flushed anything: a switch to an address space that the TLB still knows does not */
  __u64 tlb_full_count;                   /* of remote shootdowns, those of the whole TLB */
  struct hft_kernel_sum migration;
  __u64 moved_page_count; /* of migration: pages that were moved, and */
  __u64 unmoved_page_count;
  __u64 migration_reason_count[HFT_PAGE_MOVE_REASONS];
  __u64 collapse_count; /* huge pages that the thread made of small ones, and */
  __u64 failed_collapse_count;
  __u64 other_sender_count;   /* remote shootdowns whose sender found no row, and */
  __u64 unknown_sender_count; /* whose sender is not known */
  struct hft_shootdown_sender senders[HFT_SENDER_ROWS];
} __attribute__((aligned(64)));

/*
 * Indexed by the slot of a process's first thread: huge pages that others made of its small ones. Written by whoever makes them, mostly
 * khugepaged: one at a time per address space. Another generation's is not this process's.
 */
struct hft_process_collapses {
  __u32 generation; /* the slot's */
  __u32 reserved;
  __u64 count;
  __u64 failed_count;
  __u64 last_ns; /* CLOCK_MONOTONIC, of either */
};

#define HFT_SHOOTDOWN_LOG_ENTRIES 64 /* a power of two */

/* A remote shootdown whose sender is known, that interrupted a thread which asks. */
struct hft_arrived_shootdown {
  __u64 start_ns; /* of the handler that it was in, as in hft_interruption; written last, 0 while the entry is written */
  __u32 tid;      /* the sender */
  __u32 tgid;
  char comm[HFT_COMM_LENGTH];
};

/* One CPU's last ones, written by that CPU alone. */
struct hft_cpu_shootdowns {
  __u64 position; /* ever logged */
  __u64 reserved[7];
  struct hft_arrived_shootdown log[HFT_SHOOTDOWN_LOG_ENTRIES]; /* entry i stands at i % 64 */
};

/*
 * HFT_RECORD_KERNEL_TIME: one above the run-queue threshold, at its end. What interrupted it follows (HFT_RECORD_INTERRUPTIONS) when the
 * thread was on this CPU all the time; else only interrupted_ns is known. Of 32 bits: 2^32 - 1 stands for that or more.
 */
struct hft_kernel_time {
  struct hft_record_header header;
  __u32 tid;
  __u32 tgid;
  __u64 start_ns;
  __u64 end_ns;
  __u64 object; /* the address that was touched, or the lock's */
  __u64 off_cpu_ns;
  __u64 wait_ns;                            /* run-queue wait, part of off_cpu_ns */
  __u32 interrupted_ns[HFT_LEVELS];         /* by level, while it was on a CPU */
  __u32 stall_ns[HFT_ARRAY_STALLS];         /* own times of the stalls within it, on a CPU, and */
  __u32 stall_off_cpu_ns[HFT_ARRAY_STALLS]; /* off it */
  union {
    __u32 owner_tid;    /* of a lock: who held it when the wait began; 0 not known */
    __u32 migration_ns; /* of the others: as stall_ns, and */
  };
  union {
    __u32 owner_tgid;
    __u32 migration_off_cpu_ns; /* as stall_off_cpu_ns */
  };
  __u16 slot;
  __u8 what; /* enum hft_kernel_what */
  __u8 kind; /* enum hft_fault_kind, or hft_lock_type */
  __u8 lock_flags;
  __u8 on_cpu; /* 1: the thread did not leave its CPU: interruptions are told */
  __u8 interruption_count;
  __u8 interruptions_truncated;
  __u8 reserved[4];
};

#ifdef __cplusplus
static_assert(sizeof(hft_kernel_time) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_cpu_shootdowns) % 64 == 0);
static_assert(sizeof(hft_thread_kernel) % 64 == 0); /* no two threads write to one line */
#endif

#endif /* HFTMON_DAEMON_BPF_KERNEL_TIME_EVENTS_H_ */
