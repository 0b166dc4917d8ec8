/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What a stretch of a watched thread's own time in the kernel consisted of (kernel_time_events.h): for the programs of faults, reclaim,
 * compaction, moved pages (memory.bpf.h, moved_pages.bpf.h) and of the kernel's locks (kernel_locks.bpf.h), which say where it begins and
 * ends.
 *
 * Reads:    the slot's off-CPU time and run delay, what interrupts took, the sums of the stalls within.
 * Produces: the sums in the slot's hft_thread_kernel, an hft_kernel_time record of each above the run-queue threshold.
 */
#ifndef HFTMON_DAEMON_BPF_KERNEL_TIME_BPF_H_
#define HFTMON_DAEMON_BPF_KERNEL_TIME_BPF_H_

#include "daemon/bpf/kernel_time_events.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_thread_kernel);
} thread_kernel SEC(".maps");

/* A thread that asks. */
struct kernel_asker {
  struct hft_thread_slot *slot;
  struct hft_thread_kernel *kernel;
  u32 index;
};

/* Of another owner of the slot. Cold. */
static __noinline int clear_kernel(struct hft_thread_kernel *kernel, u32 generation) {
  if (!kernel) return 0;
  for (u32 word = 0; word < sizeof(*kernel) / sizeof(u64); word++) ((volatile u64 *)kernel)[word] = 0;
  kernel->generation = generation;
  return 0;
}

/* The current thread, if its slot asks for `probe` and the table covers it. What a bystander pays comes first. */
static __always_inline bool find_asker(struct kernel_asker *asker, u32 probe) {
  u64 current_pid = bpf_get_current_pid_tgid();
  if (likely(!is_watched(current_pid >> 32))) return false;
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = slot_of((u32)current_pid, &index);
  if (!slot || !(slot->wishes.probes & probe) || slot->state != HFT_SLOT_LIVE) return false;
  u32 key = index;
  struct hft_thread_kernel *kernel = bpf_map_lookup_elem(&thread_kernel, &key);
  if (!kernel) return false;
  if (unlikely(kernel->generation != slot->generation)) clear_kernel(kernel, slot->generation);
  asker->slot = slot;
  asker->kernel = kernel;
  asker->index = key;
  return true;
}

/* What interrupts have taken from the slot's thread so far, by level: NULL: nothing yet. */
static __always_inline struct hft_stolen *stolen_from(struct kernel_asker *asker) {
  struct hft_stolen *taken = bpf_map_lookup_elem(&stolen, &asker->index);
  return taken && taken->generation == asker->slot->generation ? taken : NULL;
}

/* The kernel's own sum and not the slot's copy, which lags where a switch was hidden. */
static __always_inline u64 run_delay_so_far(void) {
  struct task_struct *task = (struct task_struct *)bpf_get_current_task();
  return BPF_CORE_READ(task, sched_info.run_delay);
}

static __always_inline void begin_kernel_time(struct kernel_asker *asker, struct hft_kernel_begin *begin, u64 object) {
  begin->object = object;
  begin->off_cpu_ns = asker->slot->off_cpu_ns;
  begin->off_cpu_count = asker->slot->off_cpu_count;
  begin->run_delay_ns = run_delay_so_far();
  struct hft_stolen *taken = stolen_from(asker);
  for (u32 level = 0; level < HFT_LEVELS; level++) begin->interrupted_ns[level] = taken ? taken->level_ns[level] : 0;
  for (u32 stall = 0; stall < HFT_STALLS; stall++) {
    begin->stall_ns[stall] = asker->kernel->stall_ns[stall];
    begin->stall_off_cpu_ns[stall] = asker->kernel->stall_off_cpu_ns[stall];
  }
  begin->start_ns = bpf_ktime_get_ns();
}

/* One that ended, before it is a record. */
struct ended_kernel_time {
  u64 start_ns;
  u64 end_ns;
  u64 object;
  u64 off_cpu_ns;
  u64 wait_ns;
  u64 interrupted_ns[HFT_LEVELS];
  u64 stall_ns[HFT_STALLS];
  u64 stall_off_cpu_ns[HFT_STALLS];
  u32 owner_tid;
  u32 owner_tgid;
  u8 what;
  u8 kind;
  u8 lock_flags;
  bool on_cpu;
};

static __always_inline u32 in_32_bits(u64 value_ns) {
  return value_ns < 0xffffffff ? value_ns : 0xffffffff;
}

