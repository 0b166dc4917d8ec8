/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What watched threads block in, for threads whose slot asks (call_events.h).
 *
 * Reads:    the registers with which the leaving thread entered the kernel, the futex word that it waits on and the word of a glibc mutex's
 *           owner, the time until which it asked to sleep (its memory is still there, and a page that is not resident is not waited for);
 *           the owner's slot, and of its task the priority that is its own.
 * Produces: sums by call in the slot's hft_thread_calls, an HFT_RECORD_CALL before each record of a wait that began in a call.
 * Cost:     to watched threads that do not ask one test at their switch-in, and none more at their switch-out.
 */
#ifndef HFTMON_DAEMON_BPF_CALLS_BPF_H_
#define HFTMON_DAEMON_BPF_CALLS_BPF_H_

#include "daemon/bpf/call_events.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_thread_calls);
} thread_calls SEC(".maps");

#if defined(__TARGET_ARCH_x86)
#define SYSCALL_FUTEX 202
#define SYSCALL_CLOCK_NANOSLEEP 230
#else
#define SYSCALL_FUTEX 98
#define SYSCALL_CLOCK_NANOSLEEP 115
#endif
#define SYSCALL_FUTEX_WAIT 455 /* since 6.7, the same number everywhere: (uaddr, val, …) */

/* Of <linux/futex.h>. */
#define FUTEX_COMMAND_MASK 127
#define FUTEX_COMMAND_WAIT 0
#define FUTEX_COMMAND_LOCK_PI 6
#define FUTEX_COMMAND_WAIT_BITSET 9
#define FUTEX_COMMAND_WAIT_REQUEUE_PI 11
#define FUTEX_COMMAND_LOCK_PI2 13
#define FUTEX_WORD_WAITERS 0x80000000u
#define FUTEX_WORD_TID 0x3fffffffu

/* Of <linux/time.h>. */
#define CLOCK_OF_MONOTONIC 1
#define SLEEP_UNTIL 1 /* TIMER_ABSTIME */
#define NS_PER_SECOND 1000000000
#define SLEEP_UNTIL_SECONDS_MAX 4000000000 /* 126 years: who asks for later times never wants to be woken, and they fit no 64 bits */

/* Of glibc's mutexes: the word of one that others wait for, and where the owner stands. */
#define MUTEX_CONTENDED 2
#define MUTEX_OWNER_WORD 2 /* in words from the lock word on */

/* Not static, as those of runner_log.bpf.h: verified once. */
__noinline u32 clear_calls(u32 index) {
  struct hft_thread_calls *calls = bpf_map_lookup_elem(&thread_calls, &index);
  if (!calls) return 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < HFT_CALL_ROWS; i++) {
    struct hft_call_row *row = &calls->rows[i & (HFT_CALL_ROWS - 1)];
    row->count = 0;
    row->blocked_ns = 0;
    row->wait_ns = 0;
    row->longest_ns = 0;
  }
  calls->others.count = 0;
  calls->others.blocked_ns = 0;
  calls->others.wait_ns = 0;
  calls->others.longest_ns = 0;
  return 0;
}

/* Above the table NULL: only the slots that it covers are told of. */
static __always_inline struct hft_thread_calls *calls_at(u32 index, struct hft_thread_slot *slot) {
  struct hft_thread_calls *calls = bpf_map_lookup_elem(&thread_calls, &index);
  if (!calls) return NULL;
  if (calls->generation != slot->generation) {
    clear_calls(index);
    calls->last.out_clock_ns = 0;
    calls->generation = slot->generation;
  }
  return calls;
}

/* Of a task at a bare address, which may be another CPU's. */
#define READ_TASK_AT(address, field)                                                                                        \
  (CAN_CAST ? ((struct task_struct *)read_only_cast((void *)(address), bpf_core_type_id_kernel(struct task_struct)))->field \
            : BPF_CORE_READ((struct task_struct *)(address), field))

