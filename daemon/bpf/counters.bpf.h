/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What threads whose slot asks count: events that are open on each CPU, read by that CPU when such a thread comes and leaves, and at the
 * ticks in between (counter_events.h).
 *
 * Reads:    sched_switch, local_timer_exit where the kernel has it; the events of the CPU that it runs on (thread_counter_events).
 * Produces: sums and the pending span in the thread's hft_thread_counters, spans in the CPU's ring. The events are a CPU's and not a
 *           thread's: the kernel has nothing to switch with the thread. What interrupts did in a thread's time is in its figures, as it
 *           is in those of perf.
 * Cost:     each switch and tick of the host while they are attached, and they are attached only while a target asks
 *           (collectors/counter_programs.h): for a bystander the test of its two bits. Of a thread that asks each event is a read at its
 *           switch-in, its switch-out and each tick; from one such thread to another they are read once for both.
 *
 * on_switch has run before at the same switch: it knows the slot of who comes in. Events that the kernel counts behind this tracepoint, as
 * context-switches, are those of who comes in.
 */
#ifndef HFTMON_DAEMON_BPF_COUNTERS_BPF_H_
#define HFTMON_DAEMON_BPF_COUNTERS_BPF_H_

#include "daemon/bpf/counter_events.h"
#include "daemon/bpf/hardware.bpf.h" /* bpf_perf_event_value */

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_counter_control);
} counter_control SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_cpu_counters);
} cpu_counters SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_thread_counters);
} thread_counters SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_counter_ring);
} counter_rings SEC(".maps");

/* Event n of CPU c at HFT_THREAD_COUNTERS * c + n; empty where there is none. */
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, u32);
} thread_counter_events SEC(".maps");

/* Orders what was stored before against `word`: a store where stores are ordered anyway, else an exchange. */
#if defined(__TARGET_ARCH_x86)
#define STORE_ORDERED(word, value)      \
  do {                                  \
    barrier();                          \
    *(volatile u64 *)&(word) = (value); \
    barrier();                          \
  } while (0)
#else
#define STORE_ORDERED(word, value) __sync_lock_test_and_set(&(word), (value))
#endif

static __always_inline struct hft_cpu_counters *counters_of_cpu(u32 cpu) {
  struct hft_cpu_counters *state = bpf_map_lookup_elem(&cpu_counters, &cpu);
  return state && state->epoch ? state : NULL;
}

static __always_inline u64 span_interval_ns(void) {
  u32 key = 0;
  struct hft_counter_control *control = bpf_map_lookup_elem(&counter_control, &key);
  return control ? control->interval_ns : ~0ull;
}

static __noinline int read_events(struct hft_cpu_counters *state, u32 cpu) {
  if (!state) return 0;
  struct hft_counter_values *fresh = &state->fresh;
  u64 counted = 0;
  fresh->mono_ns = bpf_ktime_get_ns();
#pragma clang loop unroll(disable)
  for (u32 event = 0; event < HFT_THREAD_COUNTERS; event++) {
    if (event >= state->event_count) break;
    struct bpf_perf_event_value value;
    if (bpf_perf_event_read_value(&thread_counter_events, HFT_THREAD_COUNTERS * cpu + event, &value, sizeof(value))) continue;
    fresh->values[event] = value.counter;
    if (!counted) {
      fresh->enabled_ns = value.enabled;
      fresh->running_ns = value.running;
    }
    counted |= 1ull << event;
  }
  fresh->counted = counted;
  state->reading_count++;
  return 0;
}

/* state->last becomes what the events rose by; the events that have no such figure are left out. */
static __always_inline bool take_differences(struct hft_cpu_counters *state) {
  struct hft_counter_values *last = &state->last;
  struct hft_counter_values *fresh = &state->fresh;
  u64 counted = last->counted & fresh->counted;
  u64 enabled_ns = fresh->enabled_ns - last->enabled_ns;
  u64 running_ns = fresh->running_ns - last->running_ns;
  if (unlikely(!counted || (s64)enabled_ns <= 0)) {
    state->failed_count++;
    return false;
  }
  last->enabled_ns = enabled_ns;
  last->running_ns = running_ns;
#pragma clang loop unroll(disable)
  for (u32 event = 0; event < HFT_THREAD_COUNTERS; event++) {
    if (event >= state->event_count) break;
    u64 rise = fresh->values[event] - last->values[event];
    if (unlikely((s64)rise < 0)) {
      state->discarded_count++;
      counted &= ~(1ull << event);
      rise = 0;
    }
    last->values[event] = rise;
  }
  last->counted = counted;
  return true;
}

