/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Page faults and flushes of the TLB, of threads whose slot asks (memory_events.h).
 *
 * Reads:    page_fault_user, page_fault_kernel and the kernel's software events minor-faults and major-faults, in the faulting thread's
 *           context; tlb_flush; the slot's off-CPU time and run delay, and what interrupts took. The mapping is not looked up: the helper
 *           for it (bpf_find_vma) queues IRQ work, 10 us here.
 * Produces: sums by kind in the slot's hft_thread_memory, an hft_fault record of each fault above the run-queue threshold.
 * Cost:     every page fault and TLB flush of the host while they are attached, and they are attached only while a target asks
 *           (collectors/memory_programs.h).
 *
 * The end is a software event and not the return of handle_mm_fault: kernels that are locked down refuse programs at functions.
 */
#ifndef HFTMON_DAEMON_BPF_MEMORY_BPF_H_
#define HFTMON_DAEMON_BPF_MEMORY_BPF_H_

#include "daemon/bpf/memory_events.h"

#define PAGE_SHIFT_MIN 12
#define TLB_FLUSH_ALL (~0ul)

/* What a program at a software event is given (<linux/bpf_perf_event.h>), without the registers' names. */
#if defined(__TARGET_ARCH_x86)
#define EVENT_REGISTERS 21
#define EVENT_CODE_SEGMENT 17 /* its two lowest bits: 3 in user mode */
#else
#define EVENT_REGISTERS 34
#endif
struct event_context {
  u64 registers[EVENT_REGISTERS];
  u64 sample_period;
  u64 addr;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_thread_memory);
} thread_memory SEC(".maps");

/* A thread that asks. */
struct memory_asker {
  struct hft_thread_slot *slot;
  struct hft_thread_memory *memory;
  u32 index;
};

/* The current thread, if its slot asks and the table covers it. What a bystander pays comes first. */
static __always_inline bool find_asker(struct memory_asker *asker) {
  u64 current_pid = bpf_get_current_pid_tgid();
  if (likely(!is_watched(current_pid >> 32))) return false;
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = slot_of((u32)current_pid, &index);
  if (!slot || !(slot->wishes.probes & HFT_MEMORY) || slot->state != HFT_SLOT_LIVE) return false;
  u32 key = index;
  struct hft_thread_memory *memory = bpf_map_lookup_elem(&thread_memory, &key);
  if (!memory) return false;
  if (unlikely(memory->generation != slot->generation)) {
    __builtin_memset(memory, 0, sizeof(*memory));
    memory->generation = slot->generation;
  }
  asker->slot = slot;
  asker->memory = memory;
  asker->index = key;
  return true;
}

/* What interrupts have taken from the slot's thread so far, by level: NULL: nothing yet. */
static __always_inline struct hft_stolen *stolen_from(struct memory_asker *asker) {
  struct hft_stolen *taken = bpf_map_lookup_elem(&stolen, &asker->index);
  return taken && taken->generation == asker->slot->generation ? taken : NULL;
}

/* The kernel's own sum and not the slot's copy, which lags where a switch was hidden. */
static __always_inline u64 run_delay_so_far(void) {
  struct task_struct *task = (struct task_struct *)bpf_get_current_task();
  return BPF_CORE_READ(task, sched_info.run_delay);
}

static __always_inline int begin_fault(u64 *context, u32 mode) {
  struct memory_asker asker;
  if (likely(!find_asker(&asker))) return 0;
  struct hft_fault_begin *begin = &asker.memory->begin[mode];
  if (begin->start_ns) asker.memory->unended_count++;
  begin->address = context[0];
  begin->off_cpu_ns = asker.slot->off_cpu_ns;
  begin->off_cpu_count = asker.slot->off_cpu_count;
  begin->run_delay_ns = run_delay_so_far();
  struct hft_stolen *taken = stolen_from(&asker);
  for (u32 level = 0; level < HFT_LEVELS; level++) begin->interrupted_ns[level] = taken ? taken->level_ns[level] : 0;
  begin->start_ns = bpf_ktime_get_ns();
  return 0;
}

HFT_TRACEPOINT("page_fault_user")
int on_user_fault(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->user_fault_count, 1);
  return begin_fault(context, 0);
}

HFT_TRACEPOINT("page_fault_kernel")
int on_kernel_fault(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->kernel_fault_count, 1);
  return begin_fault(context, 1);
}

/* A fault that ended, before it is a record. */
struct ended_fault {
  u64 start_ns;
  u64 end_ns;
  u64 off_cpu_ns;
  u64 wait_ns;
  u64 interrupted_ns[HFT_LEVELS];
  u32 kind;
  bool on_cpu;
};

