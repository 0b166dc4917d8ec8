/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The memory that the programs and the daemon share for work that interrupts put off: softirqs from raise to run and to its end, work of
 * workqueues, tasklets, interrupts' threads; and for how long handlers of device interrupts ran. Written by programs that are attached only
 * while a running target asks.
 *
 * Plain C, as switch_events.h. In mmapable array maps: `deferred`, one hft_cpu_deferred per possible CPU; `deferred_works` and
 * `deferred_workers`, tables of times of begun waits and runs; `irq_threads`, one row for each thread of an interrupt;
 * `irq_threads_waiting`, how many of these wait; `softirqs_running`, one hft_softirq_cpus for each softirq. Times are CLOCK_MONOTONIC
 * (bpf_ktime_get_ns), read at the kernel's tracepoints.
 */
#ifndef HFTMON_DAEMON_BPF_DEFERRED_EVENTS_H_
#define HFTMON_DAEMON_BPF_DEFERRED_EVENTS_H_

#define HFT_DEFERRED_SOFTIRQS 10      /* HFT_SOFTIRQS */
#define HFT_OVERLAP_SOFTIRQS 0x7du    /* HI, NET_TX, NET_RX, BLOCK, IRQ_POLL, TASKLET: whose runs beside other CPUs' are counted */
#define HFT_DELAY_BUCKETS 128         /* see hft_delay */
#define HFT_DELAY_FIRST_OCTAVE 7      /* below 128 ns is one bucket */
#define HFT_DELAY_TOP_NS (1ull << 38) /* from here on is the last one */
#define HFT_WORK_ROWS 64              /* functions of works told apart per CPU; row 0 is "others" */
#define HFT_TASKLET_ROWS 16           /* of tasklets; row 0 is "others" */
#define HFT_HANDLER_ROWS 16           /* handlers of device interrupts told apart per CPU; row 0 is "others" */
#define HFT_IRQ_THREAD_ROWS 64        /* threads of interrupts, of the host; those beyond are counted */
#define HFT_IRQ_THREAD_NAME_LENGTH 16

/*
 * Waits or runs that have begun: a table of words, each a time and whose it is. HFT_BEGUN_TIME_BITS of the time: one that lasts 2^40 ns
 * (18 minutes) or longer is told too short by a multiple of that. A word has two places it may be in, n and n ^ 1.
 */
#define HFT_BEGUN_WORKS 8192   /* queued, and not yet begun to run */
#define HFT_BEGUN_WORKERS 2048 /* running a work */
#define HFT_BEGUN_TIME_BITS 40

/* In the order of enum hft_deferred_program. */
enum hft_deferred_program {
  HFT_DEFERRED_SOFTIRQ_RAISE = 0,  /* softirq_raise */
  HFT_DEFERRED_SOFTIRQ_BEGIN = 1,  /* softirq_entry */
  HFT_DEFERRED_WORK_QUEUED = 2,    /* workqueue_queue_work */
  HFT_DEFERRED_WORK_BEGIN = 3,     /* workqueue_execute_start */
  HFT_DEFERRED_WORK_END = 4,       /* workqueue_execute_end */
  HFT_DEFERRED_TASKLET_BEGIN = 5,  /* tasklet_entry */
  HFT_DEFERRED_TASKLET_END = 6,    /* tasklet_exit */
  HFT_DEFERRED_HANDLER_END = 7,    /* irq_handler_exit */
  HFT_DEFERRED_THREAD_RUNS = 8,    /* sched_switch */
  HFT_DEFERRED_SOFTIRQ_END = 9,    /* softirq_exit */
  HFT_DEFERRED_HANDLER_BEGIN = 10, /* irq_handler_entry */
  HFT_DEFERRED_PROGRAMS = 11
};

/*
 * Delays, or durations, by length: bucket 0 is what is below 128 ns, then four buckets of equal width to each power of two; the last one in
 * use has what is longer than 275 s. Counts are modulo 2^32.
 */
struct hft_delay {
  __u64 count;
  __u64 sum_ns;
  __u64 longest_ns;
  __u32 buckets[HFT_DELAY_BUCKETS];
};