/* `begin` is in progress no more. */
static __always_inline void end_kernel_time(struct kernel_asker *asker, struct hft_kernel_begin *begin, struct ended_kernel_time *ended) {
  ended->start_ns = begin->start_ns;
  begin->start_ns = 0;
  ended->object = begin->object;
  ended->on_cpu = asker->slot->off_cpu_count == begin->off_cpu_count;
  ended->off_cpu_ns = asker->slot->off_cpu_ns - begin->off_cpu_ns;
  u64 wait_ns = run_delay_so_far() - begin->run_delay_ns;
  ended->wait_ns = wait_ns < ended->off_cpu_ns ? wait_ns : ended->off_cpu_ns;
  struct hft_stolen *taken = stolen_from(asker);
  for (u32 level = 0; level < HFT_LEVELS; level++) {
    ended->interrupted_ns[level] = taken ? taken->level_ns[level] - begin->interrupted_ns[level] : 0;
  }
  for (u32 stall = 0; stall < HFT_STALLS; stall++) {
    ended->stall_ns[stall] = asker->kernel->stall_ns[stall] - begin->stall_ns[stall];
    ended->stall_off_cpu_ns[stall] = asker->kernel->stall_off_cpu_ns[stall] - begin->stall_off_cpu_ns[stall];
  }
  ended->end_ns = bpf_ktime_get_ns();
}

/* Cold. */
static __noinline int put_kernel_time(struct ended_kernel_time *ended, u32 index) {
  struct hft_thread_slot *slot = slot_at(index);
  struct hft_cpu_interrupts *interrupted = interrupts_at(bpf_get_smp_processor_id());
  if (!slot || !interrupted || !ended) return 0;
  u64 interrupted_end = interrupted->position;
  u32 count = ended->on_cpu ? count_interruptions(interrupted_end, ended->start_ns) : 0;
  u32 continuation = interruption_cells(count);
  struct reservation reserved;
  if (!reserve_cells(&reserved, bpf_get_smp_processor_id(), 1 + continuation)) return 0;
  struct hft_kernel_time *cell = open_cell(&reserved, 0);
  u64 mono_ns = bpf_ktime_get_ns();
  cell->tid = slot->tid;
  cell->tgid = slot->tgid;
  cell->start_ns = ended->start_ns;
  cell->end_ns = ended->end_ns;
  cell->object = ended->object;
  cell->off_cpu_ns = ended->off_cpu_ns;
  cell->wait_ns = ended->wait_ns;
  for (u32 level = 0; level < HFT_LEVELS; level++) cell->interrupted_ns[level] = in_32_bits(ended->interrupted_ns[level]);
  for (u32 stall = 0; stall < HFT_ARRAY_STALLS; stall++) {
    cell->stall_ns[stall] = in_32_bits(ended->stall_ns[stall]);
    cell->stall_off_cpu_ns[stall] = in_32_bits(ended->stall_off_cpu_ns[stall]);
  }
  if (ended->what == HFT_KERNEL_LOCK) {
    cell->owner_tid = ended->owner_tid;
    cell->owner_tgid = ended->owner_tgid;
  } else {
    cell->migration_ns = in_32_bits(ended->stall_ns[HFT_STALL_MIGRATION]);
    cell->migration_off_cpu_ns = in_32_bits(ended->stall_off_cpu_ns[HFT_STALL_MIGRATION]);
  }
  cell->slot = index;
  cell->what = ended->what;
  cell->kind = ended->kind;
  cell->lock_flags = ended->lock_flags;
  cell->on_cpu = ended->on_cpu;
  cell->interruption_count = count;
  cell->interruptions_truncated = more_interruptions(interrupted, interrupted_end, count, ended->start_ns);
  if (continuation) put_interruptions(reserved.first + 1, interrupted_end - count, count, mono_ns);
  publish_cell(&reserved, 0, cell, HFT_RECORD_KERNEL_TIME, continuation, mono_ns);
  return 0;
}

/* Adds it to its row, and tells it when it was long. */
static __always_inline void account_kernel_time(struct kernel_asker *asker, struct ended_kernel_time *ended, struct hft_kernel_sum *row) {
  u64 duration_ns = ended->end_ns - ended->start_ns;
  row->count++;
  row->duration_ns += duration_ns;
  row->off_cpu_ns += ended->off_cpu_ns;
  if (duration_ns > row->longest_ns) row->longest_ns = duration_ns;
  if (unlikely(duration_ns > cpu_at(bpf_get_smp_processor_id())->run_queue_threshold_ns)) put_kernel_time(ended, asker->index);
}

/* What is left of it without the stalls within it, the interrupts and, in the first, the time off the CPU. */
static __always_inline void account_stall(struct kernel_asker *asker, struct ended_kernel_time *ended, u32 stall,
                                          struct hft_kernel_sum *row) {
  u64 own_ns = ended->end_ns - ended->start_ns - ended->off_cpu_ns;
  u64 own_off_cpu_ns = ended->off_cpu_ns;
  for (u32 level = 0; level < HFT_LEVELS; level++) own_ns -= ended->interrupted_ns[level];
  for (u32 within = 0; within < HFT_STALLS; within++) {
    own_ns -= ended->stall_ns[within];
    own_off_cpu_ns -= ended->stall_off_cpu_ns[within];
  }
  /* The scheduler's clock and this one may be a moment apart. */
  if ((s64)own_ns > 0) asker->kernel->stall_ns[stall] += own_ns;
  if ((s64)own_off_cpu_ns > 0) asker->kernel->stall_off_cpu_ns[stall] += own_off_cpu_ns;
  account_kernel_time(asker, ended, row);
}

#endif /* HFTMON_DAEMON_BPF_KERNEL_TIME_BPF_H_ */
