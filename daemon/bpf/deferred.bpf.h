/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Work that interrupts put off, and how long it waited; and how long softirqs and the handlers of device interrupts ran.
 *
 * Reads:    softirq_raise, softirq_entry, softirq_exit; workqueue_queue_work, workqueue_execute_start, workqueue_execute_end;
 *           tasklet_entry, tasklet_exit (older kernels lack them); irq_handler_entry, irq_handler_exit, sched_switch; work_struct.func,
 *           irqaction, task_struct.on_cpu; the counts of interrupts.bpf.h.
 * Produces: each CPU's softirqs, works by function, tasklets by function, handlers of device interrupts; the threads of interrupts
 *           (deferred_events.h). The daemon leaves out the programs whose tracepoints the kernel does not have.
 * Cost:     each raise, run, work, interrupt and context switch of the host while they are attached, and they are attached only while a
 *           target asks (collectors/deferred_programs.h). Each run of a softirq writes a word that all CPUs share, twice. A switch looks at
 *           one word that is written only when an interrupt wakes a thread.
 *
 * The programs of interrupts.bpf.h run before these at the same tracepoint, at ends too: what they take there is in a duration.
 * A tasklet's raise has no tracepoint: what it waited is the delay of the softirq that runs it, TASKLET or HI.
 */
#ifndef HFTMON_DAEMON_BPF_DEFERRED_BPF_H_
#define HFTMON_DAEMON_BPF_DEFERRED_BPF_H_

#include "daemon/bpf/deferred_events.h"

#define IRQ_WAKE_THREAD 2
#define BEGUN_TIME_MASK ((1ull << HFT_BEGUN_TIME_BITS) - 1)
#define IRQ_THREAD_PROBES 8 /* rows looked at for a thread */

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_cpu_deferred);
} deferred SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, HFT_BEGUN_WORKS);
  __type(key, u32);
  __type(value, u64);
} deferred_works SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, HFT_BEGUN_WORKERS);
  __type(key, u32);
  __type(value, u64);
} deferred_workers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, HFT_IRQ_THREAD_ROWS);
  __type(key, u32);
  __type(value, struct hft_irq_thread);
} irq_threads SEC(".maps");

/* Waits of interrupts' threads that have not ended: what every switch of the host looks at. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, u64);
} irq_threads_waiting SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, HFT_DEFERRED_SOFTIRQS);
  __type(key, u32);
  __type(value, struct hft_softirq_cpus);
} softirqs_running SEC(".maps");

static __always_inline u64 *waiting_threads(void) {
  u32 key = 0;
  return bpf_map_lookup_elem(&irq_threads_waiting, &key);
}

static __always_inline struct hft_cpu_deferred *begin_deferred(u32 program) {
  if (unlikely(controls.off)) return NULL;
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_deferred *state = bpf_map_lookup_elem(&deferred, &cpu);
  if (!state) return NULL;
  /* Not by a plain addition: an interrupt's run may come within that of a thread. */
  __sync_fetch_and_add(&state->run_count[program], 1);
  return state;
}

/* An object's address as a number, for which see number_of in network.bpf.h. */
static __always_inline u64 address_of(struct hft_cpu_deferred *state, u32 program, u64 object) {
  volatile u64 *place = &state->scratch[program];
  *place = object;
  return *place;
}

/* ---- Delays. */

static __always_inline u32 delay_bucket(u64 delay_ns) {
  if (delay_ns < (1ull << HFT_DELAY_FIRST_OCTAVE)) return 0;
  if (delay_ns >= HFT_DELAY_TOP_NS) delay_ns = HFT_DELAY_TOP_NS - 1;
  u64 rest = delay_ns;
  u32 octave = 0;
  if (rest >> 32) {
    octave += 32;
    rest >>= 32;
  }
  if (rest >> 16) {
    octave += 16;
    rest >>= 16;
  }
  if (rest >> 8) {
    octave += 8;
    rest >>= 8;
  }
  if (rest >> 4) {
    octave += 4;
    rest >>= 4;
  }
  if (rest >> 2) {
    octave += 2;
    rest >>= 2;
  }
  if (rest >> 1) octave += 1;
  u32 quarter = (delay_ns >> (octave - 2)) & 3;
  return 1 + (octave - HFT_DELAY_FIRST_OCTAVE) * 4 + quarter;
}

