/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The scheduler's programs: who runs, who waits, who lives.
 *
 * Reads:    sched_switch, sched_migrate_task, sched_process_fork, sched_process_exec, sched_pi_setprio, on request sched_waking;
 *           task_struct, rq.
 * Produces: the per-CPU log of who ran, each watched thread's slot, records above the thresholds (switch_events.h).
 * Cost:     a switch of threads that nobody watches stores one log entry and tests two bits; see tests/bench for what it measures.
 *
 * A slot is written by the program that runs on the thread's CPU, or under the lock of the run queue it waits on: one writer at a time.
 */
#include "daemon/bpf/kernel_types.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "daemon/bpf/immediates.h"
#include "tracing_access.bpf.h"
#include "daemon/bpf/switch_events.h"
#include "daemon/bpf/interrupt_events.h"
#include "daemon/bpf/shared_maps.bpf.h"
#include "daemon/bpf/core_fixes.bpf.h"
#include "daemon/bpf/log_linear.bpf.h"
#include "daemon/bpf/histogram_pages.bpf.h"
#include "daemon/bpf/record_ring.bpf.h"
#include "daemon/bpf/runner_log.bpf.h"
#include "daemon/bpf/interrupts.bpf.h"
#include "daemon/bpf/stacks.bpf.h"
#include "daemon/bpf/calls.bpf.h"
#include "daemon/bpf/kernel_time.bpf.h"
#include "daemon/bpf/kernel_locks.bpf.h"
#include "daemon/bpf/life.bpf.h"
#include "daemon/bpf/boost.bpf.h"
#include "daemon/bpf/memory.bpf.h"
#include "daemon/bpf/hardware.bpf.h"
#include "daemon/bpf/counters.bpf.h"
#include "daemon/bpf/deferred.bpf.h"
#include "daemon/bpf/migration.bpf.h"
#include "daemon/bpf/moved_pages.bpf.h"
#include "daemon/bpf/network.bpf.h"
#include "daemon/bpf/packet_path.bpf.h"
#include "daemon/bpf/returns.bpf.h"
#include "daemon/bpf/visitor.bpf.h"
#include "daemon/bpf/waker.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* sched_switch's arguments. Read again at each use: a load costs less than a register that is kept over a call. */
enum { ARGUMENT_PREEMPT = 0, ARGUMENT_PREV = 1, ARGUMENT_NEXT = 2 };
#define TASK(context, which) ((struct task_struct *)((volatile u64 *)(context))[ARGUMENT_##which])

/* sched_yield's number. */
#if defined(__TARGET_ARCH_x86)
#define SYSCALL_YIELD 24
#else
#define SYSCALL_YIELD 124
#endif

/* The CPU's stopper, migration/N. Its priority is shared by SCHED_FIFO 99, which an interrupt's thread may be given. */
static __always_inline bool is_stopper(struct task_struct *task) {
  return READ_FIELD(task, prio) == 0 && (READ_FIELD(task, flags) & PF_KTHREAD) && READ_FIELD(task, comm[0]) == 'm' &&
         READ_FIELD(task, comm[9]) == '/';
}

/* Of one that is neither dead nor stopped. */
static __always_inline u64 kind_of_switch(volatile u64 *context, bool voluntary, s32 syscall) {
  if (likely(voluntary)) {
    if (likely(syscall >= 0)) return HFT_SWITCH_BLOCKED_SYSCALL;
    return syscall == SYSCALL_UNKNOWN ? HFT_SWITCH_UNKNOWN : HFT_SWITCH_BLOCKED_FAULT;
  }
  if (is_stopper(TASK(context, NEXT))) return HFT_SWITCH_FORCED_MIGRATION;
  bool preempt = context[ARGUMENT_PREEMPT];
  if (syscall == SYSCALL_YIELD && !preempt) return HFT_SWITCH_YIELD;
  return preempt ? HFT_SWITCH_KERNEL_PREEMPTION : HFT_SWITCH_USER_PREEMPTION;
}

