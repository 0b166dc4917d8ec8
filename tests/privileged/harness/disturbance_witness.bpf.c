/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * What one process does to one CPU: inter-processor interrupts that its threads send there, wake-ups of threads that wait there, and times
 * that it runs there itself. IRQ work of the CPU is counted whoever queued it. What an interrupt or a softirq does that hits the process
 * while it runs (the kernel balances load from there, timers wake their waiters) is nothing that the process did: IPIs of it are counted
 * apart.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct thread_info {
  __u32 cpu;
} __attribute__((preserve_access_index));

struct task_struct {
  struct thread_info thread_info;
  int tgid;
} __attribute__((preserve_access_index));

struct cpumask {
  unsigned long bits[1];
} __attribute__((preserve_access_index));

/* Written by the owner before it attaches, and when it likes. */
__u32 process = 0;
__u32 cpu = 0;

__u64 ipi_count = 0;
__u64 ipi_from_interrupt_count = 0;
__u64 wake_count = 0;
__u64 run_count = 0;
__u64 irq_work_count = 0;

static bool by_process(void) {
  return bpf_get_current_pid_tgid() >> 32 == process;
}

/* By CPU: the interrupts and softirqs that run there. */
#define CPUS_MAX 1024
__u8 in_timer[CPUS_MAX];
__u8 in_handler[CPUS_MAX];
__u8 in_softirq[CPUS_MAX];

static __u32 this_cpu(void) {
  return bpf_get_smp_processor_id() & (CPUS_MAX - 1);
}

static bool interrupted(void) {
  __u32 here = this_cpu();
  return in_timer[here] || in_handler[here] || in_softirq[here];
}

#define MARK(tracepoint, flag, value)     \
  SEC("tp_btf/" #tracepoint)              \
  int mark_##tracepoint(__u64* context) { \
    flag[this_cpu()] = value;             \
    return 0;                             \
  }

MARK(local_timer_entry, in_timer, 1)
MARK(local_timer_exit, in_timer, 0)
MARK(irq_handler_entry, in_handler, 1)
MARK(irq_handler_exit, in_handler, 0)
MARK(softirq_entry, in_softirq, 1)
MARK(softirq_exit, in_softirq, 0)

/* Whence the first ones of ipi_count came: kernel addresses, innermost first, 0 behind the last. */
#define ORIGINS_MAX 8
#define FRAMES_MAX 16
__u64 ipi_origins[ORIGINS_MAX][FRAMES_MAX];

static void count_ipi(void* context) {
  if (interrupted()) {
    __sync_fetch_and_add(&ipi_from_interrupt_count, 1);
    return;
  }
  __u64 index = __sync_fetch_and_add(&ipi_count, 1);
  if (index < ORIGINS_MAX) bpf_get_stack(context, ipi_origins[index], sizeof(ipi_origins[index]), 0);
}

SEC("tp_btf/ipi_send_cpu")
int ipi_to_one(__u64* context) {
  if ((__u32)context[0] == cpu && by_process()) count_ipi(context);
  return 0;
}

SEC("tp_btf/ipi_send_cpumask")
int ipi_to_many(__u64* context) {
  if (!by_process()) return 0;
  const struct cpumask* mask = (const struct cpumask*)context[0];
  unsigned long word = 0;
  bpf_probe_read_kernel(&word, sizeof(word), &mask->bits[cpu / 64 & 127]);
  if ((word >> (cpu & 63)) & 1) count_ipi(context);
  return 0;
}

SEC("tp_btf/sched_waking")
int waking(__u64* context) {
  struct task_struct* task = (struct task_struct*)context[0];
  if (task->thread_info.cpu == cpu && by_process() && !interrupted()) __sync_fetch_and_add(&wake_count, 1);
  return 0;
}

SEC("tp_btf/sched_switch")
int running(__u64* context) {
  struct task_struct* next = (struct task_struct*)context[2];
  if (bpf_get_smp_processor_id() == cpu && next->tgid == (int)process) __sync_fetch_and_add(&run_count, 1);
  return 0;
}

SEC("tp_btf/irq_work_entry")
int irq_work(__u64* context) {
  if (bpf_get_smp_processor_id() == cpu) __sync_fetch_and_add(&irq_work_count, 1);
  return 0;
}

char disturbance_license[] SEC("license") = "GPL";