/* What the owner does: its slot is another CPU's to write, so each word is read on its own and may be a moment old. */
static __always_inline void note_owner(struct hft_blocked_call *call, u32 own_tgid, u32 tid, u8 source) {
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *owner = slot_of(tid, &index);
  bool live = owner && owner->state == HFT_SLOT_LIVE && owner->tid == tid;
  /* A lock with priority inheritance may be shared with another process, and its word is certain. */
  if (source != HFT_OWNER_PI_WORD && !(live && owner->tgid == own_tgid)) return;
  call->owner_tid = tid;
  call->owner_source = source;
  u64 owner_task = live ? owner->task : 0;
  if (!owner_task) return;
  call->owner_priority = READ_TASK_AT(owner_task, normal_prio);
  call->owner_policy = READ_TASK_AT(owner_task, policy);
  if (!owner->out_clock_ns) {
    call->owner_state = HFT_OWNER_RUNNING;
    return;
  }
  struct hft_departure out = owner->out;
  bool blocked = out.kind == HFT_SWITCH_BLOCKED_SYSCALL || out.kind == HFT_SWITCH_BLOCKED_FAULT;
  /* It left to block; by now it may have been woken, and wait for a CPU. */
  if (blocked && READ_TASK_AT(owner_task, on_rq)) blocked = false;
  call->owner_state = blocked ? HFT_OWNER_BLOCKED : HFT_OWNER_RUNNABLE;
  if (blocked) call->owner_syscall = out.syscall;
}

static __always_inline bool waits_for_futex(u8 command) {
  return command == FUTEX_COMMAND_WAIT || command == FUTEX_COMMAND_WAIT_BITSET || command == FUTEX_COMMAND_WAIT_REQUEUE_PI ||
         command == FUTEX_COMMAND_LOCK_PI || command == FUTEX_COMMAND_LOCK_PI2;
}

/* A futex word names its owner by its number in the process's own pid namespace, which is looked up in the init one alone. */
static __always_inline void note_futex(struct hft_blocked_call *call, struct task_struct *task, u8 command) {
  if (!waits_for_futex(command)) return;
  u32 own_tid = READ_FIELD(task, pid);
  u32 words[MUTEX_OWNER_WORD + 1] = {};
  u64 address = call->arguments[0];
  bool whole = bpf_probe_read_user(words, sizeof(words), (void *)address) == 0;
  if (!whole && bpf_probe_read_user(words, sizeof(words[0]), (void *)address)) return;
  u32 word = words[0];
  call->futex_command = command;
  call->futex_word = word;
  u32 tid = word & FUTEX_WORD_TID;
  u8 source = HFT_OWNER_UNKNOWN;
  if (command == FUTEX_COMMAND_LOCK_PI || command == FUTEX_COMMAND_LOCK_PI2) {
    source = HFT_OWNER_PI_WORD;
  } else if (command == FUTEX_COMMAND_WAIT_REQUEUE_PI) {
    return; /* a condition variable */
  } else if (word & FUTEX_WORD_WAITERS) {
    source = HFT_OWNER_LOCK_WORD;
  } else if (word == MUTEX_CONTENDED && whole) {
    source = HFT_OWNER_GLIBC;
    tid = words[MUTEX_OWNER_WORD];
  }
  if (source == HFT_OWNER_UNKNOWN || !tid || tid == own_tid || BPF_CORE_READ(task, thread_pid, level)) return;
  note_owner(call, READ_FIELD(task, tgid), tid, source);
}

/* Of (clock, flags, time, …). The kernel has copied the time before: its page is there, as a rule. The clock is that of the thread's time
 * namespace, which the reader must tell (a time that lies outside the sleep is none). */
static __always_inline void note_wake_time(struct hft_blocked_call *call) {
  if ((u32)call->arguments[0] != CLOCK_OF_MONOTONIC || !(call->arguments[1] & SLEEP_UNTIL)) return;
  u64 time[2]; /* seconds, nanoseconds */
  if (bpf_probe_read_user(time, sizeof(time), (void *)call->arguments[2])) return;
  if (time[0] > SLEEP_UNTIL_SECONDS_MAX || time[1] >= NS_PER_SECOND) return;
  call->wake_at_ns = time[0] * NS_PER_SECOND + time[1];
}

