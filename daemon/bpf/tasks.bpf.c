/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * A task iterator: the threads that exist, for attaching to a process that already runs.
 * Reads: every task_struct of the host. Produces: one task_entry for each thread of wanted_tgid, or of tid wanted_tid, or for every one.
 */
#include "daemon/bpf/kernel_types.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "daemon/bpf/task_entry.h"

/* bpf_task_pt_regs came with 5.15 (dd6e10fbd9fb). */
enum bpf_func_id___since_5_15 { BPF_FUNC_task_pt_regs___since_5_15 = 175 };

char LICENSE[] SEC("license") = "GPL";

__u32 wanted_tgid = 0; /* 0 = none */
__u32 wanted_tid = 0;
__u32 wanted_all = 0; /* 1 = every thread */

SEC("iter/task")
int list_tasks(struct bpf_iter__task *context) {
  struct task_struct *task = context->task;
  if (!task) return 0;
  u32 tid = task->pid;
  u32 tgid = task->tgid;
  if (!wanted_all && tgid != wanted_tgid && tid != wanted_tid) return 0;
  if (task->exit_state != 0) return 0; /* a zombie never runs again */
  struct hft_task_entry entry = {};
  entry.tid = tid;
  entry.tgid = tgid;
  entry.parent_tgid = task->real_parent->tgid;
  entry.kernel_thread = (task->flags & PF_KTHREAD) != 0;
  if (bpf_core_enum_value_exists(enum bpf_func_id___since_5_15, BPF_FUNC_task_pt_regs___since_5_15))
    entry.register_offset = bpf_task_pt_regs(task) - (long)task->stack;
  entry.start_ns = task->start_boottime;
  entry.voluntary_count = task->nvcsw;
  entry.involuntary_count = task->nivcsw;
  entry.run_delay_ns = task->sched_info.run_delay;
  bpf_probe_read_kernel(entry.comm, sizeof(entry.comm), &task->comm);
  bpf_seq_write(context->meta->seq, &entry, sizeof(entry));
  return 0;
}