/* An hft_departure in one store, before the first move of the wait. All BPF targets here are little-endian. */
static __always_inline u64 departure_word(u32 cpu, u64 kind, s32 syscall) {
  return cpu | kind << 16 | (u64)syscall << 32;
}

/* One more duration: its bucket, and the maximum. */
static __always_inline void count_duration(struct hft_cpu *cpu_state, struct hft_thread_slot *slot, u32 which, u64 *maximum,
                                           u64 duration_ns) {
  if (duration_ns > *maximum) *maximum = duration_ns;
  count_in_bucket(cpu_state, slot, which, duration_ns);
}

/* What the thread waited until now belongs to no interval: its beginning was not seen. */
static __always_inline void forget_wait(struct hft_thread_slot *slot, struct task_struct *task) {
  u64 run_delay_ns = READ_FIELD(task, sched_info.run_delay);
  slot->run_delay_ns = run_delay_ns;
  slot->segment_run_delay_ns = run_delay_ns;
}

/*
 * The slot of a thread of a watched process, noted as the CPU's, or NULL, counted. The first to see a thread that was attached leaves its
 * mark. Another task's mark means that exec is exchanging the tids of two threads: that switch is in no histogram, while the counts, being
 * copies, catch up at the next one.
 */
static __noinline struct hft_thread_slot *claim_slot(struct hft_cpu *cpu_state, struct task_struct *task) {
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = slot_of(READ_FIELD(task, pid), &index);
  if (!slot) {
    /* A dead leader's slot was ended by the exec that took its tid. */
    if (!READ_FIELD(task, exit_state)) __sync_fetch_and_add(&controls.unslotted_switches, 1);
    return NULL;
  }
  if (slot->state != HFT_SLOT_LIVE || (slot->task && slot->task != (u64)task)) {
    __sync_fetch_and_add(&controls.foreign_switches, 1);
    return NULL;
  }
  if (!slot->task) {
    slot->task = (u64)task;
    forget_wait(slot, task);
  }
  cpu_state->watched_slot = index;
  return slot;
}

/* The beginning of a wait that may last: see hft_preempted. Cold, so that it costs other switches nothing but a test. */
static __noinline int put_preempted(volatile u64 *context, struct hft_cpu *cpu_state, struct hft_thread_slot *slot) {
  if (controls.run_queue_threshold_ns == HFT_NO_THRESHOLD) return 0;
  struct task_struct *prev = TASK(context, PREV);
  struct task_struct *next = TASK(context, NEXT);
  struct rq *queue = RUN_QUEUE_OF(prev);
  u32 depth = READ_FIELD(queue, nr_running);
  struct reservation reserved;
  if (!reserve_cells(&reserved, bpf_get_smp_processor_id(), 1)) return 0;
  struct hft_preempted *cell = open_cell(&reserved, 0);
  u64 mono_ns = bpf_ktime_get_ns();
  cell->tid = READ_FIELD(prev, pid);
  cell->tgid = READ_FIELD(prev, tgid);
  cell->out_clock_ns = slot->out_clock_ns;
  cell->next_queued_clock_ns = READ_FIELD(next, sched_info.last_queued);
  cell->next_tid = READ_FIELD(next, pid);
  cell->next_tgid = READ_FIELD(next, tgid);
  cell->slot = cpu_state->watched_slot;
  cell->kind = slot->out.kind;
  cell->priority = READ_FIELD(prev, prio);
  cell->policy = READ_FIELD(prev, policy);
  cell->next_priority = READ_FIELD(next, prio);
  cell->next_policy = READ_FIELD(next, policy);
  cell->depth = depth > 255 ? 255 : depth;
  cell->next_stopper = slot->out.kind == HFT_SWITCH_FORCED_MIGRATION;
  bpf_probe_read_kernel(cell->next_comm, HFT_COMM_LENGTH, &next->comm);
  cell->log_position = cpu_state->position;
  publish_cell(&reserved, 0, cell, HFT_RECORD_PREEMPTED, 0, mono_ns);
  return 0;
}

