/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * A watched thread changes CPU. sched_migrate_task fires while the thread still belongs to the old run queue, under that queue's lock when
 * it was waiting there, so the old CPU's clock and log are still the right ones.
 */
#ifndef HFTMON_DAEMON_BPF_MIGRATION_BPF_H_
#define HFTMON_DAEMON_BPF_MIGRATION_BPF_H_

static __always_inline u8 reason_of_migration(struct task_struct *task, u32 from_cpu) {
  unsigned long allowed = 0;
  /* The mask is as long as the kernel was built for; from_cpu is a CPU of it. */
  bpf_probe_read_kernel(&allowed, sizeof(allowed), (char *)&task->cpus_mask + from_cpu / 64 * sizeof(allowed));
  /* First: a thread that changes its own mask may sleep until the stopper is done, and is then moved while it wakes. */
  if (!((allowed >> (from_cpu & 63)) & 1)) return HFT_MIGRATION_AFFINITY;
  if (task_state(task) & TASK_WAKING) return HFT_MIGRATION_WAKE_UP;
  if (task_in_execve(task)) return HFT_MIGRATION_EXEC;
  return HFT_MIGRATION_BALANCE;
}

static __always_inline void put_migration(struct task_struct *task, struct hft_thread_slot *slot, u16 index, u32 cpu, u32 to_cpu) {
  struct rq *queue = RUN_QUEUE_OF(task);
  u32 from_cpu = READ_FIELD(queue, cpu);
  u64 from_clock_ns = READ_FIELD(queue, clock);
  /* Not marked: where its wait began was not seen, and that wait is in no figure. */
  bool queued = READ_FIELD(task, on_rq) == TASK_ON_RQ_MIGRATING && slot->task == (u64)task;
  u64 run_delay_ns = READ_FIELD(task, sched_info.run_delay);
  u64 wait_ns = queued ? run_delay_ns - slot->segment_run_delay_ns : 0;
  struct log_stretch stretch = {};
  if (queued) {
    slot->segment_run_delay_ns = run_delay_ns;
    if (slot->out.wait_migrations < 255) slot->out.wait_migrations++;
    find_stretch(&stretch, from_cpu, cpu_at(from_cpu)->position, from_clock_ns - wait_ns);
  }
  struct reservation reserved;
  u32 continuation = continuation_cells(stretch.count);
  if (!reserve_cells(&reserved, cpu, 1 + continuation)) return;
  struct hft_migration *cell = open_cell(&reserved, 0);
  u64 mono_ns = bpf_ktime_get_ns();
  cell->tid = READ_FIELD(task, pid);
  cell->tgid = READ_FIELD(task, tgid);
  cell->from_clock_ns = from_clock_ns;
  cell->wait_ns = wait_ns;
  cell->slot = index;
  cell->from_cpu = from_cpu;
  cell->to_cpu = to_cpu;
  cell->reason = reason_of_migration(task, from_cpu);
  cell->queued = queued;
  cell->runners_truncated = stretch.truncated;
  cell->runner_count = stretch.count;
  struct task_struct *running = READ_FIELD(queue, curr);
  bpf_probe_read_kernel(cell->from_comm, HFT_COMM_LENGTH, (char *)running + bpf_core_field_offset(struct task_struct, comm));
  put_first_runners(cell->runners, &stretch);
  if (continuation) {
    put_runners(reserved.first + 1, from_cpu, stretch.first + HFT_INLINE_RUNNERS, stretch.first + stretch.count, mono_ns);
  }
  publish_cell(&reserved, 0, cell, HFT_RECORD_MIGRATION, continuation, mono_ns);
}

HFT_TRACEPOINT("sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *task, int to_cpu) {
  if (unlikely(controls.off)) return 0;
  u32 cpu = bpf_get_smp_processor_id();
  __sync_fetch_and_add(&cpu_at(cpu)->migrate_count, 1);
  if (!is_watched(READ_FIELD(task, tgid))) return 0;
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = slot_of(READ_FIELD(task, pid), &index);
  if (!slot) return 0;
  slot->migration_count++;
  put_migration(task, slot, index, cpu, to_cpu);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_MIGRATION_BPF_H_ */
