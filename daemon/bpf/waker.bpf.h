/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Who wakes a watched thread.
 *
 * Reads:    sched_waking, in the waker's context: the current task, the CPU's preempt count, its interrupt levels (interrupts.bpf.h).
 * Produces: an hft_waker record for each wake-up of a thread whose slot asks for it.
 * Cost:     every wake-up of the host while it is attached, and it is attached only while a target asks (collectors/demand_program.h).
 *
 * sched_waking, not sched_wakeup: where the woken thread's CPU puts it on its queue itself, current is whoever was interrupted there.
 */
#ifndef HFTMON_DAEMON_BPF_WAKER_BPF_H_
#define HFTMON_DAEMON_BPF_WAKER_BPF_H_

/* Of the preempt count, the same since 2.6. Serving a softirq is odd, having them disabled is even. */
#define SERVING_SOFTIRQ 0x00000100
#define IN_HARD_IRQ 0x000f0000
#define IN_NMI 0x00f00000

/*
 * The innermost level that executes. The kernel's own count decides where it can be read: it also knows vectors without a tracepoint, and
 * with PREEMPT_RT that a softirq is a thread like any other.
 */
static __always_inline u8 waking_context(struct hft_cpu_interrupts *state, bool counted) {
  u32 count = 0;
  if (counted && read_preempt_count(&count)) {
    if (count & IN_NMI) return HFT_WAKER_NMI;
    if (count & IN_HARD_IRQ) return HFT_WAKER_HARD_IRQ;
    return count & SERVING_SOFTIRQ ? HFT_WAKER_SOFTIRQ : HFT_WAKER_THREAD;
  }
  if (state->active & (1u << HFT_LEVEL_HARD)) return HFT_WAKER_HARD_IRQ;
  return state->active & (1u << HFT_LEVEL_SOFTIRQ) ? HFT_WAKER_SOFTIRQ : HFT_WAKER_THREAD;
}

static __always_inline void put_handler(struct hft_waker *cell, struct hft_cpu_interrupts *state, bool counted) {
  u8 context = waking_context(state, counted);
  cell->context = context;
  cell->source = context == HFT_WAKER_NMI ? HFT_SOURCE_NMI : HFT_SOURCE_NONE;
  cell->number = 0;
  cell->row = 0;
  if (context != HFT_WAKER_SOFTIRQ && context != HFT_WAKER_HARD_IRQ) return;
  u32 level = context == HFT_WAKER_HARD_IRQ ? HFT_LEVEL_HARD : HFT_LEVEL_SOFTIRQ;
  if (!(state->active & (1u << level))) return;
  cell->source = state->levels[level].source;
  cell->number = state->levels[level].number;
  cell->row = state->levels[level].row;
}

static __always_inline int put_waker(volatile u64 *context, struct hft_thread_slot *slot, u32 index, bool counted) {
  if (!slot) return 0;
  if (controls.run_queue_threshold_ns == HFT_NO_THRESHOLD && controls.off_cpu_threshold_ns == HFT_NO_THRESHOLD) return 0;
  struct task_struct *task = (struct task_struct *)context[0];
  struct task_struct *waker = (struct task_struct *)bpf_get_current_task();
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_interrupts *state = interrupts_at(cpu);
  struct reservation reserved;
  if (!state || !reserve_cells(&reserved, cpu, 1)) return 0;
  struct hft_waker *cell = open_cell(&reserved, 0);
  u64 mono_ns = bpf_ktime_get_ns();
  u64 current_pid = bpf_get_current_pid_tgid();
  cell->tid = READ_FIELD(task, pid);
  cell->tgid = READ_FIELD(task, tgid);
  cell->out_clock_ns = slot->out_clock_ns;
  cell->voluntary_count = slot->voluntary_count;
  cell->wait_cpu = slot->out.cpu;
  cell->log_position = cpu_at(slot->out.cpu)->position;
  cell->slot = index;
  cell->waker_tid = (u32)current_pid;
  cell->waker_tgid = current_pid >> 32;
  cell->priority = READ_FIELD(task, prio);
  cell->policy = READ_FIELD(task, policy);
  cell->waker_priority = BPF_CORE_READ(waker, prio);
  cell->waker_policy = BPF_CORE_READ(waker, policy);
  bpf_get_current_comm(cell->waker_comm, HFT_COMM_LENGTH);
  put_handler(cell, state, counted);
  publish_cell(&reserved, 0, cell, HFT_RECORD_WAKER, 0, mono_ns);
  return 0;
}

/* Cold, so that what they keep on the stack costs other wake-ups nothing. */
static __noinline int put_waker_by_level(volatile u64 *context, struct hft_thread_slot *slot, u32 index) {
  return put_waker(context, slot, index, false);
}

static __noinline int put_waker_by_count(volatile u64 *context, struct hft_thread_slot *slot, u32 index) {
  return put_waker(context, slot, index, true);
}

/* The slot of who is woken, if it asks; else NULL. */
static __always_inline struct hft_thread_slot *asking_slot(u64 *context, u16 *index) {
  if (unlikely(controls.off)) return NULL;
  cpu_at(bpf_get_smp_processor_id())->waking_count++; /* a nested run is skipped by the kernel */
  struct task_struct *task = (struct task_struct *)context[0];
  if (likely(!is_watched(READ_FIELD(task, tgid)))) return NULL;
  struct hft_thread_slot *slot = slot_of(READ_FIELD(task, pid), index);
  if (!slot || !slot->wishes.waker || slot->state != HFT_SLOT_LIVE) return NULL;
  return slot;
}

/*
 * One of these two is loaded. The preempt count is a variable of the kernel's, whose address it gives away only if it was built with
 * CONFIG_KALLSYMS_ALL, and a program that names one that cannot be had is refused.
 */
HFT_TRACEPOINT("sched_waking")
int on_waking(u64 *context) {
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = asking_slot(context, &index);
  if (unlikely(slot)) put_waker_by_count(context, slot, index);
  return 0;
}

HFT_TRACEPOINT("sched_waking")
int on_waking_by_level(u64 *context) {
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = asking_slot(context, &index);
  if (unlikely(slot)) put_waker_by_level(context, slot, index);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_WAKER_BPF_H_ */
