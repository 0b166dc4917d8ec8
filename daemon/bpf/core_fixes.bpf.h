/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Where kernels differ. Each entry names the kernel release (and commit) that made the difference. Needs tracing_access.bpf.h and
 * interrupt_events.h before it.
 */
#ifndef HFTMON_DAEMON_BPF_CORE_FIXES_BPF_H_
#define HFTMON_DAEMON_BPF_CORE_FIXES_BPF_H_

/* The kernel's bpf_rdonly_cast: an object at a bare address may be read as one of that type. To be called only where CAN_CAST. */
static void *(*const read_only_cast)(const void *object, u64 btf_id) = (void *)HFT_IMMEDIATE_CAST;

/* task_struct.state became __state in 5.14 (2f064a59a11f). */
struct task_struct___before_5_14 {
  volatile long state;
} __attribute__((preserve_access_index));

static __always_inline u32 task_state(struct task_struct *task) {
  if (bpf_core_field_exists(task->__state)) return READ_FIELD(task, __state);
  struct task_struct___before_5_14 *old = (void *)task;
  return (u32)BPF_CORE_READ(old, state);
}

/* x86 keeps the system call's number in orig_ax, -1 when an interrupt or exception entered the kernel; arm64 keeps it in syscallno. */
struct pt_regs___arm64 {
  int syscallno;
} __attribute__((preserve_access_index));

static __always_inline s32 registers_syscall(struct pt_regs *registers) {
  if (bpf_core_field_exists(registers->orig_ax)) return (s32)registers->orig_ax;
  struct pt_regs___arm64 *arm = (void *)registers;
  if (bpf_core_field_exists(arm->syscallno)) return arm->syscallno;
  return -1;
}

/* The number of the system call that is about to return, of the tracepoint's own argument; -1 on machines other than x86-64. */
static __always_inline s32 returning_from(struct pt_regs *registers) {
  if (bpf_core_field_exists(registers->orig_ax)) return (s32)READ_FIELD(registers, orig_ax);
  return -1;
}

/*
 * A task's saved registers. bpf_task_pt_regs came with 5.15 (dd6e10fbd9fb); with bpf_rdonly_cast (6.2, a35b9af4ec2c) the load needs no
 * helper call, 25 ns less. The daemon finds out which there is, and where on the kernel stack the registers lie (immediates.h), before
 * the load. Without either the kind of a switch is known only as far as the counts tell.
 */
static __always_inline void *registers_of(struct task_struct *task) {
  return (char *)READ_FIELD(task, stack) + IMMEDIATE(HFT_IMMEDIATE_REGISTER_OFFSET);
}

#define SYSCALL_UNKNOWN (-2147483647 - 1) /* a number that no caller has a reason to pass */

/* The number of the system call that `task` is in, -1 in none, or SYSCALL_UNKNOWN. */
static __always_inline s32 saved_syscall(struct task_struct *task) {
  u64 access = IMMEDIATE(HFT_IMMEDIATE_REGISTER_ACCESS);
  if (access == HFT_REGISTERS_BY_CAST) {
    return registers_syscall(read_only_cast(registers_of(task), bpf_core_type_id_kernel(struct pt_regs)));
  }
  if (access == HFT_REGISTERS_BY_HELPER) return registers_syscall((struct pt_regs *)bpf_task_pt_regs(task));
  /* Set here and not before the tests: what the first one leads to is then reached by nothing else, and the verifier takes the test out. */
  s32 unknown = SYSCALL_UNKNOWN;
  barrier_var(unknown);
  return unknown;
}

/* The first three arguments of the system call that `task` is in. False where they cannot be had; x86-64 only. */
static __always_inline bool saved_arguments(struct task_struct *task, u64 *arguments) {
#if defined(__TARGET_ARCH_x86)
  u64 access = IMMEDIATE(HFT_IMMEDIATE_REGISTER_ACCESS);
  struct pt_regs *registers = NULL;
  if (access == HFT_REGISTERS_BY_CAST) {
    registers = read_only_cast(registers_of(task), bpf_core_type_id_kernel(struct pt_regs));
  } else if (access == HFT_REGISTERS_BY_HELPER) {
    registers = (struct pt_regs *)bpf_task_pt_regs(task);
  }
  if (!registers) return false;
  arguments[0] = registers->di;
  arguments[1] = registers->si;
  arguments[2] = registers->dx;
  return true;
#else
  return false;
#endif
}

/*
 * What never changes of the CPU that switches to `next`, noted at its first switch: its number, and where its run queue is. The walk to
 * that would cost every switch of the host 3 ns. Its first switch after the programs were off is one too: the log begins anew there.
 */
