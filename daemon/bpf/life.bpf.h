/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A watched process's threads and children: born, renamed by exec, ended. */
#ifndef HFTMON_DAEMON_BPF_LIFE_BPF_H_
#define HFTMON_DAEMON_BPF_LIFE_BPF_H_

struct life_details {
  u8 type;
  u16 slot;
  u32 parent_tid;
  u32 parent_tgid;
  u32 previous_tid;
  u16 process_ended;
};

static __always_inline void put_life(struct task_struct *task, u32 cpu, struct life_details *details) {
  struct reservation reserved;
  if (!reserve_cells(&reserved, cpu, 1)) return;
  struct hft_life *cell = open_cell(&reserved, 0);
  u64 mono_ns = bpf_ktime_get_ns();
  cell->tid = READ_FIELD(task, pid);
  cell->tgid = READ_FIELD(task, tgid);
  cell->parent_tid = details->parent_tid;
  cell->parent_tgid = details->parent_tgid;
  cell->previous_tid = details->previous_tid;
  cell->slot = details->slot;
  cell->process_ended = details->process_ended;
  cell->start_ns = READ_FIELD(task, start_boottime);
  bpf_probe_read_kernel(cell->comm, HFT_COMM_LENGTH, &task->comm);
  publish_cell(&reserved, 0, cell, details->type, 0, mono_ns);
}

/* Its last switch: the slot, the CPU's watched one, is final, and the tid may belong to somebody else from now on. */
static __noinline int end_thread(struct hft_cpu *cpu_state, struct task_struct *task, struct hft_thread_slot *slot) {
  u16 index = cpu_state->watched_slot;
  struct life_details details = {.type = HFT_RECORD_ENDED, .slot = index, .process_ended = READ_LIVE_THREADS(task) == 0};
  u16 *entry = slot_entry(READ_FIELD(task, pid));
  slot->state = HFT_SLOT_ENDED;
  slot->task = 0; /* the next task may be born at this address */
  if (entry && *entry == index) *entry = HFT_NO_SLOT;
  put_life(task, bpf_get_smp_processor_id(), &details);
  return 0;
}

/* The counts until now are its base: zeroes for a thread that is being born. Its stacks are its parent's choice, if that one has a slot. */
static __noinline u16 give_slot(struct task_struct *child, u32 parent_tid) {
  u32 tid = READ_FIELD(child, pid);
  u16 *entry = slot_entry(tid);
  if (!entry || tid >= IMMEDIATE(HFT_IMMEDIATE_PID_BOUND)) {
    __sync_fetch_and_add(&controls.pid_too_large, 1);
    return HFT_NO_SLOT;
  }
  u32 index = HFT_NO_SLOT;
  if (bpf_map_pop_elem(&free_slots, &index)) {
    __sync_fetch_and_add(&controls.slots_exhausted, 1);
    *entry = HFT_NO_SLOT;
    return HFT_NO_SLOT;
  }
  struct hft_thread_slot *slot = slot_at(index);
  if (!slot) return HFT_NO_SLOT;
  slot->tid = tid;
  slot->tgid = READ_FIELD(child, tgid);
  slot->start_ns = READ_FIELD(child, start_boottime);
  slot->task = (u64)child;
  slot->base_voluntary_count = slot->voluntary_count = READ_FIELD(child, nvcsw);
  slot->base_involuntary_count = slot->involuntary_count = READ_FIELD(child, nivcsw);
  slot->base_run_delay_ns = slot->run_delay_ns = slot->segment_run_delay_ns = READ_FIELD(child, sched_info.run_delay);
  u16 parent_index = HFT_NO_SLOT;
  struct hft_thread_slot *parent_slot = slot_of(parent_tid, &parent_index);
  if (parent_slot) slot->wishes = parent_slot->wishes;
  slot->generation++;
  slot->state = HFT_SLOT_LIVE;
  barrier();
  *entry = index;
  return index;
}

