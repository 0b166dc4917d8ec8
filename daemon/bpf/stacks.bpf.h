/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Stacks of waits above a threshold, for threads whose slot asks for them (stack_events.h). Who does not ask pays one test of a slot word
 * at its switch-out.
 *
 * A thread's user stack does not change while it is off its CPU, but in sched_switch only the memory of the thread that leaves can be read:
 * so the raw stack is copied as it leaves, at each of its switches, and registers and kernel stack are read when it comes back, above the
 * threshold only.
 */
#ifndef HFTMON_DAEMON_BPF_STACKS_BPF_H_
#define HFTMON_DAEMON_BPF_STACKS_BPF_H_

#include "daemon/bpf/stack_events.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_stack_ring);
} stack_ring SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_stack_copy);
} stack_copies SEC(".maps");

#define PAGE_BYTES 4096ull

/* Where the user's registers lie on the kernel stack; 0: not known, or not x86-64's. */
static __always_inline u64 registers_at(struct task_struct *task) {
#if defined(__TARGET_ARCH_x86)
  if (IMMEDIATE(HFT_IMMEDIATE_REGISTER_ACCESS) != HFT_REGISTERS_NONE) return (u64)registers_of(task);
#endif
  return 0;
}

/* All that is asked for, or what the page at the stack pointer holds of it: the next one may not exist or not be in memory. */
static __always_inline u32 copy_from(u8 *to, u64 stack_pointer) {
  if (bpf_probe_read_user(to, HFT_STACK_COPY_BYTES, (void *)stack_pointer) == 0) return HFT_STACK_COPY_BYTES;
  u64 rest = PAGE_BYTES - (stack_pointer & (PAGE_BYTES - 1));
  if (rest >= HFT_STACK_COPY_BYTES) return 0;
  barrier_var(rest);
  rest &= HFT_STACK_COPY_BYTES - 1;
  if (bpf_probe_read_user(to, rest, (void *)stack_pointer)) return 0;
  return rest;
}

/* `prev` is the current task and still has its memory. */
static __noinline int copy_user_stack(volatile u64 *context, struct hft_cpu *cpu_state, u64 clock_ns) {
  struct task_struct *prev = (struct task_struct *)context[1];
  u32 index = cpu_state->watched_slot;
  struct hft_stack_copy *copy = bpf_map_lookup_elem(&stack_copies, &index);
  u64 registers = registers_at(prev);
  if (!copy || !registers) return 0;
  bool timed = !(copy->count & (HFT_STACK_TIMED_COPIES - 1));
  u64 begin_ns = timed ? bpf_ktime_get_ns() : 0;
  struct pt_regs *saved = (struct pt_regs *)registers;
  u64 stack_pointer = BPF_CORE_READ(saved, sp);
  copy->task = (u64)prev;
  copy->out_clock_ns = clock_ns;
  copy->bytes = copy_from(copy->user, stack_pointer);
  copy->count++;
  if (timed) copy->copy_ns = bpf_ktime_get_ns() - begin_ns;
  return 0;
}

static __always_inline void put_kernel_stack(struct hft_stack *cell, struct task_struct *next) {
  cell->kernel_depth = 0;
  cell->kernel_problem = HFT_STACK_NO_HELPER;
#ifdef TASK_STACK
  if (!CAN_WALK_TASK_STACK) return;
  long bytes = TASK_STACK(next, cell->kernel, sizeof(cell->kernel));
  cell->kernel_problem = bytes > 0 ? HFT_STACK_FINE : HFT_STACK_WALK_FAILED;
  if (bytes > 0) cell->kernel_depth = bytes / sizeof(u64);
#endif
}

static __always_inline void put_user_stack(struct hft_stack *cell, struct task_struct *next, u32 index, u64 out_clock_ns) {
  cell->user_bytes = 0;
  cell->copy_ns = 0;
  cell->user_problem = HFT_STACK_NO_HELPER;
  u64 registers = registers_at(next);
  if (!registers) return;
  cell->user_problem = HFT_STACK_NO_COPY;
  struct hft_stack_copy *copy = bpf_map_lookup_elem(&stack_copies, &index);
  if (!copy || copy->task != (u64)next || !out_clock_ns || copy->out_clock_ns != out_clock_ns) return;
  cell->copy_ns = copy->copy_ns;
  cell->user_problem = HFT_STACK_NOT_RESIDENT;
  if (!copy->bytes) return;
  if (bpf_probe_read_kernel(cell->registers, sizeof(cell->registers), (void *)registers)) return;
  if (bpf_probe_read_kernel(cell->user, HFT_STACK_COPY_BYTES, copy->user)) return;
  cell->user_bytes = copy->bytes;
  cell->user_problem = HFT_STACK_FINE;
}

/* The stack of the switch-in that a record of `mono_ns` was just written for. Never waits: what the daemon has not read is overwritten. */
static __noinline int put_stack(volatile u64 *context, struct hft_cpu *cpu_state, struct hft_thread_slot *slot, u64 mono_ns,
                                u64 out_clock_ns) {
  struct task_struct *next = (struct task_struct *)context[2];
  u32 zero = 0;
  struct hft_stack_ring *ring = bpf_map_lookup_elem(&stack_ring, &zero);
  if (!ring) return 0;
  u64 begin_ns = bpf_ktime_get_ns();
  u64 number = __sync_fetch_and_add(&ring->head, 1);
  struct hft_stack *cell = &ring->cells[number & (HFT_STACK_CELLS - 1)];
  __sync_lock_test_and_set(&cell->sequence, 0);
  cell->mono_ns = mono_ns;
  cell->start_ns = slot->start_ns;
  cell->tid = READ_FIELD(next, pid);
  cell->tgid = READ_FIELD(next, tgid);
  cell->kernel_depth = 0;
  cell->user_bytes = 0;
  cell->copy_ns = 0;
  cell->kernel_problem = HFT_STACK_NOT_ASKED;
  cell->user_problem = HFT_STACK_NOT_ASKED;
  if (slot->wishes.probes & HFT_STACK_KERNEL) put_kernel_stack(cell, next);
  if (slot->wishes.probes & HFT_STACK_USER) put_user_stack(cell, next, cpu_state->watched_slot, out_clock_ns);
  cell->record_ns = bpf_ktime_get_ns() - begin_ns;
  __sync_lock_test_and_set(&cell->sequence, number + 1);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_STACKS_BPF_H_ */