/* What only some threads ask for. */
static __noinline int note_departure(volatile u64 *context, struct hft_cpu *cpu_state, struct hft_thread_slot *slot) {
  if (slot->wishes.probes & HFT_CALLS) note_call(context, cpu_state, slot);
  if (slot->wishes.probes & HFT_STACK_USER) copy_user_stack(context, cpu_state, slot->out_clock_ns);
  return 0;
}

static __always_inline void switch_out(volatile u64 *context, struct hft_cpu *cpu_state, u64 clock_ns) {
  struct hft_thread_slot *slot = any_slot_at(cpu_state->watched_slot);
  if (unlikely(slot->task != context[ARGUMENT_PREV])) {
    slot = claim_slot(cpu_state, TASK(context, PREV));
    if (!slot) return;
  }
  if (unlikely(slot->out_clock_ns)) {
    /* Leaving, and not seen coming: the kernel hides some switches from programs. */
    forget_wait(slot, TASK(context, PREV));
    __sync_fetch_and_add(&controls.unseen_switch_ins, 1);
  }
  u32 state = task_state(TASK(context, PREV)) & (TASK_DEAD | TASK_STOPPED_OR_TRACED);
  s32 syscall = saved_syscall(TASK(context, PREV));
  /* A kernel thread has no registers of user mode, only zeroes. */
  if (unlikely(syscall == 0) && (READ_FIELD(TASK(context, PREV), flags) & PF_KTHREAD)) syscall = SYSCALL_UNKNOWN;
  struct task_struct *prev = TASK(context, PREV);
  u64 voluntary_count = READ_FIELD(prev, nvcsw);
  bool voluntary = voluntary_count != slot->voluntary_count;
  u64 kind = HFT_SWITCH_BLOCKED_SYSCALL;
  if (unlikely(state)) {
    /* HFT_SWITCH_EXIT and -1, or HFT_SWITCH_UNKNOWN and HFT_STOPPED, without a branch for the verifier to follow. */
    u32 dead = state / TASK_DEAD;
    kind = dead * HFT_SWITCH_EXIT;
    syscall = (s32)dead + HFT_STOPPED;
  } else if (unlikely(!voluntary || syscall < 0)) {
    kind = kind_of_switch(context, voluntary, syscall);
    if (syscall == SYSCALL_UNKNOWN) syscall = -1;
  }
  slot->voluntary_count = voluntary_count;
  slot->involuntary_count = READ_FIELD(prev, nivcsw);
  slot->out_clock_ns = clock_ns;
  *(u64 *)&slot->out = departure_word(cpu_state->cpu, kind, syscall);
  slot->kind_count[kind & (HFT_SWITCH_KINDS - 1)]++;
  if (unlikely(slot->wishes.probes & (HFT_STACK_USER | HFT_CALLS))) note_departure(context, cpu_state, slot);
  if (likely(kind == HFT_SWITCH_BLOCKED_SYSCALL)) return;
  if (kind == HFT_SWITCH_EXIT) {
    end_thread(cpu_state, TASK(context, PREV), slot);
  } else if (kind >= HFT_SWITCH_USER_PREEMPTION) {
    put_preempted(context, cpu_state, slot);
  }
}

/*
 * The record of a wait that ended, with who ran on this CPU since the thread was queued here. A function of its own: what it keeps on the
 * stack would make every switch pay for a larger frame.
 */