/* Of state->last, when it holds differences. */
static __always_inline void add_differences(struct hft_cpu_counters *state, struct hft_counter_sum *sum) {
  struct hft_counter_values *rise = &state->last;
  if (!sum->begin_ns) {
    sum->begin_ns = rise->mono_ns;
    sum->counted = rise->counted;
  }
  sum->end_ns = state->fresh.mono_ns;
  sum->on_cpu_ns += state->fresh.mono_ns - rise->mono_ns;
  sum->enabled_ns += rise->enabled_ns;
  sum->running_ns += rise->running_ns;
  sum->counted &= rise->counted;
#pragma clang loop unroll(disable)
  for (u32 event = 0; event < HFT_THREAD_COUNTERS; event++) {
    if (event >= state->event_count) break;
    sum->values[event] += rise->values[event];
  }
}

static __always_inline void clear_sum(struct hft_counter_sum *sum) {
  for (u32 word = 0; word < sizeof(*sum) / sizeof(u64); word++) ((volatile u64 *)sum)[word] = 0;
}

/* The pending span becomes a record, and nothing is pending. */
static __noinline int put_span(struct hft_cpu_counters *state, struct hft_thread_counters *thread, u32 index) {
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_counter_ring *ring = bpf_map_lookup_elem(&counter_rings, &cpu);
  struct hft_thread_slot *slot = any_slot_at(index);
  if (!ring || !state || !thread) return 0;
  struct hft_counter_span *span = &ring->spans[state->position & IMMEDIATE(HFT_IMMEDIATE_COUNTER_RING_MASK)];
  __sync_lock_test_and_set(&span->sequence, 0);
  span->tid = slot->tid;
  span->tgid = slot->tgid;
  span->start_ns = slot->start_ns;
  span->set = thread->set;
  span->counted = thread->pending.counted;
  span->begin_ns = thread->pending.begin_ns;
  span->end_ns = thread->pending.end_ns;
  span->on_cpu_ns = thread->pending.on_cpu_ns;
  span->enabled_ns = thread->pending.enabled_ns;
  span->running_ns = thread->pending.running_ns;
  for (u32 event = 0; event < HFT_THREAD_COUNTERS; event++) span->values[event] = thread->pending.values[event];
  u64 position = state->position + 1;
  __sync_lock_test_and_set(&span->sequence, (u32)position);
  STORE_ORDERED(state->position, position);
  clear_sum(&thread->pending);
  return 0;
}

/* Another owner of the slot, or another set: what stands there is not this thread's. Cold. */
static __noinline int clear_counters(struct hft_thread_counters *thread, u32 generation, u32 set) {
  if (!thread) return 0;
  clear_sum(&thread->sum);
  clear_sum(&thread->pending);
  thread->reading_count = 0;
  thread->set = set;
  thread->generation = generation;
  return 0;
}

static __always_inline struct hft_thread_counters *counters_of_slot(struct hft_cpu_counters *state, struct hft_thread_slot *slot,
                                                                    u32 index) {
  struct hft_thread_counters *thread = bpf_map_lookup_elem(&thread_counters, &index);
  if (!thread) return NULL;
  if (unlikely(thread->generation != slot->generation || thread->set != state->set)) {
    STORE_ORDERED(thread->begun_count, 0);
    clear_counters(thread, slot->generation, state->set);
    STORE_ORDERED(thread->ended_count, 0);
  }
  return thread;
}

/*
 * What the events rose by since the stretch's last reading is its thread's. A slot without a mark is that of a thread that was not switched
 * since it is watched, or whose switches were not seen while its target was paused: others ran meanwhile.
 */
static __noinline int add_stretch(struct hft_cpu_counters *state, u32 may_lack_mark) {
  if (!state) return 0;
  u32 index = state->slot;
  struct hft_thread_slot *slot = any_slot_at(index);
  if (state->begun_epoch != state->epoch || slot->generation != state->generation || !(slot->wishes.probes & HFT_COUNTING)) return 0;
  if (slot->task != state->task && slot->state != HFT_SLOT_ENDED && !may_lack_mark) return 0;
  struct hft_thread_counters *thread = counters_of_slot(state, slot, index);
  if (!thread || !take_differences(state)) return 0;
  u64 count = thread->begun_count + 1;
  STORE_ORDERED(thread->begun_count, count);
  add_differences(state, &thread->sum);
  add_differences(state, &thread->pending);
  thread->reading_count++;
  u64 length_ns = thread->pending.end_ns - thread->pending.begin_ns;
  /* After its last switch nobody adds to it. */
  if (length_ns >= span_interval_ns() || slot->state == HFT_SLOT_ENDED) put_span(state, thread, index);
  STORE_ORDERED(thread->ended_count, count);
  return 0;
}

