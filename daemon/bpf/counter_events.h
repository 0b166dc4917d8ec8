/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The memory that the programs and the daemon share for what threads counted: events of the processor's counters, or of the kernel's own,
 * that each CPU has open for itself, read by that CPU. Written by programs that are attached only while a running target asks.
 *
 * Plain C, as switch_events.h. A thread's stretch on a CPU goes from its switch-in to its switch-out; what a CPU's events rose by in the
 * meantime is the thread's. It is added to the thread's sums, which lose nothing, and to its pending span, which becomes a record when it
 * is as long as the interval asked for. Times are CLOCK_MONOTONIC.
 */
#ifndef HFTMON_DAEMON_BPF_COUNTER_EVENTS_H_
#define HFTMON_DAEMON_BPF_COUNTER_EVENTS_H_

#define HFT_THREAD_COUNTERS 8        /* events at once */
#define HFT_COUNTER_SPANS_MAX 2048   /* of a CPU's ring; a power of two, fewer where the host has many CPUs */
#define HFT_COUNTER_SPAN_BYTES 128   /* of hft_counter_span */
#define HFT_COUNTER_SET_MASK 0xffffu /* what a span says of its set's number */

/* Of all CPUs; written by the daemon at any time. */
struct hft_counter_control {
  __u64 interval_ns; /* a span is a record from this length on; the ticks of a CPU read no more often */
};

/* What was read at one moment. */
struct hft_counter_values {
  __u64 mono_ns;
  __u64 enabled_ns; /* of the group that all belong to, as its first event that could be read says */
  __u64 running_ns; /* of that it had counters */
  __u64 counted;    /* a bit for each event that could be read */
  __u64 values[HFT_THREAD_COUNTERS];
};

/* What was added up between two moments. */
struct hft_counter_sum {
  __u64 begin_ns; /* 0: nothing yet */
  __u64 end_ns;
  __u64 on_cpu_ns; /* of that the thread ran and was counted */
  __u64 enabled_ns;
  __u64 running_ns;
  __u64 counted; /* a bit for each event that every reading had */
  __u64 values[HFT_THREAD_COUNTERS];
};

/*
 * Of a CPU. The first line is the daemon's; it changes only while `epoch` is 0, and opening or closing an event interrupts the CPU, so no
 * program is under way there that has seen the line before. The rest is written by the programs on that CPU with interrupts off, so one
 * at a time; by the daemon only while all programs are off.
 */
struct hft_cpu_counters {
  __u32 epoch; /* 0: nothing is counted here. Else another one each time that the events of this CPU are opened */
  __u32 set;   /* number of the set that they belong to */
  __u32 event_count;
  __u32 reserved[13];

  __u64 task;        /* whose stretch goes on, by its address; 0: nobody's who asks */
  __u32 slot;        /* its slot, and that one's generation */
  __u32 generation;  /* by which the slot is known to be the same use still */
  __u32 begun_epoch; /* `epoch` when the stretch began: events opened since then started anew */
  __u32 reserved2;
  __u64 begun_count;               /* counts what is written below: first this one, then what is below, */
  __u64 ended_count;               /* then that: alike, they say that what was copied in between is of one moment */
  struct hft_counter_values last;  /* at the stretch's beginning, or at its last reading since */
  struct hft_counter_values fresh; /* the programs' own: while they read */

  __u64 position;        /* spans ever written: span n stands at n % the ring's size */
  __u64 reading_count;   /* of the events, since the load */
  __u64 failed_count;    /* of those, none could be read, or they stand still: the kernel has lost the events of a CPU that was offline */
  __u64 discarded_count; /* values below the ones before: in no sum */
  __u64 reserved3[4];
} __attribute__((aligned(64)));

/*
 * Of a thread: indexed by slot, written by the program on the thread's CPU alone. What an earlier owner of the slot, or another set, left
 * is not this thread's: its first reading begins anew. The daemon sets the generation to 0, which no slot in use has, before a slot begins
 * to ask.
 */
struct hft_thread_counters {
  __u32 generation; /* the slot's */
  __u32 set;
  __u64 begun_count; /* as in hft_cpu_counters, of all that is below */
  __u64 ended_count;
  struct hft_counter_sum sum;
  struct hft_counter_sum pending; /* of that, what is in no record yet */
  __u64 reading_count;            /* in `sum` */
} __attribute__((aligned(64)));

/* A record. `sequence` is published last: low 32 bits of (its number + 1); 0 while it is written. */
struct hft_counter_span {
  __u32 sequence;
  __u32 tid;
  __u32 tgid;
  __u16 set; /* HFT_COUNTER_SET_MASK of it */
  __u8 counted;
  __u8 reserved;
  __u64 start_ns; /* the thread's, as hft_thread_slot.start_ns */
  __u64 begin_ns;
  __u64 end_ns;
  __u64 on_cpu_ns;
  __u64 enabled_ns;
  __u64 running_ns;
  __u64 values[HFT_THREAD_COUNTERS];
};

/* One per possible CPU, in a mmapable array of their own: the daemon cuts the value behind the spans that are configured. */
struct hft_counter_ring {
  struct hft_counter_span spans[HFT_COUNTER_SPANS_MAX];
};

#ifdef __cplusplus
static_assert(sizeof(hft_counter_span) == HFT_COUNTER_SPAN_BYTES);
static_assert(sizeof(hft_thread_counters) == 256); /* no two threads write to one line */
static_assert(sizeof(hft_cpu_counters) % 64 == 0 && __builtin_offsetof(hft_cpu_counters, task) == 64);
#endif

#endif /* HFTMON_DAEMON_BPF_COUNTER_EVENTS_H_ */