/* One that ended. Its writer is one program on the CPU that the sum belongs to. */
static __always_inline void count_delay(struct hft_delay *delay, u64 delay_ns) {
  delay->count++;
  delay->sum_ns += delay_ns;
  if (delay_ns > delay->longest_ns) delay->longest_ns = delay_ns;
  delay->buckets[delay_bucket(delay_ns) & (HFT_DELAY_BUCKETS - 1)]++;
}

/* ---- Softirqs. A raise is the CPU's own, with interrupts off; runs do not nest on a CPU. */

/* Of this CPU so far, as the programs that are always on have counted them: devices, the local timer, IPIs, the other vectors. */
static __always_inline u64 hard_interrupts(void) {
  struct hft_cpu_interrupts *state = interrupts_at(bpf_get_smp_processor_id());
  if (!state) return 0;
  u64 count = 0;
  for (u32 source = HFT_SOURCE_DEVICE; source <= HFT_SOURCE_VECTOR; source++) count += state->sums[source].count;
  return count;
}

/* Not what the tick raises on all CPUs at once: a word that all of them write would be fought for within each tick of the host. */
static __always_inline bool is_told_beside_others(u32 vector) {
  return vector < 32 && (1u << vector & HFT_OVERLAP_SOFTIRQS);
}

/*
 * Counted among those that run before its own word says so: where the daemon forgets both meanwhile (begun_deferrals.h), the sum can only
 * become too small, and who finds it below 0 makes up for that.
 */
static __always_inline void begin_softirq_run(struct hft_softirq_delay *softirq, u32 vector, u64 now_ns) {
  struct hft_softirq_cpus *running = is_told_beside_others(vector) ? bpf_map_lookup_elem(&softirqs_running, &vector) : NULL;
  if (running) {
    /* One whose end was not seen is counted still. */
    s64 others = softirq->started_ns ? (s64)running->count - 1 : (s64)__sync_fetch_and_add(&running->count, 1);
    if (others > 0) softirq->overlapped_count++;
    if (unlikely(others < 0)) __sync_fetch_and_add(&running->count, -others);
  }
  softirq->interrupts_before = hard_interrupts();
  *(volatile u64 *)&softirq->started_ns = now_ns;
}

HFT_TRACEPOINT("softirq_exit")
int on_softirq_end(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_SOFTIRQ_END);
  u32 vector = context[0];
  if (!state || vector >= HFT_DEFERRED_SOFTIRQS) return 0;
  struct hft_softirq_delay *softirq = &state->softirqs[vector];
  u64 now_ns = bpf_ktime_get_ns();
  u64 started_ns = softirq->started_ns;
  if (!started_ns) return 0; /* it began before the programs were attached */
  softirq->started_ns = 0;
  softirq->interrupted_count += hard_interrupts() - softirq->interrupts_before;
  count_delay(&softirq->duration, now_ns - started_ns);
  u32 key = vector;
  struct hft_softirq_cpus *running = is_told_beside_others(key) ? bpf_map_lookup_elem(&softirqs_running, &key) : NULL;
  if (running) __sync_fetch_and_add(&running->count, -1);
  return 0;
}

HFT_TRACEPOINT("softirq_raise")
int on_softirq_raise(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_SOFTIRQ_RAISE);
  u32 vector = context[0];
  if (!state || vector >= HFT_DEFERRED_SOFTIRQS) return 0;
  struct hft_softirq_delay *softirq = &state->softirqs[vector];
  softirq->raise_count++;
  if (!softirq->raised_ns) softirq->raised_ns = bpf_ktime_get_ns();
  return 0;
}

HFT_TRACEPOINT("softirq_entry")
int on_softirq_begin(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_SOFTIRQ_BEGIN);
  u32 vector = context[0];
  if (!state || vector >= HFT_DEFERRED_SOFTIRQS) return 0;
  struct hft_softirq_delay *softirq = &state->softirqs[vector];
  softirq->run_count++;
  /* An interrupt may raise it again between any two instructions: what is taken is taken by one. */
  u64 raised_ns = __sync_lock_test_and_set(&softirq->raised_ns, 0);
  u64 now_ns = bpf_ktime_get_ns();
  if (likely(raised_ns && raised_ns <= now_ns)) {
    count_delay(&softirq->delay, now_ns - raised_ns);
  } else {
    softirq->unraised_count++;
  }
  begin_softirq_run(softirq, vector, now_ns);
  return 0;
}

