/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Who has a watched thread's CPU flush its TLB, for threads whose slot asks (kernel_time_events.h).
 *
 * Reads:    csd_queue_cpu, where a cross-call is put on another CPU's queue, in the sender's context; csd_function_entry, where that CPU
 *           takes it from there. Both name the call by its call_single_data, which is nobody else's until the function has returned: that
 *           is what pairs them. The function of a flush has no name here: it is the one of the first cross-call after the sender's
 *           tlb_flush with the reason "remote IPI send", and a call is counted where tlb_flush says "remote shootdown" within it.
 * Produces: the senders in the slot's hft_thread_kernel, and their kernel stacks.
 * Cost:     every cross-call of the host twice, at its sender and at its receiver, while they are attached. The stack, some 3 us, is the
 *           sender's, and only where a thread that asks runs on a CPU that it sends to.
 *
 * Raw tracepoints in both ways of access: with BTF the verifier refuses an argument that is a function's address.
 */
#ifndef HFTMON_DAEMON_BPF_SHOOTDOWNS_BPF_H_
#define HFTMON_DAEMON_BPF_SHOOTDOWNS_BPF_H_

#include "daemon/bpf/kernel_time.bpf.h"

#define SENDER_NOTES 4096 /* cross-calls between two CPUs that are told apart; a sender beyond is not known */

struct sender_note {
  u64 function;
  u32 tid;
  u32 tgid;
  s32 stack;
  u32 pending; /* 1: it was sent and has not arrived */
  char comm[HFT_COMM_LENGTH];
};

/* By the address of the call_single_data. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SENDER_NOTES);
  __type(key, u64);
  __type(value, struct sender_note);
} sender_notes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_STACK_TRACE);
  __uint(max_entries, HFT_SENDER_STACKS);
  __uint(key_size, sizeof(u32));
  __uint(value_size, HFT_SENDER_STACK_FRAMES * sizeof(u64));
} sender_stacks SEC(".maps");

struct shootdown_state {
  u64 sender;   /* bpf_get_current_pid_tgid of who sent last from here; 0: nobody */
  u64 function; /* of its cross-calls; 0: none was made yet */
  s32 stack;
  u32 stack_taken;
  struct sender_note arrived; /* pending: the call that this CPU is in */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct shootdown_state);
} shootdown_states SEC(".maps");

static __always_inline struct shootdown_state *shootdowns_here(void) {
  u32 zero = 0;
  return bpf_map_lookup_elem(&shootdown_states, &zero);
}

/* The current thread is about to send. */
static __always_inline void begin_shootdowns(void) {
  struct shootdown_state *state = shootdowns_here();
  if (!state) return;
  state->sender = bpf_get_current_pid_tgid();
  state->function = 0;
  state->stack_taken = 0;
}

/* Whether a thread that asks runs on that CPU now: by its run queue, as the log of who ran lacks a switch that was hidden from programs. */
static __always_inline bool asker_runs_on(u32 cpu) {
  struct rq *queue = (struct rq *)cpu_at(cpu)->noted_queue;
  if (!queue) return false;
  struct task_struct *task = BPF_CORE_READ(queue, curr);
  if (likely(!is_watched(BPF_CORE_READ(task, tgid)))) return false;
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = slot_of(BPF_CORE_READ(task, pid), &index);
  return slot && (slot->wishes.probes & HFT_MEMORY);
}

static __noinline int note_sender(struct shootdown_state *state, struct sender_note *known, u64 call) {
  if (!state) return 0;
  struct sender_note note = {};
  note.function = state->function;
  note.tid = state->sender;
  note.tgid = state->sender >> 32;
  note.stack = state->stack;
  note.pending = 1;
  bpf_get_current_comm(note.comm, sizeof(note.comm));
  if (known) {
    *known = note;
  } else {
    bpf_map_update_elem(&sender_notes, &call, &note, BPF_ANY);
  }
  return 0;
}

