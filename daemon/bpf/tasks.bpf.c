/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * A task iterator: the threads that exist, for attaching to a process that already runs.
 * Reads: every task_struct of the host. Produces: one task_entry for each thread of wanted_tgid, or of tid wanted_tid, or for every one,
 * or for each process's leader, or for each thread that is on a CPU.
 */
#include "daemon/bpf/kernel_types.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "daemon/bpf/call_events.h"
#include "daemon/bpf/task_entry.h"

/* bpf_task_pt_regs came with 5.15 (dd6e10fbd9fb). */
enum bpf_func_id___since_5_15 { BPF_FUNC_task_pt_regs___since_5_15 = 175 };

char LICENSE[] SEC("license") = "GPL";

__u32 wanted_tgid = 0; /* 0 = none */
__u32 wanted_tid = 0;
__u32 wanted_all = 0;     /* 1 = every thread */
__u32 wanted_leaders = 0; /* 1 = of every process */
__u32 wanted_running = 0; /* 1 = who is on a CPU */

/* task_struct.cpu moved into thread_info with 5.16 (bcf9033e5449). */
struct task_struct___before_5_16 {
  unsigned int cpu;
} __attribute__((preserve_access_index));

static __always_inline u32 cpu_of(struct task_struct *task) {
  struct task_struct___before_5_16 *old = (void *)task;
  if (bpf_core_field_exists(old->cpu)) return BPF_CORE_READ(old, cpu);
  return bpf_core_field_exists(task->thread_info.cpu) ? task->thread_info.cpu : 0;
}

/* 1 + the CPU that it is on, or 0. A kernel for one CPU has no on_cpu. */
static __always_inline u32 running_cpu_of(struct task_struct *task) {
  return bpf_core_field_exists(task->on_cpu) && task->on_cpu ? cpu_of(task) + 1 : 0;
}

/* task_struct.state became __state in 5.14 (2f064a59a11f). */
struct task_struct___before_5_14 {
  volatile long state;
} __attribute__((preserve_access_index));

static __always_inline u32 state_of(struct task_struct *task) {
  if (bpf_core_field_exists(task->__state)) return task->__state;
  struct task_struct___before_5_14 *old = (void *)task;
  return (u32)BPF_CORE_READ(old, state);
}

/* Since 6.12 (152e11f6df29) one that falls asleep may stay on its queue for a while. Who is being woken has another state. */
static __always_inline bool is_asleep(struct task_struct *task, u32 state) {
  if (!(state & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_STOPPED_OR_TRACED)) || running_cpu_of(task)) return false;
  if (!task->on_rq) return true;
  return bpf_core_field_exists(task->se.sched_delayed) && task->se.sched_delayed;
}

/* arm64 keeps the number there, see core_fixes.bpf.h. */
struct pt_regs___arm64 {
  int syscallno;
} __attribute__((preserve_access_index));

/* Of x86-64 the arguments too. A kernel thread has no registers of user mode, io_uring's worker a copy of those of who made it. */
static __always_inline void note_call(struct task_struct *task, u32 state, struct hft_task_entry *entry) {
  entry->syscall = state & TASK_STOPPED_OR_TRACED ? HFT_STOPPED : -1;
  entry->call_state = HFT_CALL_NO_REGISTERS;
  if (entry->syscall == HFT_STOPPED || (task->flags & (PF_KTHREAD | PF_IO_WORKER))) return;
  if (!bpf_core_enum_value_exists(enum bpf_func_id___since_5_15, BPF_FUNC_task_pt_regs___since_5_15)) return;
  struct pt_regs *registers = (struct pt_regs *)bpf_task_pt_regs(task);
#if defined(__TARGET_ARCH_x86)
  entry->syscall = (s32)registers->orig_ax;
  entry->arguments[0] = registers->di;
  entry->arguments[1] = registers->si;
  entry->arguments[2] = registers->dx;
  entry->call_state = HFT_CALL_KNOWN;
#else
  struct pt_regs___arm64 *arm = (void *)registers;
  if (bpf_core_field_exists(arm->syscallno)) entry->syscall = BPF_CORE_READ(arm, syscallno);
#endif
  if (entry->syscall >= 0) return;
  entry->syscall = -1;
  entry->call_state = HFT_CALL_NONE;
}

SEC("iter/task")
int list_tasks(struct bpf_iter__task *context) {
  struct task_struct *task = context->task;
  if (!task) return 0;
  u32 tid = task->pid;
  u32 tgid = task->tgid;
  bool wanted =
      wanted_all || tgid == wanted_tgid || tid == wanted_tid || (wanted_leaders && tid == tgid) || (wanted_running && running_cpu_of(task));
  if (!wanted) return 0;
  if (task->exit_state != 0) return 0; /* a zombie never runs again */
  struct hft_task_entry entry = {};
  entry.tid = tid;
  entry.tgid = tgid;
  entry.parent_tgid = task->real_parent->tgid;
  entry.kernel_thread = (task->flags & PF_KTHREAD) != 0;
  if (bpf_core_enum_value_exists(enum bpf_func_id___since_5_15, BPF_FUNC_task_pt_regs___since_5_15))
    entry.register_offset = bpf_task_pt_regs(task) - (long)task->stack;
  entry.running_cpu = running_cpu_of(task);
  entry.last_cpu = cpu_of(task);
  u32 state = state_of(task);
  entry.asleep = is_asleep(task, state);
  if (entry.asleep) note_call(task, state, &entry);
  entry.mono_ns = bpf_ktime_get_ns();
  entry.start_ns = task->start_boottime;
  entry.voluntary_count = task->nvcsw;
  entry.involuntary_count = task->nivcsw;
  entry.run_delay_ns = task->sched_info.run_delay;
  bpf_probe_read_kernel(entry.comm, sizeof(entry.comm), &task->comm);
  bpf_seq_write(context->meta->seq, &entry, sizeof(entry));
  return 0;
}