/* ---- The tables of what has begun. */

static __always_inline u64 begun_word(u64 tag, u64 now_ns) {
  return tag << HFT_BEGUN_TIME_BITS | (now_ns & BEGUN_TIME_MASK);
}

/*
 * 24 bits of an object beside those of its place, never 0. The product's high bits depend on all of the address; places are its lower ones,
 * which do not overlap with these.
 */
static __always_inline u64 begun_tag(u64 hash) {
  return hash >> HFT_BEGUN_TIME_BITS | 1;
}

static __always_inline u64 begun_for_ns(u64 word, u64 now_ns) {
  return (now_ns - word) & BEGUN_TIME_MASK;
}

/* Whether nobody else's word had to go for it. */
static __always_inline bool begin_in(void *table, u32 place, u64 tag, u64 now_ns) {
  u32 other_place = place ^ 1;
  u64 *first = bpf_map_lookup_elem(table, &place);
  u64 *second = bpf_map_lookup_elem(table, &other_place);
  if (!first || !second) return true;
  u64 word = *first;
  u64 *chosen = first;
  /* Its own, left behind by one that was cancelled, else a free one. */
  if (word && word >> HFT_BEGUN_TIME_BITS != tag) {
    u64 other = *second;
    if (!other || other >> HFT_BEGUN_TIME_BITS == tag) chosen = second;
  }
  u64 was = __sync_lock_test_and_set(chosen, begun_word(tag, now_ns));
  return !was || was >> HFT_BEGUN_TIME_BITS == tag;
}

/* Its word, which is taken away; 0: there is none. */
static __always_inline u64 end_in(void *table, u32 place, u64 tag) {
  for (u32 i = 0; i < 2; i++) {
    u32 at = place ^ i;
    u64 *cell = bpf_map_lookup_elem(table, &at);
    if (!cell) return 0;
    u64 word = *cell;
    if (!word || word >> HFT_BEGUN_TIME_BITS != tag) continue;
    return __sync_val_compare_and_swap(cell, word, 0) == word ? word : 0;
  }
  return 0;
}

/* ---- Works of workqueues. */

static __always_inline u64 work_hash(u64 work) {
  return work * 0x9e3779b97f4a7c15ull;
}

static __always_inline u32 work_place(u64 hash) {
  return (hash >> 24) & (HFT_BEGUN_WORKS - 1);
}

/* Of a running one: by the work, for one of a softirq's workqueue (Linux 6.9) runs in whichever thread was interrupted. */
static __always_inline u32 worker_place(u64 hash) {
  return (hash >> 24) & (HFT_BEGUN_WORKERS - 1);
}

/* The row of a function on this CPU; 0 when all are taken. */
static __noinline u32 find_work_row(struct hft_cpu_deferred *state, u64 function) {
  if (!state) return 0;
  u32 first = (u32)((function * 0x9e3779b97f4a7c15ull) >> 40);
  for (u32 i = 0; i < HFT_WORK_ROWS; i++) {
    u32 at = (first + i) & (HFT_WORK_ROWS - 1);
    if (!at) continue;
    struct hft_work_row *row = &state->works[at];
    if (row->function == function) return at;
    if (row->function) continue;
    row->function = function;
    return at;
  }
  return 0;
}

static __always_inline struct hft_work_row *work_row(struct hft_cpu_deferred *state, u64 function) {
  return &state->works[find_work_row(state, function) & (HFT_WORK_ROWS - 1)];
}

HFT_TRACEPOINT("workqueue_queue_work")
int on_work_queued(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_WORK_QUEUED);
  if (!state) return 0;
  u64 hash = work_hash(address_of(state, HFT_DEFERRED_WORK_QUEUED, context[2]));
  __sync_fetch_and_add(&state->queued_count, 1);
  if (!begin_in(&deferred_works, work_place(hash), begun_tag(hash), bpf_ktime_get_ns())) {
    __sync_fetch_and_add(&state->displaced_count, 1);
  }
  return 0;
}