static __noinline int put_switch_in(volatile u64 *context, struct hft_cpu *cpu_state, struct hft_thread_slot *slot, u64 wait_ns,
                                    u64 out_clock_ns) {
  struct task_struct *prev = TASK(context, PREV);
  struct task_struct *next = TASK(context, NEXT);
  u64 end = cpu_state->position - 1; /* the entry of `next` itself */
  u64 clock_ns = cpu_state->log[end & LOG_MASK].clock_ns;
  u64 queued_clock_ns = READ_FIELD(next, sched_info.last_queued);
  struct rq *queue = RUN_QUEUE_OF(next);
  u32 depth = READ_FIELD(queue, nr_running);
  struct log_stretch stretch;
  struct reservation reserved;
  find_stretch(&stretch, bpf_get_smp_processor_id(), end, queued_clock_ns ? queued_clock_ns : clock_ns);
  struct hft_cpu_interrupts *interrupted = interrupts_at(cpu_state->cpu);
  if (!interrupted) return 0;
  u64 interrupted_end = interrupted->position;
  u64 waiting_since_ns = bpf_ktime_get_ns() - (queued_clock_ns ? clock_ns - queued_clock_ns : 0);
  u32 interruption_count = count_interruptions(interrupted_end, waiting_since_ns);
  u32 runner_cells = continuation_cells(stretch.count);
  u32 continuation = runner_cells + interruption_cells(interruption_count);
  if (slot->wishes.probes & HFT_CALLS) put_call(context, cpu_state, slot, out_clock_ns);
  if (!reserve_cells(&reserved, bpf_get_smp_processor_id(), 1 + continuation)) return 0;
  struct hft_switch_in *cell = open_cell(&reserved, 0);
  u64 mono_ns = bpf_ktime_get_ns();
  cell->tid = READ_FIELD(next, pid);
  cell->tgid = READ_FIELD(next, tgid);
  cell->in_clock_ns = clock_ns;
  cell->out_clock_ns = out_clock_ns;
  cell->queued_clock_ns = queued_clock_ns;
  cell->wait_ns = wait_ns;
  cell->slot = cpu_state->watched_slot;
  cell->out = slot->out;
  cell->voluntary_count = slot->voluntary_count;
  cell->depth = depth > 255 ? 255 : depth;
  cell->runners_truncated = stretch.truncated;
  cell->runner_count = stretch.count;
  cell->priority = READ_FIELD(next, prio);
  cell->prev_priority = READ_FIELD(prev, prio);
  cell->policy = READ_FIELD(next, policy);
  cell->prev_policy = READ_FIELD(prev, policy);
  cell->interruption_count = interruption_count;
  cell->interruptions_truncated = more_interruptions(interrupted, interrupted_end, interruption_count, waiting_since_ns);
  /* A runner that the kernel hid from programs is not in the log: its name is not the logged one's. */
  bool logged = cpu_state->log[(end - 1) & LOG_MASK].tid == (u32)READ_FIELD(prev, pid);
  cell->prev_comm[0] = 0;
  if (logged) bpf_probe_read_kernel(cell->prev_comm, HFT_COMM_LENGTH, &prev->comm);
  put_first_runners(cell->runners, &stretch);
  if (runner_cells) put_runners(reserved.first + 1, reserved.cpu, stretch.first + HFT_INLINE_RUNNERS, end, mono_ns);
  if (interruption_count) {
    put_interruptions(reserved.first + 1 + runner_cells, interrupted_end - interruption_count, interruption_count, mono_ns);
  }
  publish_cell(&reserved, 0, cell, HFT_RECORD_SWITCH_IN, continuation, mono_ns);
  if (slot->wishes.probes & (HFT_STACK_KERNEL | HFT_STACK_USER)) put_stack(context, cpu_state, slot, mono_ns, out_clock_ns);
  return 0;
}

