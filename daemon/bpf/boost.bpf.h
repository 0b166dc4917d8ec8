/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Priority inheritance: the kernel gives a watched thread the priority of the most urgent one that waits for its locks, or its own again.
 *
 * Reads:    sched_pi_setprio, which rt_mutex_setprio passes under the thread's run queue's lock, before it writes the new priority.
 * Produces: an HFT_RECORD_BOOST for each change of a watched thread's priority.
 * Cost:     runs only when a priority changes by inheritance, so it is attached always. With PREEMPT_RT the kernel's own locks inherit too.
 */
#ifndef HFTMON_DAEMON_BPF_BOOST_BPF_H_
#define HFTMON_DAEMON_BPF_BOOST_BPF_H_

/*
 * Who waits, or 0. Copied as a number: kernels before 6.13 (838a10bd2ebf) believe that a tracepoint's typed argument is never NULL, may
 * take a test of it out and let the program read there, and this one is NULL whenever nobody waits any more.
 */
static __always_inline struct task_struct *donor_of(u64 *context) {
  u64 donor = 0;
  if (bpf_probe_read_kernel(&donor, sizeof(donor), context + 1)) return NULL;
  return (struct task_struct *)donor;
}

static __always_inline void put_boost(struct task_struct *task, struct task_struct *donor, u16 index) {
  struct reservation reserved;
  if (!reserve_cells(&reserved, bpf_get_smp_processor_id(), 1)) return;
  struct hft_boost *cell = open_cell(&reserved, 0);
  u64 mono_ns = bpf_ktime_get_ns();
  s32 own_priority = READ_FIELD(task, normal_prio);
  s32 priority = own_priority;
  cell->tid = READ_FIELD(task, pid);
  cell->tgid = READ_FIELD(task, tgid);
  cell->donor_tid = 0;
  cell->donor_tgid = 0;
  cell->donor_comm[0] = 0;
  if (donor) {
    /* As rt_effective_prio: the lower number is the more urgent, and a donor that is less urgent than the thread itself changes nothing. */
    s32 donor_priority = BPF_CORE_READ(donor, prio);
    if (donor_priority < priority) priority = donor_priority;
    cell->donor_tid = BPF_CORE_READ(donor, pid);
    cell->donor_tgid = BPF_CORE_READ(donor, tgid);
    bpf_probe_read_kernel(cell->donor_comm, HFT_COMM_LENGTH, (char *)donor + bpf_core_field_offset(struct task_struct, comm));
  }
  cell->slot = index;
  cell->old_priority = READ_FIELD(task, prio);
  cell->new_priority = priority;
  cell->own_priority = own_priority;
  cell->policy = READ_FIELD(task, policy);
  publish_cell(&reserved, 0, cell, HFT_RECORD_BOOST, 0, mono_ns);
}

HFT_TRACEPOINT("sched_pi_setprio")
int on_boost(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->boost_count, 1);
  struct task_struct *task = (struct task_struct *)((volatile u64 *)context)[0];
  if (!is_watched(READ_FIELD(task, tgid))) return 0;
  u16 index = HFT_NO_SLOT;
  if (!slot_of(READ_FIELD(task, pid), &index)) return 0;
  put_boost(task, donor_of(context), index);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_BOOST_BPF_H_ */
