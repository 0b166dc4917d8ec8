/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Contended locks of the kernel that watched threads wait for, where their slot asks (HFT_KERNEL_LOCKS).
 *
 * Reads:    contention_begin, contention_end (Linux 5.19), in the waiter's context; of a mutex and of a read-write semaphore the owner's
 *           word.
 * Produces: sums by type of lock in the slot's hft_thread_kernel, a record of each wait above the run-queue threshold.
 * Cost:     each contended lock of the host, whoever waits, while they are attached, and they are attached only while a target asks
 *           (collectors/tracepoint_group.h). A lock that is free has no tracepoint.
 *
 * A wait within an interrupt is the interrupt's time, not the thread's: it is left out. Not every contended lock is told by the kernel: an
 * rwsem that is spun for because its writer runs is not, nor is the first who spins for a spinlock, nor any spinlock of a guest without
 * paravirtual ones.
 */
#ifndef HFTMON_DAEMON_BPF_KERNEL_LOCKS_BPF_H_
#define HFTMON_DAEMON_BPF_KERNEL_LOCKS_BPF_H_

#include "daemon/bpf/kernel_time.bpf.h"

/* The kernel's LCB_F_*. */
#define CONTENDED_SPIN 1
#define CONTENDED_READ 2
#define CONTENDED_WRITE 4
#define CONTENDED_RT 8
#define CONTENDED_PERCPU 16
#define CONTENDED_MUTEX 32

/* With PREEMPT_RT it has no such word either. */
struct rw_semaphore {
  struct counted_word owner;
} __attribute__((preserve_access_index));
#define OWNER_WORD_FLAGS 7ul
/* A read-write lock has a lock of its own within it, told as another one; so have, with PREEMPT_RT, rwlocks and rwsems. */
#define INNER_LOCK_BYTES 64
#define RWSEM_OWNED_BY_READERS 1ul

/*
 * Whether what runs on this CPU now is an interrupt and not the current thread. With PREEMPT_RT a softirq is a thread like any other, and
 * its level stays in progress while another one runs.
 */
static __always_inline bool in_interrupt(struct hft_cpu_interrupts *state) {
  u32 levels = 1u << HFT_LEVEL_HARD;
  if (!is_real_time_kernel()) levels += 1u << HFT_LEVEL_SOFTIRQ;
  return state->active & levels;
}

static __always_inline u32 lock_type(u32 flags) {
  if (flags & CONTENDED_MUTEX) return HFT_LOCK_MUTEX;
  if (flags & CONTENDED_PERCPU) return HFT_LOCK_PERCPU_RWSEM;
  if (flags & CONTENDED_RT) return HFT_LOCK_RT_MUTEX;
  bool shared = flags & (CONTENDED_READ | CONTENDED_WRITE);
  if (flags & CONTENDED_SPIN) return shared ? HFT_LOCK_RWLOCK : HFT_LOCK_SPIN;
  return shared ? HFT_LOCK_RWSEM : HFT_LOCK_OTHER;
}

/* Who holds it: of a read-write semaphore a writer only. */
static __always_inline void find_owner(struct hft_kernel_begin *begin, u64 lock, u32 type) {
  begin->owner_tid = 0;
  begin->owner_tgid = 0;
  u64 word = 0;
  if (type == HFT_LOCK_MUTEX) {
    struct mutex *mutex = (struct mutex *)lock;
    if (bpf_core_field_exists(mutex->owner)) word = BPF_CORE_READ(mutex, owner.counter);
  } else if (type == HFT_LOCK_RWSEM) {
    struct rw_semaphore *semaphore = (struct rw_semaphore *)lock;
    if (bpf_core_field_exists(semaphore->owner)) word = BPF_CORE_READ(semaphore, owner.counter);
    if (word & RWSEM_OWNED_BY_READERS) return;
  }
  struct task_struct *owner = (struct task_struct *)(word & ~OWNER_WORD_FLAGS);
  if (!owner) return;
  begin->owner_tid = BPF_CORE_READ(owner, pid);
  begin->owner_tgid = BPF_CORE_READ(owner, tgid);
}

/* Ends stand before beginnings: they are attached in this order. */
HFT_TRACEPOINT("contention_end")
int on_contention_end(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->contention_end_count, 1);
  struct kernel_asker asker;
  if (likely(!find_asker(&asker, HFT_KERNEL_LOCKS))) return 0;
  u64 lock = context[0];
  u32 stall = HFT_STALL_SPINNING_LOCK;
  struct hft_kernel_begin *begin = &asker.kernel->stalls_begun[HFT_STALL_SPINNING_LOCK];
  if (!begin->start_ns || begin->object != lock) {
    stall = HFT_STALL_SLEEPING_LOCK;
    begin = &asker.kernel->stalls_begun[HFT_STALL_SLEEPING_LOCK];
    if (!begin->start_ns || begin->object != lock) return 0; /* it began before it was asked for, or within an interrupt */
  }
  struct ended_kernel_time ended = {.what = HFT_KERNEL_LOCK};
  end_kernel_time(&asker, begin, &ended);
  ended.kind = begin->lock_type;
  ended.lock_flags = begin->lock_flags;
  ended.owner_tid = begin->owner_tid;
  ended.owner_tgid = begin->owner_tgid;
  u32 type = begin->lock_type & 7;
  if (type >= HFT_LOCK_TYPES) type = HFT_LOCK_OTHER;
  account_stall(&asker, &ended, stall, &asker.kernel->locks[type]);
  return 0;
}

HFT_TRACEPOINT("contention_begin")
int on_contention_begin(u64 *context) {
  if (unlikely(controls.off)) return 0;
  u32 cpu = bpf_get_smp_processor_id();
  __sync_fetch_and_add(&cpu_at(cpu)->contention_begin_count, 1);
  struct kernel_asker asker;
  if (likely(!find_asker(&asker, HFT_KERNEL_LOCKS))) return 0;
  struct hft_cpu_interrupts *interrupted = interrupts_at(cpu);
  if (!interrupted || in_interrupt(interrupted)) return 0;
  u64 lock = context[0];
  u32 flags = context[1];
  u32 type = lock_type(flags);
  u32 stall = type <= HFT_LOCK_RWLOCK ? HFT_STALL_SPINNING_LOCK : HFT_STALL_SLEEPING_LOCK;
  struct hft_kernel_begin *begin = &asker.kernel->stalls_begun[stall];
  if (begin->start_ns) {
    if (begin->object == lock) return 0; /* a mutex is told again as it goes from spinning to sleeping and back */
    bool compound = begin->lock_flags || begin->lock_type == HFT_LOCK_RWLOCK;
    if (compound && lock - begin->object < INNER_LOCK_BYTES) return 0; /* a part of this wait */
    asker.kernel->unended_stall_count[stall]++;
  }
  begin->lock_type = type;
  begin->lock_flags = (flags & CONTENDED_READ ? HFT_LOCK_FOR_READING : 0) + (flags & CONTENDED_WRITE ? HFT_LOCK_FOR_WRITING : 0);
  find_owner(begin, lock, type);
  begin_kernel_time(&asker, begin, lock);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_KERNEL_LOCKS_BPF_H_ */
