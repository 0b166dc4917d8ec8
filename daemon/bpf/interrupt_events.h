/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * Interrupts, as programs and daemon share them: what executed above the threads of a CPU, from whom it took time, and for how long.
 *
 * Plain C, included by switch.bpf.c and by C++ after the fixed-width types (see switch_events.h). It lives in two mmapable array maps:
 * `interrupts`, one hft_cpu_interrupts per possible CPU, and `stolen`, one hft_stolen per thread slot.
 *
 * Levels nest: NMI > hard interrupt > softirq > thread. Time is CLOCK_MONOTONIC (bpf_ktime_get_ns), read at the kernel's own entry and exit
 * tracepoints: the processor's way into the kernel and out of it lies outside, and so does what a hypervisor took before the entry.
 * The time of an inner level is the inner one's: `self` time is a handler's duration without what nested in it.
 * A stretch is a time in which its CPU did nothing but interrupts: handlers that follow each other within HFT_STRETCH_GAP_NS are one.
 */
#ifndef HFTMON_DAEMON_BPF_INTERRUPT_EVENTS_H_
#define HFTMON_DAEMON_BPF_INTERRUPT_EVENTS_H_

#include "daemon/bpf/switch_events.h"

#define HFT_INTERRUPTION_LOG_ENTRIES 64 /* interruptions remembered per CPU; a power of two */
#define HFT_INTERRUPTIONS_PER_RECORD 32 /* those that a record tells at most, the newest ones */
#define HFT_INLINE_INTERRUPTIONS 3      /* in the head cell of an hft_interrupted record */
#define HFT_INTERRUPTIONS_PER_CELL 4    /* in each continuation cell */
#define HFT_DEVICE_ROWS 16              /* handlers of device interrupts told apart per CPU; row 0 is "others" */
#define HFT_STRETCH_GAP_NS 1000         /* between two handlers of one stretch at most */
#define HFT_SOFTIRQS 10                 /* the kernel's NR_SOFTIRQS, the same since 2.6.35 */
#define HFT_HANDLER_NAME_LENGTH 16

enum hft_interrupt_level { HFT_LEVEL_SOFTIRQ = 0, HFT_LEVEL_HARD = 1, HFT_LEVEL_NMI = 2, HFT_LEVELS = 3 };

/* What executed. `number` beside it: the interrupt's number (DEVICE) or the vector (the others), 0 for NMI and softirqs. */
enum hft_interrupt_source {
  HFT_SOURCE_NONE = 0,
  HFT_SOURCE_NMI = 1,           /* nmi_handler */
  HFT_SOURCE_DEVICE = 2,        /* irq_handler_entry … exit: one handler of a device's interrupt */
  HFT_SOURCE_LOCAL_TIMER = 3,   /* local_timer_entry … exit */
  HFT_SOURCE_RESCHEDULE = 4,    /* reschedule_entry … exit: an IPI */
  HFT_SOURCE_CALL_FUNCTION = 5, /* call_function[_single]_entry … exit: an IPI; TLB shootdowns among them */
  HFT_SOURCE_IRQ_WORK = 6,      /* irq_work_entry … exit */
  HFT_SOURCE_VECTOR = 7,        /* the rest: platform IPI, thermal, machine check thresholds, APIC errors */
  HFT_SOURCE_SOFTIRQ = 8, /* softirq_entry … exit: 8 + vector (HI, TIMER, NET_TX, NET_RX, BLOCK, IRQ_POLL, TASKLET, SCHED, HRTIMER, RCU) */
  HFT_SOURCES = HFT_SOURCE_SOFTIRQ + HFT_SOFTIRQS
};

/* The programs, by twos: what enters stands at 2k, what leaves at 2k + 1. */
enum hft_interrupt_program {
  HFT_PROGRAM_IRQ = 0,
  HFT_PROGRAM_SOFTIRQ = 2,
  HFT_PROGRAM_LOCAL_TIMER = 4,
  HFT_PROGRAM_RESCHEDULE = 6,
  HFT_PROGRAM_CALL_FUNCTION = 8,
  HFT_PROGRAM_CALL_FUNCTION_SINGLE = 10,
  HFT_PROGRAM_IRQ_WORK = 12,
  HFT_PROGRAM_PLATFORM_IPI = 14,
  HFT_PROGRAM_THERMAL = 16,
  HFT_PROGRAM_THRESHOLD = 18,
  HFT_PROGRAM_DEFERRED_ERROR = 20,
  HFT_PROGRAM_ERROR = 22,
  HFT_PROGRAM_SPURIOUS = 24,
  HFT_PROGRAM_NMI = 26,
  HFT_INTERRUPT_PROGRAMS = 28
};

