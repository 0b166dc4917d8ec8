/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * How a program reaches the kernel's objects: here by probe reads from raw tracepoints, for kernels without BTF of their own (types then
 * come from the BTF file that the operator names). A field costs a helper call, about 10 ns more than in access_btf/. A task's saved
 * registers need kernel BTF, so the kind of a switch is known only as far as the counts tell.
 */
#ifndef HFTMON_DAEMON_BPF_TRACING_ACCESS_BPF_H_
#define HFTMON_DAEMON_BPF_TRACING_ACCESS_BPF_H_

#define HFT_TRACEPOINT(name) SEC("raw_tp/" name)

#define READ_FIELD(pointer, field) BPF_CORE_READ(pointer, field)
#define RUN_QUEUE_OF(task) BPF_CORE_READ(task, se.cfs_rq, rq)
#define CAN_CAST 0
#define READ_LIVE_THREADS(task) BPF_CORE_READ(task, signal, live.counter)

/* Per-CPU variables need kernel BTF. */
static __always_inline bool read_preempt_count(u32 *count) {
  return false;
}

#endif /* HFTMON_DAEMON_BPF_TRACING_ACCESS_BPF_H_ */