static __noinline u64 note_cpu(struct hft_cpu *cpu_state, struct task_struct *next) {
  u64 run_queue = (u64)RUN_QUEUE_OF(next);
  cpu_state->noted_queue = run_queue;
  cpu_state->cpu = bpf_get_smp_processor_id();
  cpu_state->log_begin = cpu_state->position;
  return run_queue;
}

static __always_inline struct rq *run_queue_at(u64 run_queue, struct task_struct *next) {
  if (!CAN_CAST) return RUN_QUEUE_OF(next);
  return read_only_cast((void *)run_queue, bpf_core_type_id_kernel(struct rq));
}

/*
 * What the hypervisor took from this CPU, by its own clock, as the scheduler last saw it: absent where the kernel was built without
 * CONFIG_PARAVIRT_TIME_ACCOUNTING, and 0 for ever where the hypervisor tells nothing.
 */
static __always_inline bool read_steal(struct hft_cpu *cpu_state, u64 *steal_ns) {
  struct rq *queue = (struct rq *)cpu_state->noted_queue;
  if (!queue || !bpf_core_field_exists(queue->prev_steal_time_rq)) return false;
  if (CAN_CAST) {
    queue = read_only_cast(queue, bpf_core_type_id_kernel(struct rq));
    *steal_ns = queue->prev_steal_time_rq;
  } else {
    *steal_ns = BPF_CORE_READ(queue, prev_steal_time_rq);
  }
  return true;
}

static __always_inline void note_steal(struct hft_cpu *cpu_state, struct hft_cpu_interrupts *state) {
  u64 steal_ns = 0;
  if (!read_steal(cpu_state, &steal_ns)) return;
  state->steal_ns = steal_ns;
  state->steal_mono_ns = state->stretch_end_ns;
}

/*
 * Why a packet was dropped: the third argument of kfree_skb since 5.17 (c504e5c2f964), 0 before. SKB_CONSUMED came with 6.3 (071c0fc6fb91):
 * not a drop.
 */
enum skb_drop_reason { SKB_NOT_DROPPED_YET = 0, SKB_CONSUMED = 1 };

/* False: it is none. */
static __always_inline bool read_drop_reason(u64 *context, u32 *reason) {
  *reason = 0;
  if (!bpf_core_type_exists(enum skb_drop_reason)) return true;
  *reason = context[2];
  /* Since 5.18; in 5.17 the same number was a reason. */
  if (bpf_core_enum_value_exists(enum skb_drop_reason, SKB_NOT_DROPPED_YET) && *reason == SKB_NOT_DROPPED_YET) return false;
  if (!bpf_core_enum_value_exists(enum skb_drop_reason, SKB_CONSUMED)) return true;
  return *reason != bpf_core_enum_value(enum skb_drop_reason, SKB_CONSUMED);
}

/*
 * The file descriptor with which the current thread reads, from its system call; -1 where that cannot be had, and in other calls
 * (io_uring). bpf_get_current_task_btf came with 5.11 (3ca1032ab7ab), before the ways to the registers.
 */
static __always_inline s32 descriptor_read_from(void) {
#if defined(__TARGET_ARCH_x86)
  if (IMMEDIATE(HFT_IMMEDIATE_REGISTER_ACCESS) == HFT_REGISTERS_NONE) return -1;
  struct task_struct *task = bpf_get_current_task_btf();
  s32 syscall = saved_syscall(task);
  /* read, readv, recvfrom, recvmsg, recvmmsg */
  if (syscall != 0 && syscall != 19 && syscall != 45 && syscall != 47 && syscall != 299) return -1;
  u64 arguments[3];
  if (!saved_arguments(task, arguments)) return -1;
  return arguments[0];
#else
  return -1;
#endif
}

/* With PREEMPT_RT a mutex is made of an rt_mutex, and has no such word. */
struct counted_word {
  long counter;
} __attribute__((preserve_access_index));
struct mutex {
  struct counted_word owner;
} __attribute__((preserve_access_index));

/* Its softirqs are threads like any other: their level stays in progress while others run. Known at load, no code is left of it. */
static __always_inline bool is_real_time_kernel(void) {
  return !bpf_core_field_exists(((struct mutex *)0)->owner);
}

/* task_struct.in_execve may be absent; without it an exec's move reads as balance. */
static __always_inline bool task_in_execve(struct task_struct *task) {
  return bpf_core_field_exists(task->in_execve) && BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
}

#endif /* HFTMON_DAEMON_BPF_CORE_FIXES_BPF_H_ */
