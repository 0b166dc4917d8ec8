/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * When threads that slept until a time are back in their program, for threads whose slot asks (HFT_RETURNS).
 *
 * Reads:    the end of every system call (sys_exit); of clock_nanosleep its registers, and the time in the thread's memory; the offset of
 *           the thread's time namespace.
 * Produces: an hft_timer_return for each return from a sleep until a time of CLOCK_MONOTONIC, whether the thread slept or was late already.
 *           None of a call that the kernel refused (a time that is none, memory that is not there): it was no sleep.
 * Cost:     every system call of the host takes the kernel's slow way in and out while it is attached, and it is attached only while a
 *           target asks (collectors/tracepoint_group.h).
 *
 * Later than the time that is taken, and in no figure, is what the kernel still does on the way to user mode: a signal, a switch that
 * became due meanwhile, interrupts.
 */
#ifndef HFTMON_DAEMON_BPF_RETURNS_BPF_H_
#define HFTMON_DAEMON_BPF_RETURNS_BPF_H_

#include "daemon/bpf/return_events.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_return_ring);
} timer_returns SEC(".maps");

/* CONFIG_TIME_NS. */
struct timespec64 {
  long long tv_sec;
  long tv_nsec;
} __attribute__((preserve_access_index));
struct timens_offsets {
  struct timespec64 monotonic;
} __attribute__((preserve_access_index));
struct time_namespace {
  struct timens_offsets offsets;
} __attribute__((preserve_access_index));
struct nsproxy {
  struct time_namespace *time_ns;
} __attribute__((preserve_access_index));
struct thread_info___status {
  u32 status; /* x86 */
} __attribute__((preserve_access_index));
struct task_struct___returning {
  struct thread_info___status thread_info;
  struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));

/* What a call ended with that a signal ended, before the kernel runs the signal's handler: the last two no program sees. */
#define ERROR_INTERRUPTED (-4)          /* -EINTR */
#define ERROR_RESTART_NO_HANDLER (-514) /* -ERESTARTNOHAND: called again, unless a handler runs */
#define ERROR_RESTART_WITH_BLOCK (-516) /* -ERESTART_RESTARTBLOCK */

#define STATUS_COMPAT 2 /* TS_COMPAT: called by the 32-bit table, whose numbers are others */

/* What the thread's CLOCK_MONOTONIC is ahead of the host's. */
static __always_inline u64 time_namespace_offset(struct task_struct___returning *task) {
  struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
  if (!proxy || !bpf_core_field_exists(proxy->time_ns)) return 0;
  struct time_namespace *space = BPF_CORE_READ(proxy, time_ns);
  return BPF_CORE_READ(space, offsets.monotonic.tv_sec) * NS_PER_SECOND + BPF_CORE_READ(space, offsets.monotonic.tv_nsec);
}

static __always_inline bool is_compat_call(struct task_struct___returning *task) {
  return bpf_core_field_exists(task->thread_info.status) && (BPF_CORE_READ(task, thread_info.status) & STATUS_COMPAT);
}

static __always_inline bool is_interruption(s64 result) {
  return result == ERROR_RESTART_NO_HANDLER || result == ERROR_RESTART_WITH_BLOCK || result == ERROR_INTERRUPTED;
}

/* What it asked to be woken at, by the host's clock; HFT_RETURN_UNREAD where that is no time, or not in memory. */
static __always_inline u64 asked_for(struct pt_regs *registers, struct task_struct___returning *task) {
  u64 time[2]; /* seconds, nanoseconds */
  if (bpf_probe_read_user(time, sizeof(time), (void *)READ_FIELD(registers, dx))) return HFT_RETURN_UNREAD;
  if (time[0] > SLEEP_UNTIL_SECONDS_MAX || time[1] >= NS_PER_SECOND) return HFT_RETURN_UNREAD;
  return time[0] * NS_PER_SECOND + time[1] - time_namespace_offset(task);
}

/* A thread that may ask, and ends a clock_nanosleep. The time is taken last: what this takes makes the thread late too. */
static __noinline int put_return(u64 *context, u32 tid) {
  struct pt_regs *registers = (struct pt_regs *)context[0];
  if ((u32)READ_FIELD(registers, di) != CLOCK_OF_MONOTONIC || !(READ_FIELD(registers, si) & SLEEP_UNTIL)) return 0;
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = slot_of(tid, &index);
  if (!slot || !(slot->wishes.probes & HFT_RETURNS) || slot->state != HFT_SLOT_LIVE) return 0;
  struct task_struct___returning *task = (void *)bpf_get_current_task();
  if (is_compat_call(task)) return 0;
  s64 result = context[1];
  if (result != 0 && !is_interruption(result)) return 0;
  u64 wake_at_ns = result != 0 ? HFT_RETURN_INTERRUPTED : asked_for(registers, task);
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_return_ring *ring = bpf_map_lookup_elem(&timer_returns, &cpu);
  if (!ring) return 0;
  u64 at = __sync_fetch_and_add(&ring->head, 1);
  struct hft_timer_return *entry = &ring->entries[at & IMMEDIATE(HFT_IMMEDIATE_RETURN_MASK)];
  __sync_lock_test_and_set(&entry->sequence, 0);
  entry->tid = tid;
  entry->start_ns = slot->start_ns;
  u64 mono_ns = bpf_ktime_get_ns();
  /* Later than now it is not what it slept until: the program has another time there already. */
  entry->wake_at_ns = wake_at_ns > mono_ns ? HFT_RETURN_UNREAD : wake_at_ns;
  entry->mono_ns = mono_ns;
  __sync_lock_test_and_set(&entry->sequence, (u32)(at + 1));
  return 0;
}

/* Of all system calls of the host: the number tells most of them apart, and stands on a line that the kernel has just read. */
HFT_TRACEPOINT("sys_exit")
int on_return(u64 *context) {
  if (unlikely(controls.off)) return 0;
  cpu_at(bpf_get_smp_processor_id())->return_count++; /* the kernel keeps a thread on its CPU here, and interrupts make no such calls */
  if (likely(returning_from((struct pt_regs *)context[0]) != SYSCALL_CLOCK_NANOSLEEP)) return 0;
  u64 current_pid = bpf_get_current_pid_tgid();
  if (likely(!is_watched(current_pid >> 32))) return 0;
  put_return(context, (u32)current_pid);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_RETURNS_BPF_H_ */
