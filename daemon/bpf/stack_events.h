/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The memory that the programs and the daemon share for stacks: one ring of records for all CPUs, written only for threads whose slot asks
 * for stacks and only above a threshold; and for each slot the newest copy of its thread's raw user stack, taken as it left its CPU.
 *
 * Plain C, as switch_events.h. A stack belongs to the HFT_RECORD_SWITCH_IN with the same tid and mono_ns.
 */
#ifndef HFTMON_DAEMON_BPF_STACK_EVENTS_H_
#define HFTMON_DAEMON_BPF_STACK_EVENTS_H_

#define HFT_STACK_KERNEL 1u /* hft_wishes.probes: which are asked for */
#define HFT_STACK_USER 2u
#define HFT_STACK_KERNEL_FRAMES 48 /* innermost first; deeper ones are cut off */
#define HFT_STACK_REGISTERS 21 /* x86-64's struct pt_regs: r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss */
#define HFT_STACK_COPY_BYTES 2048 /* of raw user stack, from the stack pointer upwards */
#define HFT_STACK_CELLS 256       /* records that may wait for the daemon; a power of two */
#define HFT_STACK_TIMED_COPIES 64 /* one copy in so many is timed; a power of two */

enum hft_stack_problem {
  HFT_STACK_FINE = 0,
  HFT_STACK_NOT_ASKED = 1,
  HFT_STACK_NO_HELPER = 2,    /* this kernel, or raw tracepoints, cannot walk another task's stack (kernel) or reach its registers (user) */
  HFT_STACK_NO_COPY = 3,      /* its switch-out was not seen, or the slot is above the table of copies */
  HFT_STACK_NOT_RESIDENT = 4, /* the page at the stack pointer was not in memory: a program cannot wait for it */
  HFT_STACK_WALK_FAILED = 5
};

/* `sequence` is index + 1 and written last; 0 while the cell is being written. */
struct hft_stack {
  __u64 sequence;
  __u64 mono_ns;  /* of the switch-in's record */
  __u64 start_ns; /* task->start_boottime of the thread */
  __u32 tid;
  __u32 tgid;
  __u32 record_ns;     /* what taking this record cost on the thread's CPU */
  __u32 copy_ns;       /* what the last timed copy of its user stack cost at a switch-out; 0 before there was one */
  __u16 kernel_depth;  /* frames in kernel[] */
  __u16 user_bytes;    /* bytes in user[] */
  __u8 kernel_problem; /* enum hft_stack_problem */
  __u8 user_problem;
  __u8 reserved[2];
  __u64 kernel[HFT_STACK_KERNEL_FRAMES];
  __u64 registers[HFT_STACK_REGISTERS]; /* user_problem 0 */
  __u8 user[HFT_STACK_COPY_BYTES];
};

struct hft_stack_ring {
  __u64 head; /* cells ever reserved */
  __u64 reserved[7];
  struct hft_stack cells[HFT_STACK_CELLS];
};

/* Indexed by slot. Written at the thread's switch-outs, read at its next switch-in, both by programs. */
struct hft_stack_copy {
  __u64 task;         /* whose */
  __u64 out_clock_ns; /* of which switch-out */
  __u64 count;        /* copies ever made here */
  __u32 copy_ns;
  __u16 bytes;
  __u16 reserved;
  __u8 user[HFT_STACK_COPY_BYTES];
};

#ifdef __cplusplus
static_assert(sizeof(hft_stack) % 8 == 0);
static_assert(sizeof(hft_stack_copy) % 8 == 0);
#endif

#endif /* HFTMON_DAEMON_BPF_STACK_EVENTS_H_ */
