/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The memory that the programs and the daemon share for page faults and flushes of the TLB: for each slot what its thread had of them, and
 * a record of each fault above the threshold. Written only for threads whose slot asks for it (HFT_MEMORY), by programs that are attached
 * only while somebody asks.
 *
 * Plain C, as switch_events.h. A fault lasts from the kernel's entry (exceptions:page_fault_user, page_fault_kernel) to where the kernel
 * counts it as minor or major (its software events minor-faults and major-faults), which it does when the page is there: waiting for the
 * lock of the address space, for memory and for the disk are in it, the processor's way in and out is not. Faults that the kernel handles
 * for a thread without a trap (mlock, direct I/O) are none.
 */
#ifndef HFTMON_DAEMON_BPF_MEMORY_EVENTS_H_
#define HFTMON_DAEMON_BPF_MEMORY_EVENTS_H_

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

struct hft_fault_row {
  __u64 count;
  __u64 duration_ns;
  __u64 off_cpu_ns; /* of that, off the CPU: blocked for the page or the lock, or waiting for a CPU */
  __u64 longest_ns;
};

/* A fault in progress: what stood in the slot and in hft_stolen when it began. */
struct hft_fault_begin {
  __u64 start_ns; /* CLOCK_MONOTONIC; 0: none in progress */
  __u64 address;
  __u64 off_cpu_ns;
  __u64 off_cpu_count;
  __u64 run_delay_ns;
  __u64 interrupted_ns[HFT_LEVELS];
};

/*
 * Indexed by slot, written by its thread alone. What an earlier owner of the slot left is not this thread's: the first event of another
 * generation begins anew. The daemon sets the generation to 0, which no slot in use has, before a slot begins to ask.
 */
struct hft_thread_memory {
  __u32 generation; /* the slot's */
  __u32 reserved;
  struct hft_fault_begin begin[HFT_FAULT_MODES]; /* the kernel may fault while it handles a fault */
  struct hft_fault_row faults[HFT_FAULT_KINDS];
  __u64 unended_count; /* faults that the kernel did not count: ended by a signal, an error, or an attempt that may not wait: in no row */
  __u64 tlb_flush_count[HFT_TLB_REASONS]; /* that flushed anything: a switch to an address space that the TLB still knows does not */
  __u64 tlb_full_count;                   /* of remote shootdowns, those of the whole TLB */
} __attribute__((aligned(64)));

/*
 * HFT_RECORD_FAULT: a fault above the run-queue threshold, at its end. What interrupted it follows (HFT_RECORD_INTERRUPTIONS) when the
 * thread was on this CPU all the time; else only interrupted_ns is known.
 */
struct hft_fault {
  struct hft_record_header header;
  __u32 tid;
  __u32 tgid;
  __u64 start_ns;
  __u64 end_ns;
  __u64 address;
  __u64 off_cpu_ns;
  __u64 wait_ns;                    /* run-queue wait, part of off_cpu_ns */
  __u64 interrupted_ns[HFT_LEVELS]; /* by level, while it was on a CPU */
  __u16 slot;
  __u8 kind;   /* enum hft_fault_kind */
  __u8 on_cpu; /* 1: the thread did not leave its CPU: interruptions are told */
  __u8 interruption_count;
  __u8 interruptions_truncated;
  __u8 reserved[34];
};

#ifdef __cplusplus
static_assert(sizeof(hft_fault) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_thread_memory) % 64 == 0); /* no two threads write to one line */
#endif

#endif /* HFTMON_DAEMON_BPF_MEMORY_EVENTS_H_ */
