/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Pages that are moved in a watched thread's own time, and huge pages made of small ones, for threads whose slot asks
 * (kernel_time_events.h). Part of the memory group.
 *
 * Reads:    mm_migrate_pages_start and mm_migrate_pages, in the context of who moves (compaction, move_pages, a NUMA hint fault …);
 *           mm_collapse_huge_page, at its end: there is no tracepoint at its beginning, so no time of it is known.
 * Produces: sums in the slot's hft_thread_kernel, an hft_kernel_time record of each pass above the run-queue threshold; of collapses that
 *           others make (khugepaged) sums of the process.
 * Cost:     every pass over pages that are to move, and every collapse of the host, while they are attached.
 */
#ifndef HFTMON_DAEMON_BPF_MOVED_PAGES_BPF_H_
#define HFTMON_DAEMON_BPF_MOVED_PAGES_BPF_H_

#include "daemon/bpf/memory.bpf.h"

#define SCAN_SUCCEED 1 /* of the kernel's enum scan_result */

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_process_collapses);
} process_collapses SEC(".maps");

/* The reason stands in the beginning alone: where it is in the end differs from kernel to kernel. */
HFT_TRACEPOINT("mm_migrate_pages")
int on_migration_end(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->migration_end_count, 1);
  u64 moved = context[0];
  u64 unmoved = context[1];
  struct kernel_asker asker;
  if (likely(!find_asker(&asker, HFT_MEMORY))) return 0;
  struct hft_kernel_begin *begin = &asker.kernel->stalls_begun[HFT_STALL_MIGRATION];
  if (!begin->start_ns) return 0;
  struct ended_kernel_time ended = {.what = HFT_KERNEL_MIGRATION};
  end_kernel_time(&asker, begin, &ended);
  u32 reason = begin->object < HFT_PAGE_MOVE_REASONS ? begin->object : HFT_PAGE_MOVE_REASONS - 1;
  asker.kernel->migration_reason_count[reason & (HFT_PAGE_MOVE_REASONS - 1)]++;
  asker.kernel->moved_page_count += moved;
  asker.kernel->unmoved_page_count += unmoved;
  account_stall(&asker, &ended, HFT_STALL_MIGRATION, &asker.kernel->migration);
  return 0;
}

HFT_TRACEPOINT("mm_migrate_pages_start")
int on_migration_begin(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->migration_begin_count, 1);
  return begin_search(HFT_STALL_MIGRATION, (u32)context[1]);
}

/* Of the process whose memory that is, by somebody else. */
static __always_inline void count_others_collapse(u32 tgid, bool made) {
  if (likely(!is_watched(tgid))) return;
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = slot_of(tgid, &index);
  if (!slot || !(slot->wishes.probes & HFT_MEMORY)) return;
  u32 key = index;
  struct hft_process_collapses *collapses = bpf_map_lookup_elem(&process_collapses, &key);
  if (!collapses) return;
  if (collapses->generation != slot->generation) {
    collapses->count = 0;
    collapses->failed_count = 0;
    collapses->generation = slot->generation;
  }
  collapses->last_ns = bpf_ktime_get_ns();
  if (made) {
    collapses->count++;
  } else {
    collapses->failed_count++;
  }
}

HFT_TRACEPOINT("mm_collapse_huge_page")
int on_collapse(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->collapse_count, 1);
  struct mm_struct *memory = (struct mm_struct *)context[0];
  bool made = (s32)context[2] == SCAN_SUCCEED;
  struct task_struct *task = (struct task_struct *)bpf_get_current_task();
  if (BPF_CORE_READ(task, mm) != memory) {
    if (bpf_core_field_exists(memory->owner)) count_others_collapse(BPF_CORE_READ(memory, owner, tgid), made);
    return 0;
  }
  struct kernel_asker asker;
  if (likely(!find_asker(&asker, HFT_MEMORY))) return 0;
  if (made) {
    asker.kernel->collapse_count++;
  } else {
    asker.kernel->failed_collapse_count++;
  }
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_MOVED_PAGES_BPF_H_ */
