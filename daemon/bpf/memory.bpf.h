/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Page faults, flushes of the TLB, direct reclaim and compaction, of threads whose slot asks (kernel_time_events.h).
 *
 * Reads:    page_fault_user, page_fault_kernel and the kernel's software events minor-faults and major-faults, in the faulting thread's
 *           context; tlb_flush; mm_vmscan_direct_reclaim_*, mm_vmscan_memcg_reclaim_*, mm_compaction_begin and _end. The mapping is not
 *           looked up: the helper for it (bpf_find_vma) queues IRQ work, 10 us here.
 * Produces: sums by kind in the slot's hft_thread_kernel, an hft_kernel_time record of each above the run-queue threshold.
 * Cost:     every page fault, TLB flush, direct reclaim and compaction of the host while they are attached, and they are attached only
 *           while a target asks (collectors/memory_programs.h).
 *
 * Reclaim is what lies between its tracepoints: being throttled before it begins (throttle_direct_reclaim) or after it ended (memory.high)
 * is not in it.
 *
 * The end of a fault is a software event and not the return of handle_mm_fault: kernels that are locked down refuse programs at functions.
 */
#ifndef HFTMON_DAEMON_BPF_MEMORY_BPF_H_
#define HFTMON_DAEMON_BPF_MEMORY_BPF_H_

#include "daemon/bpf/kernel_time.bpf.h"
#include "daemon/bpf/shootdowns.bpf.h"

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

static __always_inline int begin_fault(u64 *context, u32 mode) {
  struct kernel_asker asker;
  if (likely(!find_asker(&asker, HFT_MEMORY))) return 0;
  struct hft_kernel_begin *begin = &asker.kernel->faults_begun[mode];
  if (begin->start_ns) asker.kernel->unended_count++;
  begin_kernel_time(&asker, begin, context[0]);
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
  struct kernel_asker asker;
  if (likely(!find_asker(&asker, HFT_MEMORY))) return 0;
  u64 address = context->addr;
  u32 mode = mode_of(context);
  struct hft_kernel_begin *begin = &asker.kernel->faults_begun[mode & (HFT_FAULT_MODES - 1)];
  if (!begin->start_ns || ((begin->object ^ address) >> PAGE_SHIFT_MIN)) return 0;
  struct ended_kernel_time ended = {.what = HFT_KERNEL_FAULT};
  end_kernel_time(&asker, begin, &ended);
  ended.object = address;
  u32 kind = (mode << 1) + major;
  ended.kind = kind;
  account_kernel_time(&asker, &ended, &asker.kernel->faults[kind & (HFT_FAULT_KINDS - 1)]);
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
  if (reason == HFT_TLB_REMOTE_SEND_IPI) begin_shootdowns();
  struct kernel_asker asker;
  if (likely(!find_asker(&asker, HFT_MEMORY))) return 0;
  if (reason >= HFT_TLB_REASONS) reason = HFT_TLB_REASONS - 1;
  asker.kernel->tlb_flush_count[reason & (HFT_TLB_REASONS - 1)]++;
  if (reason != HFT_TLB_REMOTE_SHOOTDOWN) return 0;
  bool full = context[1] == TLB_FLUSH_ALL;
  if (full) asker.kernel->tlb_full_count++;
  count_sender(&asker, full);
  return 0;
}

/* ---- Memory that has to be found first. Ends stand before beginnings. */

static __always_inline int begin_search(u32 stall, u64 object) {
  struct kernel_asker asker;
  if (likely(!find_asker(&asker, HFT_MEMORY))) return 0;
  struct hft_kernel_begin *begin = &asker.kernel->stalls_begun[stall];
  if (begin->start_ns) asker.kernel->unended_stall_count[stall]++;
  begin_kernel_time(&asker, begin, object);
  return 0;
}

static __always_inline int end_search(u32 stall) {
  struct kernel_asker asker;
  if (likely(!find_asker(&asker, HFT_MEMORY))) return 0;
  struct hft_kernel_begin *begin = &asker.kernel->stalls_begun[stall];
  if (!begin->start_ns) return 0;
  bool reclaim = stall == HFT_STALL_RECLAIM;
  struct ended_kernel_time ended = {.what = reclaim ? HFT_KERNEL_RECLAIM : HFT_KERNEL_COMPACTION};
  end_kernel_time(&asker, begin, &ended);
  account_stall(&asker, &ended, stall, reclaim ? &asker.kernel->reclaim : &asker.kernel->compaction);
  return 0;
}

#define HFT_SEARCH(program, tracepoint, stall)                                           \
  HFT_TRACEPOINT(tracepoint "_end")                                                      \
  int on_##program##_end(u64 *context) {                                                 \
    if (unlikely(controls.off)) return 0;                                                \
    __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->program##_end_count, 1);   \
    return end_search(stall);                                                            \
  }                                                                                      \
  HFT_TRACEPOINT(tracepoint "_begin")                                                    \
  int on_##program##_begin(u64 *context) {                                               \
    if (unlikely(controls.off)) return 0;                                                \
    __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->program##_begin_count, 1); \
    return begin_search(stall, 0);                                                       \
  }

HFT_SEARCH(reclaim, "mm_vmscan_direct_reclaim", HFT_STALL_RECLAIM)
HFT_SEARCH(group_reclaim, "mm_vmscan_memcg_reclaim", HFT_STALL_RECLAIM)
HFT_SEARCH(compaction, "mm_compaction", HFT_STALL_COMPACTION)

#endif /* HFTMON_DAEMON_BPF_MEMORY_BPF_H_ */