/* The stretch goes on from the values that were just read. */
static __always_inline void go_on(struct hft_cpu_counters *state) {
  state->last = state->fresh;
}

/* The stretch of the thread of that slot begins with the values that were just read. */
static __noinline int begin_stretch(struct hft_cpu_counters *state, u32 index) {
  if (!state) return 0;
  struct hft_thread_slot *slot = any_slot_at(index);
  struct hft_thread_counters *thread = counters_of_slot(state, slot, index);
  if (!thread) return 0;
  state->slot = index;
  state->generation = slot->generation;
  state->begun_epoch = state->epoch;
  go_on(state);
  /* It was away for longer: what is pending ended then. */
  if (thread->pending.begin_ns && state->fresh.mono_ns - thread->pending.begin_ns >= span_interval_ns()) {
    u64 count = thread->begun_count + 1;
    STORE_ORDERED(thread->begun_count, count);
    put_span(state, thread, index);
    STORE_ORDERED(thread->ended_count, count);
  }
  return 1;
}

/* From or to a watched thread. */
static __noinline int count_switch(u64 *context) {
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_counters *state = counters_of_cpu(cpu);
  if (!state) return 0;
  u64 prev = context[1];
  u64 next = context[2];
  u32 index = cpu_at(cpu)->watched_slot;
  bool leaves = state->task == prev;
  struct hft_thread_slot *slot = any_slot_at(index);
  bool comes = slot->task == next && (slot->wishes.probes & HFT_COUNTING);
  if (!leaves && !comes) {
    state->task = 0;
    return 0;
  }
  u64 count = state->begun_count + 1;
  STORE_ORDERED(state->begun_count, count);
  read_events(state, cpu);
  if (leaves) add_stretch(state, 0);
  u64 task = 0;
  if (comes && begin_stretch(state, index)) task = next;
  state->task = task;
  STORE_ORDERED(state->ended_count, count);
  return 0;
}

HFT_TRACEPOINT("sched_switch")
int on_counted_switch(u64 *context) {
  if (unlikely(controls.off)) return 0;
  cpu_at(bpf_get_smp_processor_id())->counted_switch_count++;
  struct task_struct *prev = (struct task_struct *)context[1];
  struct task_struct *next = (struct task_struct *)context[2];
  if (likely(!((watched_from(watched_bits, READ_FIELD(prev, tgid)) | watched_from(watched_bits, READ_FIELD(next, tgid))) & 1))) return 0;
  return count_switch(context);
}

/* Of a watched thread. */
static __noinline int count_tick(u32 tid) {
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_counters *state = counters_of_cpu(cpu);
  if (!state) return 0;
  u64 task = bpf_get_current_task();
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = slot_of(tid, &index);
  if (!slot) return 0;
  bool goes_on = state->task == task && state->slot == index && state->generation == slot->generation && state->begun_epoch == state->epoch;
  if (goes_on) {
    u64 interval_ns = span_interval_ns();
    /* A tick that comes a little early is one still. */
    if (bpf_ktime_get_ns() - state->last.mono_ns + (interval_ns >> 3) < interval_ns) return 0;
  } else {
    /* One that has not been switched since it is watched has left no mark yet. */
    if (slot->state != HFT_SLOT_LIVE || (slot->task && slot->task != task) || !(slot->wishes.probes & HFT_COUNTING)) return 0;
  }
  u64 count = state->begun_count + 1;
  STORE_ORDERED(state->begun_count, count);
  read_events(state, cpu);
  if (goes_on) {
    add_stretch(state, 1); /* its slot is that of its tid now */
    go_on(state);
  } else {
    state->task = begin_stretch(state, index) ? task : 0;
  }
  STORE_ORDERED(state->ended_count, count);
  return 0;
}

HFT_TRACEPOINT("local_timer_exit")
int on_counted_tick(u64 *context) {
  if (unlikely(controls.off)) return 0;
  cpu_at(bpf_get_smp_processor_id())->counted_tick_count++;
  u64 current_pid = bpf_get_current_pid_tgid();
  if (likely(!is_watched(current_pid >> 32))) return 0;
  return count_tick((u32)current_pid);
}

#endif /* HFTMON_DAEMON_BPF_COUNTERS_BPF_H_ */