HFT_TRACEPOINT("workqueue_execute_start")
int on_work_begin(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_WORK_BEGIN);
  if (!state) return 0;
  struct work_struct *work = (struct work_struct *)context[0];
  u64 function = (u64)READ_FIELD(work, func);
  u64 hash = work_hash(address_of(state, HFT_DEFERRED_WORK_BEGIN, context[0]));
  u64 now_ns = bpf_ktime_get_ns();
  u64 word = end_in(&deferred_works, work_place(hash), begun_tag(hash));
  struct hft_work_row *row = work_row(state, function);
  row->begin_count++;
  if (word) {
    u64 delay_ns = begun_for_ns(word, now_ns);
    row->delay_count++;
    row->delay_ns += delay_ns;
    if (delay_ns > row->delay_longest_ns) row->delay_longest_ns = delay_ns;
    count_delay(&state->work_delay, delay_ns);
  }
  if (!begin_in(&deferred_workers, worker_place(hash), begun_tag(hash), now_ns)) state->unended_count++;
  return 0;
}

/* Where the worker is now: it may have slept, and changed its CPU. */
HFT_TRACEPOINT("workqueue_execute_end")
int on_work_end(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_WORK_END);
  if (!state) return 0;
  u64 hash = work_hash(address_of(state, HFT_DEFERRED_WORK_END, context[0]));
  u64 word = end_in(&deferred_workers, worker_place(hash), begun_tag(hash));
  if (!word) return 0; /* it began before the programs were attached */
  u64 function = 0;
  /* Not by a load: a pointer to a function is none that the verifier lets through. */
  bpf_probe_read_kernel(&function, sizeof(function), &context[1]);
  struct hft_work_row *row = work_row(state, function);
  u64 duration_ns = begun_for_ns(word, bpf_ktime_get_ns());
  row->end_count++;
  row->duration_ns += duration_ns;
  if (duration_ns > row->duration_longest_ns) row->duration_longest_ns = duration_ns;
  return 0;
}

/* ---- Tasklets: one at a time on a CPU. */

static __noinline u32 find_tasklet_row(struct hft_cpu_deferred *state, u64 function) {
  if (!state) return 0;
  for (u32 at = 1; at < HFT_TASKLET_ROWS; at++) {
    struct hft_tasklet_row *row = &state->tasklets[at];
    if (row->function == function) return at;
    if (row->function) continue;
    row->function = function;
    return at;
  }
  return 0;
}

HFT_TRACEPOINT("tasklet_exit")
int on_tasklet_end(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_TASKLET_END);
  if (!state) return 0;
  u64 start_ns = state->tasklet_start_ns;
  if (!start_ns) return 0;
  state->tasklet_start_ns = 0;
  u64 duration_ns = bpf_ktime_get_ns() - start_ns;
  struct hft_tasklet_row *row = &state->tasklets[find_tasklet_row(state, context[1]) & (HFT_TASKLET_ROWS - 1)];
  row->count++;
  row->duration_ns += duration_ns;
  if (duration_ns > row->longest_ns) row->longest_ns = duration_ns;
  return 0;
}

HFT_TRACEPOINT("tasklet_entry")
int on_tasklet_begin(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_TASKLET_BEGIN);
  if (state) state->tasklet_start_ns = bpf_ktime_get_ns();
  return 0;
}

/* ---- Threads of interrupts. */

/* The row of a thread, or NULL. `take` with its action: a free one is taken for it. */
static __noinline struct hft_irq_thread *find_irq_thread(u32 tid, struct irqaction *take) {
  for (u32 i = 0; i < IRQ_THREAD_PROBES; i++) {
    u32 at = (tid + i) & (HFT_IRQ_THREAD_ROWS - 1);
    struct hft_irq_thread *row = bpf_map_lookup_elem(&irq_threads, &at);
    if (!row) return NULL;
    if (row->tid == tid) return row;
    if (row->tid || !take) continue;
    /* Two CPUs may find it free at once. */
    if (__sync_val_compare_and_swap(&row->tid, 0, tid) != 0) continue;
    row->irq = READ_FIELD(take, irq);
    bpf_probe_read_kernel_str(row->name, HFT_IRQ_THREAD_NAME_LENGTH, READ_FIELD(take, name));
    return row;
  }
  return NULL;
}