/* Runs in the parent, before the child can run. */
HFT_TRACEPOINT("sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child) {
  if (unlikely(controls.off)) return 0;
  u32 cpu = bpf_get_smp_processor_id();
  __sync_fetch_and_add(&cpu_at(cpu)->fork_count, 1);
  u32 tgid = READ_FIELD(child, tgid);
  u32 parent_tgid = READ_FIELD(parent, tgid);
  bool new_process = tgid == (u32)READ_FIELD(child, pid);
  struct life_details details = {.type = HFT_RECORD_FORK, .parent_tid = READ_FIELD(parent, pid), .parent_tgid = parent_tgid};
  u64 bit = 1ull << (tgid & 63);
  u64 *word = &watched_bits[(tgid & (HFT_PID_LIMIT - 1)) / 64];
  if (!is_watched(parent_tgid) || (new_process && !controls.follow_children)) {
    if (!new_process || !is_watched(tgid)) return 0;
    /* The bit is a dead target's: this process only got its number. */
    __sync_fetch_and_and(word, ~bit);
    __sync_fetch_and_add(&controls.recycled_pids, 1);
    details.type = HFT_RECORD_RECYCLED;
    put_life(child, cpu, &details);
    return 0;
  }
  if (new_process) __sync_fetch_and_or(word, bit);
  details.slot = give_slot(child, details.parent_tid);
  put_life(child, cpu, &details);
  return 0;
}

/*
 * exec by a thread that is not the leader: the kernel has ended the leader and given its tid to this thread. The slot goes with the
 * thread; the dead leader's, if its last switch came after the exchange, is ended here.
 */
static __always_inline u16 follow_exchange(struct task_struct *task, u32 old_tid, u32 cpu) {
  u32 tid = READ_FIELD(task, pid);
  u16 *old_entry = slot_entry(old_tid);
  u16 *entry = slot_entry(tid);
  if (!old_entry || !entry) return HFT_NO_SLOT;
  u16 index = *old_entry;
  struct hft_thread_slot *slot = slot_at(index);
  u16 leader_index = *entry;
  struct hft_thread_slot *leader = slot_at(leader_index);
  if (leader && leader_index != index && leader->state == HFT_SLOT_LIVE) {
    struct life_details details = {.type = HFT_RECORD_ENDED, .slot = leader_index};
    leader->state = HFT_SLOT_ENDED;
    leader->task = 0;
    put_life(task, cpu, &details);
  }
  *old_entry = HFT_NO_SLOT;
  if (slot) {
    slot->tid = tid;
    slot->start_ns = READ_FIELD(task, start_boottime);
  }
  *entry = index;
  return index;
}

/*
 * Whether a rule asks for processes of this name, task->comm as two words. Linear: an exec costs a thousand times more than 256
 * comparisons. Not static, as those of runner_log.bpf.h.
 */
__noinline u32 is_rule_name(u64 first, u64 second) {
  u32 count = controls.rule_name_count;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < HFT_RULE_NAMES_MAX; i++) {
    if (i >= count) break;
    if (rule_names[i].words[0] == first && rule_names[i].words[1] == second) return 1;
  }
  return 0;
}

/*
 * exec by a process that is not watched, while there are rules: the daemon hears of it. One that a rule names is watched from here on: exec
 * has left it this thread alone, whose counts until now are the slot's base. Should the daemon decide otherwise it takes the bit away.
 */
static __noinline int notice_exec(struct task_struct *task, u32 old_tid) {
  struct life_details details = {.type = HFT_RECORD_EXEC, .previous_tid = old_tid};
  u64 name[2] = {};
  bpf_probe_read_kernel_str(name, sizeof(name), &task->comm);
  if (is_rule_name(name[0], name[1])) {
    details.slot = give_slot(task, 0 /* idle: nobody's stacks */);
    u32 tgid = READ_FIELD(task, tgid);
    if (details.slot != HFT_NO_SLOT) {
      __sync_fetch_and_or(&watched_bits[(tgid & (HFT_PID_LIMIT - 1)) / 64], 1ull << (tgid & 63));
    }
  }
  put_life(task, bpf_get_smp_processor_id(), &details);
  return 0;
}

HFT_TRACEPOINT("sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid) {
  if (unlikely(controls.off)) return 0;
  u32 cpu = bpf_get_smp_processor_id();
  __sync_fetch_and_add(&cpu_at(cpu)->exec_count, 1);
  if (!is_watched(READ_FIELD(task, tgid))) {
    if (controls.rules_active) notice_exec(task, old_pid);
    return 0;
  }
  struct life_details details = {.type = HFT_RECORD_EXEC, .previous_tid = old_pid};
  u32 tid = READ_FIELD(task, pid);
  if ((u32)old_pid != tid) {
    details.slot = follow_exchange(task, old_pid, cpu);
  } else {
    slot_of(tid, &details.slot);
  }
  put_life(task, cpu, &details);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_LIFE_BPF_H_ */