/* One handler that ran. Inner ones stand before the one they interrupted: the log is in the order of ends. */
struct hft_interruption {
  __u64 start_ns;
  __u32 duration_ns; /* inner levels included; 2^32 - 1 stands for that or more */
  __u16 number;
  __u8 source;    /* enum hft_interrupt_source */
  __u8 level;     /* enum hft_interrupt_level */
  __u8 row;       /* DEVICE: of hft_cpu_interrupts.devices of the CPU; NET_RX: of hft_cpu_network.interfaces, the one polled longest */
  __u8 unhandled; /* DEVICE: 1 when the handler said that the interrupt was not its own (a shared line) */
  __u8 reserved[6];
};

struct hft_source_sum {
  __u64 count;
  __u64 self_ns;
};

/* A handler of a device's interrupt, as this CPU first saw it. Shared lines have a row for each of their handlers. */
struct hft_device_row {
  __u64 action; /* address of its irqaction: the key; 0 = free */
  __u64 count;
  __u64 unhandled_count; /* of these, how often it said that the interrupt was not its own */
  __u64 self_ns;
  __u32 irq;
  __u32 reserved;
  char name[HFT_HANDLER_NAME_LENGTH];
};

struct hft_level_state {
  __u64 start_ns;  /* 0: not in this level */
  __u64 nested_ns; /* of inner levels since then */
  __u16 number;
  __u8 source;
  __u8 row;
  __u32 reserved;
};

/* One CPU. Written by the programs on it, which nest only as the levels do; read by anyone, word by word. */
struct hft_cpu_interrupts {
  __u64 stretch_start_ns; /* of the stretch in progress, else of the last one; 0 before the first */
  __u64 stretch_end_ns;   /* when its outermost handler ended last */
  __u64 stretch_position; /* `position` when it began */
  __u64 stretch_switch;   /* hft_cpu.position then: a stretch does not outlive its thread */
  __u64 position;         /* interruptions ever logged */
  __u32 active;           /* bit per level that is in progress (an NMI is told at its end: never set) */
  __u32 reserved;
  __u64 unpaired_count;  /* ends without a beginning: in no figure */
  __u64 discarded_count; /* ends before their beginning, or with more inner time than their own: counted, in no figure of time */
  struct hft_level_state levels[HFT_LEVELS];
  __u64 steal_ns; /* what the hypervisor took from this CPU since boot, by its own clock (rq.prev_steal_time_rq), as of the last tick */
  __u64 steal_mono_ns; /* when that was read; 0 where the kernel gives no steal clock */
  __u64 reserved2;
  __u64 run_count[HFT_INTERRUPT_PROGRAMS]; /* of each program on this CPU */
  struct hft_source_sum sums[HFT_SOURCES];
  struct hft_device_row devices[HFT_DEVICE_ROWS];
  struct hft_interruption log[HFT_INTERRUPTION_LOG_ENTRIES]; /* entry i stands at i % 64; written after position is taken */
  __u64 reserved3[4];
};

/* What was taken from one watched thread while it was on a CPU, by source: self times. Belongs to the slot's generation. */
struct hft_stolen {
  __u64 self_ns[HFT_SOURCES];
  __u32 count[HFT_SOURCES]; /* modulo 2^32 */
  __u32 generation;
  __u32 reserved;
  __u64 stretch_max_ns;       /* longest stretch since watching began */
  __u64 level_ns[HFT_LEVELS]; /* the sum of self_ns by level: each has one writer */
};

/* A stretch above the threshold, at its end: who was interrupted. The entries follow, newest last; a stretch may be told again, longer. */
struct hft_interrupted {
  struct hft_record_header header;
  __u32 tid;
  __u32 tgid;
  __u64 stretch_start_ns;
  __u64 end_ns;
  __u16 slot;
  __u8 interruption_count; /* here and in the continuation */
  __u8 truncated;          /* 1: older ones of this stretch are not here */
  __u8 reserved[12];
  struct hft_interruption interruptions[HFT_INLINE_INTERRUPTIONS];
};

/* Continues a record: HFT_RECORD_INTERRUPTIONS. */
struct hft_interruptions {
  struct hft_record_header header;
  struct hft_interruption interruptions[HFT_INTERRUPTIONS_PER_CELL];
  __u8 reserved[16];
};

#ifdef __cplusplus
static_assert(sizeof(hft_interruption) == 24);
static_assert(sizeof(hft_interrupted) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_interruptions) == HFT_RECORD_BYTES);
static_assert(sizeof(hft_cpu_interrupts) % 64 == 0);
static_assert(sizeof(hft_stolen) % 64 == 0);
#endif

#endif /* HFTMON_DAEMON_BPF_INTERRUPT_EVENTS_H_ */