/* Cold. */
static __noinline int put_fault(struct ended_fault *ended, u32 index, u64 address) {
  struct hft_thread_slot *slot = slot_at(index);
  struct hft_cpu_interrupts *interrupted = interrupts_at(bpf_get_smp_processor_id());
  if (!slot || !interrupted) return 0;
  u64 interrupted_end = interrupted->position;
  u32 count = ended->on_cpu ? count_interruptions(interrupted_end, ended->start_ns) : 0;
  u32 continuation = interruption_cells(count);
  struct reservation reserved;
  if (!reserve_cells(&reserved, bpf_get_smp_processor_id(), 1 + continuation)) return 0;
  struct hft_fault *cell = open_cell(&reserved, 0);
  u64 mono_ns = bpf_ktime_get_ns();
  cell->tid = slot->tid;
  cell->tgid = slot->tgid;
  cell->start_ns = ended->start_ns;
  cell->end_ns = ended->end_ns;
  cell->address = address;
  cell->off_cpu_ns = ended->off_cpu_ns;
  cell->wait_ns = ended->wait_ns;
  for (u32 level = 0; level < HFT_LEVELS; level++) cell->interrupted_ns[level] = ended->interrupted_ns[level];
  cell->slot = index;
  cell->kind = ended->kind;
  cell->on_cpu = ended->on_cpu;
  cell->interruption_count = count;
  cell->interruptions_truncated = more_interruptions(interrupted, interrupted_end, count, ended->start_ns);
  if (continuation) put_interruptions(reserved.first + 1, interrupted_end - count, count, mono_ns);
  publish_cell(&reserved, 0, cell, HFT_RECORD_FAULT, continuation, mono_ns);
  return 0;
}

/* Where the thread was when it trapped. */
static __always_inline u32 mode_of(struct event_context *context) {
#if defined(__TARGET_ARCH_x86)
  return (context->registers[EVENT_CODE_SEGMENT] & 3) == 3 ? 0 : 1;
#else
  return 0;
#endif
}

/* The kernel counts faults of this trap only: those that it handles for itself have no event. A trap may have ended before it was counted.
 */
static __always_inline int end_fault(struct event_context *context, u32 major) {
  struct memory_asker asker;
  if (likely(!find_asker(&asker))) return 0;
  u64 address = context->addr;
  u32 mode = mode_of(context);
  struct hft_thread_memory *memory = asker.memory;
  struct hft_fault_begin *begin = &memory->begin[mode & (HFT_FAULT_MODES - 1)];
  struct ended_fault ended = {.start_ns = begin->start_ns};
  if (!ended.start_ns || ((begin->address ^ address) >> PAGE_SHIFT_MIN)) return 0;
  begin->start_ns = 0;
  ended.kind = (mode << 1) | major;
  ended.on_cpu = asker.slot->off_cpu_count == begin->off_cpu_count;
  ended.off_cpu_ns = asker.slot->off_cpu_ns - begin->off_cpu_ns;
  u64 wait_ns = run_delay_so_far() - begin->run_delay_ns;
  ended.wait_ns = wait_ns < ended.off_cpu_ns ? wait_ns : ended.off_cpu_ns;
  struct hft_stolen *taken = stolen_from(&asker);
  for (u32 level = 0; level < HFT_LEVELS; level++) {
    ended.interrupted_ns[level] = taken ? taken->level_ns[level] - begin->interrupted_ns[level] : 0;
  }
  ended.end_ns = bpf_ktime_get_ns();
  u64 duration_ns = ended.end_ns - ended.start_ns;
  struct hft_fault_row *row = &memory->faults[ended.kind & (HFT_FAULT_KINDS - 1)];
  row->count++;
  row->duration_ns += duration_ns;
  row->off_cpu_ns += ended.off_cpu_ns;
  if (duration_ns > row->longest_ns) row->longest_ns = duration_ns;
  if (unlikely(duration_ns > cpu_at(bpf_get_smp_processor_id())->run_queue_threshold_ns)) put_fault(&ended, asker.index, address);
  return 0;
}

SEC("perf_event")
int on_minor_fault(struct event_context *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->minor_fault_count, 1);
  return end_fault(context, 0);
}

SEC("perf_event")
int on_major_fault(struct event_context *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->major_fault_count, 1);
  return end_fault(context, 1);
}

/* Of a remote shootdown the current thread is whom its IPI interrupted. */
HFT_TRACEPOINT("tlb_flush")
int on_tlb_flush(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->tlb_flush_count, 1);
  u32 reason = context[0];
  if (!context[1] && reason != HFT_TLB_REMOTE_WRONG_CPU) return 0; /* nothing was flushed */
  struct memory_asker asker;
  if (likely(!find_asker(&asker))) return 0;
  if (reason >= HFT_TLB_REASONS) reason = HFT_TLB_REASONS - 1;
  asker.memory->tlb_flush_count[reason & (HFT_TLB_REASONS - 1)]++;
  if (reason == HFT_TLB_REMOTE_SHOOTDOWN && context[1] == TLB_FLUSH_ALL) asker.memory->tlb_full_count++;
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_MEMORY_BPF_H_ */