/* The kernel wakes the thread after this tracepoint. */
static __noinline int note_woken_thread(struct hft_cpu_deferred *state, struct irqaction *action) {
  struct task_struct *thread = READ_FIELD(action, thread);
  if (!state || !thread) return 0;
  struct hft_irq_thread *row = find_irq_thread(BPF_CORE_READ(thread, pid), action);
  if (!row) {
    state->unlisted_thread_count++;
    return 0;
  }
  __sync_fetch_and_add(&row->wake_count, 1);
  if (BPF_CORE_READ(thread, on_cpu)) {
    __sync_fetch_and_add(&row->running_count, 1);
    return 0;
  }
  if (__sync_val_compare_and_swap(&row->woken_ns, 0, bpf_ktime_get_ns()) != 0) {
    __sync_fetch_and_add(&row->waiting_count, 1);
    return 0;
  }
  u64 *waiting = waiting_threads();
  if (waiting) __sync_fetch_and_add(waiting, 1);
  return 0;
}

static __noinline int note_thread_runs(u32 tid) {
  struct hft_irq_thread *row = find_irq_thread(tid, NULL);
  if (!row) return 0;
  u64 woken_ns = __sync_lock_test_and_set(&row->woken_ns, 0);
  if (!woken_ns) return 0;
  u64 *waiting = waiting_threads();
  if (waiting) __sync_fetch_and_add(waiting, -1);
  u64 delay_ns = bpf_ktime_get_ns() - woken_ns;
  row->delay_count++;
  row->delay_ns += delay_ns;
  if (delay_ns > row->delay_longest_ns) row->delay_longest_ns = delay_ns;
  return 0;
}

HFT_TRACEPOINT("sched_switch")
int on_thread_runs(u64 *context) {
  u64 *waiting = waiting_threads();
  if (!waiting || likely(!*waiting)) return 0;
  if (!begin_deferred(HFT_DEFERRED_THREAD_RUNS)) return 0;
  struct task_struct *next = (struct task_struct *)context[2];
  return note_thread_runs(READ_FIELD(next, pid));
}

/* ---- Handlers of device interrupts: with interrupts off, one at a time on a CPU. */

/* The row of a handler on this CPU; 0 when all are taken. */
static __noinline u32 find_handler_row(struct hft_cpu_deferred *state, struct irqaction *action, u32 irq) {
  if (!state) return 0;
  u32 first = (irq * 0x9e3779b1u) >> 28; /* the handlers of a shared line begin to look at the same place */
  for (u32 i = 0; i < HFT_HANDLER_ROWS; i++) {
    u32 at = (first + i) & (HFT_HANDLER_ROWS - 1);
    if (!at) continue;
    struct hft_handler_row *row = &state->handlers[at];
    if (row->action == (u64)action && row->irq == irq) return at;
    if (row->action) continue;
    row->irq = irq;
    bpf_probe_read_kernel_str(row->name, HFT_IRQ_THREAD_NAME_LENGTH, READ_FIELD(action, name));
    row->action = (u64)action;
    return at;
  }
  return 0;
}

HFT_TRACEPOINT("irq_handler_exit")
int on_handler_end(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_HANDLER_END);
  if (!state) return 0;
  u64 now_ns = bpf_ktime_get_ns();
  struct irqaction *action = (struct irqaction *)context[1];
  u64 start_ns = state->handler_start_ns;
  state->handler_start_ns = 0;
  /* Else the beginning of this one was not seen. */
  if (likely(start_ns && state->handler_action == (u64)action)) {
    u32 row = find_handler_row(state, action, context[0]);
    count_delay(&state->handlers[row & (HFT_HANDLER_ROWS - 1)].duration, now_ns - start_ns);
  }
  if ((u32)context[2] != IRQ_WAKE_THREAD) return 0;
  return note_woken_thread(state, action);
}

HFT_TRACEPOINT("irq_handler_entry")
int on_handler_begin(u64 *context) {
  struct hft_cpu_deferred *state = begin_deferred(HFT_DEFERRED_HANDLER_BEGIN);
  if (!state) return 0;
  state->handler_action = context[1];
  state->handler_start_ns = bpf_ktime_get_ns();
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_DEFERRED_BPF_H_ */