SEC("raw_tp/csd_queue_cpu")
int on_cross_call(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->cross_call_count, 1);
  struct shootdown_state *state = shootdowns_here();
  if (!state || !state->sender || state->sender != bpf_get_current_pid_tgid()) return 0;
  u64 function = context[2];
  if (!state->function) state->function = function;
  if (state->function != function) return 0;
  u64 call = context[3];
  struct sender_note *known = bpf_map_lookup_elem(&sender_notes, &call);
  if (!asker_runs_on(context[0])) {
    if (known) known->pending = 0;
    return 0;
  }
  if (!state->stack_taken) {
    state->stack = bpf_get_stackid(context, &sender_stacks, 0);
    state->stack_taken = 1;
  }
  note_sender(state, known, call);
  return 0;
}

/* The current thread is whom the IPI interrupted. */
SEC("raw_tp/csd_function_entry")
int on_cross_call_entry(u64 *context) {
  if (unlikely(controls.off)) return 0;
  __sync_fetch_and_add(&cpu_at(bpf_get_smp_processor_id())->cross_call_entry_count, 1);
  if (likely(!is_watched(bpf_get_current_pid_tgid() >> 32))) return 0;
  struct shootdown_state *state = shootdowns_here();
  if (!state) return 0;
  state->arrived.pending = 0;
  u64 call = context[1];
  struct sender_note *note = bpf_map_lookup_elem(&sender_notes, &call);
  if (!note || !note->pending || note->function != context[0]) return 0;
  state->arrived = *note;
  note->pending = 0;
  return 0;
}

/* Not static: verified once. The row of a sender, HFT_SENDER_ROWS: none is left. */
__noinline u32 row_of_sender(u32 index, u32 tid, s32 stack) {
  struct hft_thread_kernel *kernel = bpf_map_lookup_elem(&thread_kernel, &index);
  if (!kernel) return HFT_SENDER_ROWS;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < HFT_SENDER_ROWS; i++) {
    u32 at = (tid + i) & (HFT_SENDER_ROWS - 1);
    struct hft_shootdown_sender *row = &kernel->senders[at];
    if (!row->count) {
      row->tid = tid;
      row->stack = stack;
    }
    if (row->tid == tid && row->stack == stack) return at;
  }
  return HFT_SENDER_ROWS;
}

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_cpu_shootdowns);
} arrived_shootdowns SEC(".maps");

/* For the budget of the stretch of interrupts that it is in. */
static __always_inline void log_shootdown(struct sender_note *sender) {
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_interrupts *interrupted = interrupts_at(cpu);
  struct hft_cpu_shootdowns *shootdowns = bpf_map_lookup_elem(&arrived_shootdowns, &cpu);
  if (!interrupted || !shootdowns) return;
  u64 start_ns = interrupted->levels[HFT_LEVEL_HARD].start_ns;
  struct hft_arrived_shootdown *entry = &shootdowns->log[shootdowns->position & (HFT_SHOOTDOWN_LOG_ENTRIES - 1)];
  __sync_lock_test_and_set(&entry->start_ns, 0);
  entry->tid = sender->tid;
  entry->tgid = sender->tgid;
  __builtin_memcpy(entry->comm, sender->comm, sizeof(entry->comm));
  __sync_lock_test_and_set(&entry->start_ns, start_ns);
  shootdowns->position++;
}

/* Of the flush that the current thread was interrupted for. */
static __always_inline void count_sender(struct kernel_asker *asker, bool full) {
  struct shootdown_state *state = shootdowns_here();
  if (!state || !state->arrived.pending) {
    asker->kernel->unknown_sender_count++;
    return;
  }
  state->arrived.pending = 0;
  log_shootdown(&state->arrived);
  s32 stack = state->arrived.stack < 0 ? -1 : state->arrived.stack;
  u32 at = row_of_sender(asker->index, state->arrived.tid, stack);
  if (at >= HFT_SENDER_ROWS) {
    asker->kernel->other_sender_count++;
    return;
  }
  struct hft_shootdown_sender *row = &asker->kernel->senders[at & (HFT_SENDER_ROWS - 1)];
  row->tgid = state->arrived.tgid;
  if (!row->count) __builtin_memcpy(row->comm, state->arrived.comm, sizeof(row->comm));
  row->full_count += full;
  row->count++;
}

#endif /* HFTMON_DAEMON_BPF_SHOOTDOWNS_BPF_H_ */
