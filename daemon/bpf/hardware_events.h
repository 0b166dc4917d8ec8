/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The memory that the programs and the daemon share for what the hardware and the hypervisor do to a CPU: readings of its registers, its
 * idle states, changes of its frequency, machine checks. Written by programs that are attached only while a running target asks.
 *
 * Plain C, as switch_events.h. One struct per possible CPU, in the mmapable array map `hardware`. Registers are read by the CPU they
 * belong to, at its own tick and when it goes idle: nothing is sent to it for that. A CPU that does neither has no new reading.
 */
#ifndef HFTMON_DAEMON_BPF_HARDWARE_EVENTS_H_
#define HFTMON_DAEMON_BPF_HARDWARE_EVENTS_H_

#define HFT_HARDWARE_READINGS 128 /* kept per CPU; a power of two */
#define HFT_READING_GAP_NS 500000 /* between two readings of a CPU at least: its timer may fire far more often than it ticks */
#define HFT_IDLE_STATES 16        /* the kernel's CPUIDLE_STATE_MAX is 10; what is above counts as the last */
#define HFT_IDLE_EXIT 0xffffffffu /* PWR_EVENT_EXIT */

/* What is read: events of the msr PMU. They count from the moment they were opened. */
enum hft_hardware_counter {
  HFT_COUNTER_TSC = 0,   /* tells when the others began anew: it never falls */
  HFT_COUNTER_APERF = 1, /* cycles at the frequency that the CPU had */
  HFT_COUNTER_MPERF = 2, /* cycles at its base frequency, in the same time */
  HFT_COUNTER_SMI = 3,   /* system management interrupts */
  HFT_COUNTERS = 4
};
#define HFT_STEAL_KNOWN (1u << HFT_COUNTERS)

/* `sequence` is published last: low 32 bits of (number of the reading + 1); 0 while it is written. */
struct hft_hardware_reading {
  __u32 sequence;
  __u32 known;   /* bit per enum hft_hardware_counter, HFT_STEAL_KNOWN */
  __u64 mono_ns; /* after the values */
  __u64 values[HFT_COUNTERS];
  __u64 steal_ns; /* hft_cpu_interrupts.steal_ns then */
  __u64 begin_ns; /* before the values: both CLOCK_MONOTONIC */
};

struct hft_idle_row {
  __u64 count; /* times it was left */
  __u64 duration_ns;
  __u64 longest_ns;
};

/* Of a CPU. Written by programs on it, except the frequency, which the CPU that changes it writes. */
struct hft_cpu_hardware {
  __u64 position; /* readings ever taken since the programs were attached */
  __u64 last_reading_ns;
  __u64 tick_count; /* run counts, kept for ever: ticks, */
  __u64 idle_event_count;
  __u64 frequency_event_count; /* of this CPU's frequency, */
  __u64 machine_check_count;   /* of this CPU's machine checks */
  __u64 idle_since_ns;
  __u32 idle_state; /* 1 + the state that it is in; 0: none, or its beginning was not seen */
  __u32 reserved;
  __u64 idle_unpaired_count;    /* ends without a beginning: in no row */
  __u64 frequency_change_count; /* since the programs were attached */
  __u32 frequency_khz;          /* the last one; 0: no change was seen */
  __u32 frequency_lowest_khz;
  __u64 check_count; /* machine checks since the programs were attached; the last one's bank, MCi_STATUS, and when it was told */
  __u64 check_status;
  __u64 check_mono_ns;
  __u32 check_bank;
  __u32 reserved2;
  struct hft_idle_row idle[HFT_IDLE_STATES];
  struct hft_hardware_reading readings[HFT_HARDWARE_READINGS]; /* reading n stands at n % 128 */
} __attribute__((aligned(64)));

#ifdef __cplusplus
static_assert(sizeof(hft_hardware_reading) == 64);
static_assert(sizeof(hft_cpu_hardware) % 64 == 0);
#endif

#endif /* HFTMON_DAEMON_BPF_HARDWARE_EVENTS_H_ */