/* `prev` is the current task, on its way out, and still has its memory. */
static __noinline int note_call(volatile u64 *context, struct hft_cpu *cpu_state, struct hft_thread_slot *slot) {
  struct task_struct *prev = (struct task_struct *)context[1];
  struct hft_thread_calls *calls = calls_at(cpu_state->watched_slot, slot);
  if (!calls) return 0;
  struct hft_blocked_call *call = &calls->last;
  s32 syscall = slot->out.syscall;
  call->out_clock_ns = 0; /* of no switch-out, until it is known to be in a call */
  call->state = HFT_CALL_NONE;
  call->futex_command = HFT_NO_FUTEX;
  call->owner_tid = 0;
  call->owner_source = HFT_OWNER_UNKNOWN;
  call->owner_state = HFT_OWNER_STATE_UNKNOWN;
  call->owner_syscall = -1;
  call->owner_priority = 0;
  call->owner_policy = 0;
  call->wake_at_ns = 0;
  if (slot->out.kind != HFT_SWITCH_BLOCKED_SYSCALL) return 0;
  /* io_uring's worker has a copy of the registers of who made it, and is in no call. */
  if (READ_FIELD(prev, flags) & PF_IO_WORKER) return 0;
  call->out_clock_ns = slot->out_clock_ns;
  call->state = HFT_CALL_NO_REGISTERS;
  if (!saved_arguments(prev, call->arguments)) return 0;
  call->state = HFT_CALL_KNOWN;
  if (syscall == SYSCALL_CLOCK_NANOSLEEP) {
    note_wake_time(call);
    return 0;
  }
  u8 command = FUTEX_COMMAND_WAIT;
  if (syscall == SYSCALL_FUTEX) {
    command = call->arguments[1] & FUTEX_COMMAND_MASK;
  } else if (syscall != SYSCALL_FUTEX_WAIT) {
    return 0;
  }
  note_futex(call, prev, command);
  return 0;
}

/* Not static: verified once. The row of a call, or the one of all others. */
__noinline u32 row_of_call(u32 index, s32 syscall) {
  struct hft_thread_calls *calls = bpf_map_lookup_elem(&thread_calls, &index);
  if (!calls) return HFT_CALL_ROWS;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < HFT_CALL_ROWS; i++) {
    u32 at = ((u32)syscall + i) & (HFT_CALL_ROWS - 1);
    struct hft_call_row *row = &calls->rows[at];
    if (!row->count) row->syscall = syscall;
    if (row->syscall == syscall) return at;
  }
  return HFT_CALL_ROWS;
}

/* A call that the thread blocked in is over. */
static __noinline int count_call(struct hft_cpu *cpu_state, struct hft_thread_slot *slot, u64 clock_ns, u64 out_clock_ns, u64 wait_ns) {
  u32 index = cpu_state->watched_slot;
  struct hft_thread_calls *calls = calls_at(index, slot);
  if (!calls || !out_clock_ns || calls->last.out_clock_ns != out_clock_ns) return 0;
  u64 off_cpu_ns = clock_ns - out_clock_ns;
  u32 at = calls->recent_row; /* a thread mostly blocks in what it blocked in before */
  if (at >= HFT_CALL_ROWS || !calls->rows[at & (HFT_CALL_ROWS - 1)].count ||
      calls->rows[at & (HFT_CALL_ROWS - 1)].syscall != slot->out.syscall) {
    at = row_of_call(index, slot->out.syscall);
    calls->recent_row = at;
  }
  struct hft_call_row *row = at < HFT_CALL_ROWS ? &calls->rows[at & (HFT_CALL_ROWS - 1)] : &calls->others;
  row->count++;
  row->blocked_ns += off_cpu_ns - (wait_ns < off_cpu_ns ? wait_ns : off_cpu_ns);
  row->wait_ns += wait_ns;
  if (off_cpu_ns > row->longest_ns) {
    row->longest_ns = off_cpu_ns;
    row->longest_descriptor = calls->last.arguments[0];
  }
  return 0;
}

/* Before the record of the switch-in: what the wait began in. */
static __noinline int put_call(volatile u64 *context, struct hft_cpu *cpu_state, struct hft_thread_slot *slot, u64 out_clock_ns) {
  struct task_struct *next = (struct task_struct *)context[2];
  struct hft_thread_calls *calls = calls_at(cpu_state->watched_slot, slot);
  if (!calls || !out_clock_ns || calls->last.out_clock_ns != out_clock_ns) return 0;
  struct reservation reserved;
  if (!reserve_cells(&reserved, bpf_get_smp_processor_id(), 1)) return 0;
  struct hft_call *cell = open_cell(&reserved, 0);
  u64 mono_ns = bpf_ktime_get_ns();
  cell->tid = READ_FIELD(next, pid);
  cell->tgid = READ_FIELD(next, tgid);
  cell->slot = cpu_state->watched_slot;
  cell->call = calls->last;
  publish_cell(&reserved, 0, cell, HFT_RECORD_CALL, 0, mono_ns);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_CALLS_BPF_H_ */
