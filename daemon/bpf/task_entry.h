/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/* What the task iterator writes for each thread. The includer provides the fixed-width types, as for switch_events.h. */
#ifndef HFTMON_DAEMON_BPF_TASK_ENTRY_H_
#define HFTMON_DAEMON_BPF_TASK_ENTRY_H_

struct hft_task_entry {
  __u32 tid;
  __u32 tgid;
  __u32 parent_tgid;
  __u16 kernel_thread;     /* 1: PF_KTHREAD */
  __u16 register_offset;   /* of its saved registers from task->stack; 0 where the kernel cannot tell */
  __u64 start_ns;          /* task->start_boottime */
  __u64 voluntary_count;   /* task->nvcsw */
  __u64 involuntary_count; /* task->nivcsw */
  __u64 run_delay_ns;      /* task->sched_info.run_delay */
  char comm[16];
  __u32 running_cpu; /* 1 + the CPU it is on; 0 when on none */
  __u16 last_cpu;    /* the one that it is on, or ran on last */
  __u8 asleep;       /* 1: it sleeps, is blocked or stopped: on no CPU and no queue, and not about to be woken */
  __u8 call_state;   /* enum hft_call_state: NO_REGISTERS: at most the number; what follows of a thread that is asleep */
  __s32 syscall;     /* the system call that it sleeps in; -1: in none, or not known; HFT_STOPPED */
  __u32 reserved;
  __u64 arguments[3]; /* HFT_CALL_KNOWN: the call's first three */
  __u64 mono_ns;      /* when all this was read, CLOCK_MONOTONIC */
};

#endif /* HFTMON_DAEMON_BPF_TASK_ENTRY_H_ */