struct hft_softirq_delay {
  __u64 raise_count; /* raises, those of a softirq that is pending already among them */
  __u64 run_count;
  /* Runs without a raise of their own that was seen: it came after the kernel had taken the pending ones, and was taken for one of the run
   * before. */
  __u64 unraised_count;
  __u64 raised_ns;         /* the first raise since the last run; 0: none */
  struct hft_delay delay;  /* from that raise to the run */
  __u64 started_ns;        /* the run in progress began then, and is among those of hft_softirq_cpus; 0: none that was seen to begin */
  __u64 interrupts_before; /* hard interrupts of the CPU until then, by hft_cpu_interrupts.sums */
  __u64 interrupted_count; /* hard interrupts within the runs of `duration` */
  __u64 overlapped_count;  /* runs that began while the same softirq ran on another CPU */
  /* Runs from their beginning to their end, with the interrupts that came within. An end whose beginning was not seen is in none. */
  struct hft_delay duration;
};

/* On a cache line of its own: written by every CPU. */
struct hft_softirq_cpus {
  __u64 count; /* CPUs that run the softirq; for a moment below 0 where what had begun was forgotten meanwhile */
  __u64 reserved[7];
};

struct hft_work_row {
  __u64 function; /* its address; 0: a free row, and of row 0 always */
  __u64 begin_count;
  __u64 delay_count; /* of those, whose queueing was seen */
  __u64 delay_ns;
  __u64 delay_longest_ns;
  __u64 end_count; /* that ended here, whose beginning was seen */
  __u64 duration_ns;
  __u64 duration_longest_ns;
};

struct hft_tasklet_row {
  __u64 function;
  __u64 count;
  __u64 duration_ns;
  __u64 longest_ns;
};

/* A handler of a device's interrupt, as this CPU first saw it end. A shared line has a row for each of its handlers. */
struct hft_handler_row {
  __u64 action; /* address of its irqaction, with irq the key; 0: a free row, and of row 0 always */
  __u32 irq;
  __u32 reserved;
  char name[HFT_IRQ_THREAD_NAME_LENGTH]; /* irqaction.name */
  struct hft_delay duration;             /* NMIs that came within are in it */
};

/* Of a CPU; written by programs on it. */
struct hft_cpu_deferred {
  __u64 run_count[HFT_DEFERRED_PROGRAMS]; /* kept for ever */
  __u64 queued_count;                     /* works that were queued from this CPU */
  __u64 displaced_count;                  /* of those, which took the place of another one, whose delay is not known then */
  __u64 unended_count;                    /* works that began here in the place of another one, whose end is in no row then */
  __u64 tasklet_start_ns;                 /* 0: none is in progress */
  __u64 handler_start_ns;                 /* of the handler in progress; 0: none that was seen to begin */
  __u64 handler_action;                   /* whose */
  __u64 unlisted_thread_count;            /* interrupts whose thread found no row */
  __u64 scratch[HFT_DEFERRED_PROGRAMS];   /* of the programs alone */
  struct hft_delay work_delay;            /* of all works that began here */
  struct hft_softirq_delay softirqs[HFT_DEFERRED_SOFTIRQS];
  struct hft_work_row works[HFT_WORK_ROWS];
  struct hft_tasklet_row tasklets[HFT_TASKLET_ROWS];
  struct hft_handler_row handlers[HFT_HANDLER_ROWS];
} __attribute__((aligned(64)));

/* The thread of an interrupt's handler. Written by whichever CPU has the interrupt, or switches to the thread. */
struct hft_irq_thread {
  __u32 tid; /* 0: a free row */
  __u32 irq;
  char name[HFT_IRQ_THREAD_NAME_LENGTH]; /* irqaction.name */
  __u64 wake_count;                      /* interrupts whose handler left the rest to the thread */
  __u64 running_count;                   /* of those, at which it had its CPU already: no wait */
  __u64 waiting_count;                   /* of those, at which it waited already: no wait of their own */
  __u64 woken_ns;                        /* it waits since; 0: it does not */
  __u64 delay_count;                     /* waits that ended */
  __u64 delay_ns;
  __u64 delay_longest_ns;
};

#ifdef __cplusplus
static_assert(sizeof(hft_delay) % 8 == 0);
static_assert(sizeof(hft_work_row) == 64);
static_assert(sizeof(hft_cpu_deferred) % 64 == 0);
static_assert(sizeof(hft_irq_thread) % 8 == 0);
static_assert(sizeof(hft_softirq_cpus) == 64);
static_assert(sizeof(hft_handler_row) % 8 == 0);
#endif

#endif /* HFTMON_DAEMON_BPF_DEFERRED_EVENTS_H_ */