static __always_inline void switch_in(volatile u64 *context, struct hft_cpu *cpu_state, u64 clock_ns) {
  u16 *recent = &cpu_state->recent[READ_FIELD(TASK(context, NEXT), pid) & (HFT_RECENT_SLOTS - 1)];
  u32 index = *recent;
  cpu_state->watched_slot = index;
  struct hft_thread_slot *slot = any_slot_at(index);
  if (unlikely(slot->task != context[ARGUMENT_NEXT])) {
    slot = claim_slot(cpu_state, TASK(context, NEXT));
    if (!slot) return;
    cpu_state->recent[READ_FIELD(TASK(context, NEXT), pid) & (HFT_RECENT_SLOTS - 1)] = cpu_state->watched_slot;
  }
  struct rq *queue = run_queue_at(cpu_state->noted_queue, TASK(context, NEXT));
  u32 depth = READ_FIELD(queue, nr_running);
  slot->depth[depth < HFT_DEPTH_BUCKETS ? depth : HFT_DEPTH_BUCKETS - 1]++;
  /* What sched_info_arrive is about to add, in the kernel's own arithmetic. */
  struct task_struct *next = TASK(context, NEXT);
  u64 run_delay_ns = READ_FIELD(next, sched_info.run_delay);
  u64 queued_clock_ns = READ_FIELD(next, sched_info.last_queued);
  if (queued_clock_ns) run_delay_ns += clock_ns - queued_clock_ns;
  u64 wait_ns = run_delay_ns - slot->run_delay_ns;
  slot->run_delay_ns = run_delay_ns;
  slot->segment_run_delay_ns = run_delay_ns;
  u64 out_clock_ns = slot->out_clock_ns;
  slot->out_clock_ns = 0;
  u64 off_cpu_ns = clock_ns - out_clock_ns; /* without a switch-out the whole clock, which is positive too */
  if (unlikely((s64)(wait_ns | off_cpu_ns) < 0)) {
    slot->discarded_count++;
    return;
  }
  count_duration(cpu_state, slot, HFT_RUN_QUEUE, &slot->maxima.run_queue_ns, wait_ns);
  if (likely(out_clock_ns)) {
    slot->off_cpu_ns += off_cpu_ns;
    slot->off_cpu_count++;
    count_duration(cpu_state, slot, HFT_OFF_CPU, &slot->maxima.off_cpu_ns, off_cpu_ns);
  } else {
    off_cpu_ns = 0;
  }
  if (unlikely(slot->wishes.probes & HFT_CALLS)) count_call(cpu_state, slot, clock_ns, out_clock_ns, wait_ns);
  if (unlikely(wait_ns > cpu_state->run_queue_threshold_ns || off_cpu_ns > cpu_state->off_cpu_threshold_ns)) {
    put_switch_in(context, cpu_state, slot, wait_ns, out_clock_ns);
  }
}

/*
 * Off: the daemon sets controls.off and takes every CPU's run queue away, so that being on costs no test of its own. An audited CPU has
 * none either, see meet_cpu.
 *
 * What a bystander pays comes first. What a watched thread needs later is not kept over it: it would be spilled on every switch of the
 * host.
 */
HFT_TRACEPOINT("sched_switch")
int on_switch(u64 *context) {
  struct task_struct *next = TASK(context, NEXT);
  struct hft_cpu *cpu_state = cpu_at(bpf_get_smp_processor_id());
  u64 run_queue = cpu_state->run_queue;
  if (unlikely(!run_queue)) {
    if (controls.off) return 0;
    run_queue = meet_cpu(cpu_state, next);
  }
  /* Read once: the daemon may take it away at any moment, and a clock of 0 would be believed. */
  u64 clock_ns = READ_FIELD(run_queue_at(run_queue, next), clock);
  u32 next_tgid = READ_FIELD(next, tgid);
  log_switch(cpu_state, clock_ns, READ_FIELD(next, pid), next_tgid);
  struct task_struct *prev = TASK(context, PREV);
  u64 *bits = watched_bits;
  barrier_var(bits); /* one load of its address */
  u64 prev_bits = watched_from(bits, READ_FIELD(prev, tgid));
  u64 next_bits = watched_from(bits, next_tgid);
  if (likely(!((prev_bits | next_bits) & 1))) {
    /* The first exit is where the JIT puts the way out: on the lines that a bystander has fetched already. */
    asm volatile("r0 = 0; exit" ::: "r0");
    __builtin_unreachable();
  }
  if (prev_bits & 1) switch_out(context, cpu_state, clock_ns);
  if (next_bits & 1) switch_in(context, cpu_state, clock_ns);
  return 0;
}
