/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * How a program reaches the kernel's objects: here through the kernel's own BTF (tp_btf), where a field is one load.
 * access_raw/ holds the variant for kernels where tp_btf cannot be had. The build compiles each program once with each folder on its
 * include path, and the daemon picks one at start.
 */
#ifndef HFTMON_DAEMON_BPF_TRACING_ACCESS_BPF_H_
#define HFTMON_DAEMON_BPF_TRACING_ACCESS_BPF_H_

#define HFT_TRACEPOINT(name) SEC("tp_btf/" name)

#define READ_FIELD(pointer, field) ((pointer)->field)
#define RUN_QUEUE_OF(task) ((task)->se.cfs_rq->rq) /* the rq symbol itself cannot be had */
/* Whether a bare address may be read as a kernel object (6.2): decided before the load, no branch is left of it. */
#define CAN_CAST (IMMEDIATE(HFT_IMMEDIATE_REGISTER_ACCESS) == HFT_REGISTERS_BY_CAST)
/* bpf_get_task_stack came with 5.9 (fa28dcb82a38), and needs a task that the verifier knows. */
enum bpf_func_id___task_stack { BPF_FUNC_get_task_stack___task_stack = 141 };
#define CAN_WALK_TASK_STACK bpf_core_enum_value_exists(enum bpf_func_id___task_stack, BPF_FUNC_get_task_stack___task_stack)
#define TASK_STACK(task, buffer, bytes) bpf_get_task_stack(task, buffer, bytes, 0)
#define READ_LIVE_THREADS(task) ((task)->signal->live.counter)

/*
 * The kernel's count of what this CPU is in. x86: a per-CPU variable, from 6.2 to 6.14 a field of pcpu_hot; other machines keep it
 * elsewhere. Which one the load names is decided before it (immediates.h).
 */
struct pcpu_hot {
  int preempt_count;
} __attribute__((preserve_access_index));

/* False where it cannot be read. */
static __always_inline bool read_preempt_count(u32 *count) {
  const char *holder;
  asm volatile("%[holder] = %[variable] ll" : [holder] "=r"(holder) : [variable] "i"(HFT_IMMEDIATE_PREEMPT_COUNT));
  if (!holder) return false;
  holder = bpf_this_cpu_ptr(holder);
  if (bpf_core_field_exists(((struct pcpu_hot *)0)->preempt_count)) holder += bpf_core_field_offset(struct pcpu_hot, preempt_count);
  *count = *(const int *)holder;
  return true;
}

#endif /* HFTMON_DAEMON_BPF_TRACING_ACCESS_BPF_H_ */
