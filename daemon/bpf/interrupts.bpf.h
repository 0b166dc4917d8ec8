/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What interrupts take from threads.
 *
 * Reads:    irq_handler, softirq, the vectors of irq_vectors (entry and exit each), nmi_handler; irqaction, rq.prev_steal_time_rq.
 * Produces: each CPU's log and sums of interrupts, what they took from each watched thread, a record of a stretch above the threshold
 *           (interrupt_events.h). The daemon leaves out the tracepoints that the kernel does not have.
 *
 * Writers: programs on their own CPU. An inner level's program may come between any two instructions of an outer level's: what both write
 * is written by one instruction or left as it was found.
 */
#ifndef HFTMON_DAEMON_BPF_INTERRUPTS_BPF_H_
#define HFTMON_DAEMON_BPF_INTERRUPTS_BPF_H_

#define INTERRUPTION_MASK (HFT_INTERRUPTION_LOG_ENTRIES - 1)
#define INTERRUPTION_CELLS_MAX ((HFT_INTERRUPTIONS_PER_RECORD + HFT_INTERRUPTIONS_PER_CELL - 1) / HFT_INTERRUPTIONS_PER_CELL)

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_cpu_interrupts);
} interrupts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_stolen);
} stolen SEC(".maps");

static __always_inline struct hft_cpu_interrupts *interrupts_at(u32 cpu) {
  return bpf_map_lookup_elem(&interrupts, &cpu);
}

/* ---- Copying a stretch of the log into a record. */

/*
 * Functions without `static` are verified once, by themselves: what their loops may do is not multiplied with what their callers' loops
 * may do. They take numbers only, and are cold.
 */

/* Of this CPU's log: how many of the newest interruptions before entry `end` ended after begin_ns. At most a record's worth. */
__noinline u32 count_interruptions(u64 end, u64 begin_ns) {
  struct hft_cpu_interrupts *state = interrupts_at(bpf_get_smp_processor_id());
  if (!state) return 0;
  for (u32 count = 0; count < HFT_INTERRUPTIONS_PER_RECORD; count++) {
    if (count >= end) return count;
    struct hft_interruption *entry = &state->log[(end - count - 1) & INTERRUPTION_MASK];
    if (entry->start_ns + entry->duration_ns <= begin_ns) return count;
  }
  return HFT_INTERRUPTIONS_PER_RECORD;
}

/* Whether an interruption before the newest `count` ended after begin_ns too, and so is not in the record. */
static __always_inline bool more_interruptions(struct hft_cpu_interrupts *state, u64 end, u32 count, u64 begin_ns) {
  if (count < HFT_INTERRUPTIONS_PER_RECORD || end <= count) return false;
  struct hft_interruption *entry = &state->log[(end - count - 1) & INTERRUPTION_MASK];
  return entry->start_ns + entry->duration_ns > begin_ns;
}

static __always_inline u32 interruption_cells(u32 count) {
  return (count + HFT_INTERRUPTIONS_PER_CELL - 1) / HFT_INTERRUPTIONS_PER_CELL;
}

/* Fills and publishes the cells of this CPU's ring from `first_cell` on with `count` interruptions of its log from `first` on. */
__noinline int put_interruptions(u64 first_cell, u64 first, u32 count, u64 mono_ns) {
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_interrupts *state = interrupts_at(cpu);
  struct ring *ring = bpf_map_lookup_elem(&rings, &cpu);
  if (!state || !ring) return 0;
  struct reservation reserved = {.ring = ring, .first = first_cell, .cpu = cpu};
  for (u32 i = 0; i < INTERRUPTION_CELLS_MAX; i++) {
    if (i * HFT_INTERRUPTIONS_PER_CELL >= count) break;
    struct hft_interruptions *cell = open_cell(&reserved, i);
    for (u32 j = 0; j < HFT_INTERRUPTIONS_PER_CELL; j++) {
      u32 taken = i * HFT_INTERRUPTIONS_PER_CELL + j;
      if (taken >= count) break;
      cell->interruptions[j] = state->log[(first + taken) & INTERRUPTION_MASK];
    }
    publish_cell(&reserved, i, cell, HFT_RECORD_INTERRUPTIONS, 0, mono_ns);
  }
  return 0;
}

/* ---- Whom it is taken from. */

/* The slot of the watched thread that this CPU runs, or NULL. */
static __always_inline struct hft_thread_slot *interrupted_slot(struct hft_cpu *cpu_state, u16 *index) {
  /* Not by the log of who ran: a kernel may hide the switch-in. */
  u64 current_pid = bpf_get_current_pid_tgid();
  if (likely(!is_watched(current_pid >> 32))) return NULL;
  *index = cpu_state->watched_slot;
  struct hft_thread_slot *slot = slot_at(*index);
  if (likely(slot && slot->tid == (u32)current_pid && slot->state == HFT_SLOT_LIVE)) return slot;
  /* Attached while it ran, and not switched since, or not seen to be. */
  slot = slot_of((u32)current_pid, index);
  return slot && slot->state == HFT_SLOT_LIVE ? slot : NULL;
}

/* The end of a stretch above the threshold. Cold. */
static __noinline int put_interrupted(struct hft_cpu *cpu_state, struct hft_cpu_interrupts *state, u32 index, u64 end_ns) {
  struct hft_thread_slot *slot = slot_at(index);
  if (!slot || !cpu_state || !state) return 0;
  struct reservation reserved;
  u64 end = state->position;
  u64 start_ns = state->stretch_start_ns;
  u32 count = count_interruptions(end, start_ns);
  u64 first = end - count;
  u32 inlined = count < HFT_INLINE_INTERRUPTIONS ? count : HFT_INLINE_INTERRUPTIONS;
  u32 continuation = interruption_cells(count - inlined);
  if (!reserve_cells(&reserved, bpf_get_smp_processor_id(), 1 + continuation)) return 0;
  struct hft_interrupted *cell = open_cell(&reserved, 0);
  cell->tid = slot->tid;
  cell->tgid = slot->tgid;
  cell->stretch_start_ns = start_ns;
  cell->slot = index;
  cell->interruption_count = count;
  cell->truncated = more_interruptions(state, end, count, start_ns);
  for (u32 i = 0; i < HFT_INLINE_INTERRUPTIONS; i++) {
    if (i >= count) break;
    cell->interruptions[i] = state->log[(first + i) & INTERRUPTION_MASK];
  }
  u64 mono_ns = bpf_ktime_get_ns(); /* after the reservation, as every record's */
  cell->end_ns = end_ns;
  if (continuation) put_interruptions(reserved.first + 1, first + inlined, count - inlined, mono_ns);
  publish_cell(&reserved, 0, cell, HFT_RECORD_INTERRUPTED, continuation, mono_ns);
  return 0;
}

/*
 * The same source, as a row that exists whatever it is. Bounded in its own register: what the compiler tests in one and then loads again
 * from the stack is unbounded to the verifier of 6.1.
 */
static __always_inline u64 row_of_source(u64 source) {
  if (__builtin_constant_p(source)) return source;
  asm volatile("if %[source] < %[sources] goto +1; %[source] = 0" : [source] "+r"(source) : [sources] "i"(HFT_SOURCES));
  return source;
}

/* `source` is a row that exists. */
static __always_inline void steal_from(struct hft_cpu *cpu_state, struct hft_cpu_interrupts *state, u64 source, u32 level, u64 self_ns,
                                       u64 end_ns) {
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = interrupted_slot(cpu_state, &index);
  if (likely(!slot)) return;
  u32 key = index;
  struct hft_stolen *taken = bpf_map_lookup_elem(&stolen, &key);
  if (!taken) return;
  if (unlikely(taken->generation != slot->generation)) {
    __builtin_memset(taken, 0, sizeof(*taken));
    taken->generation = slot->generation;
  }
  taken->self_ns[source] += self_ns;
  taken->count[source]++;
  if (level < HFT_LEVELS) taken->level_ns[level] += self_ns;
  if (state->active) return; /* an outer level goes on */
  u64 stretch_ns = end_ns - state->stretch_start_ns;
  if (unlikely((s64)stretch_ns < 0)) return; /* an interrupt came after this one's end, and began a stretch of its own */
  if (stretch_ns > taken->stretch_max_ns) taken->stretch_max_ns = stretch_ns;
  if (unlikely(stretch_ns > cpu_state->run_queue_threshold_ns)) put_interrupted(cpu_state, state, index, end_ns);
}

/* ---- Beginning and end of a handler. */

static __always_inline int enter_level(u32 program, u32 level, u8 source, u16 number, u8 row) {
  if (unlikely(controls.off)) return 0;
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_interrupts *state = interrupts_at(cpu);
  if (!state) return 0;
  struct hft_level_state *mine = &state->levels[level];
  u64 now_ns = bpf_ktime_get_ns();
  state->run_count[program]++;
  /* Its own level's bit is stale then: the end was not seen. */
  if (!(state->active & ((1u << level) - 1))) {
    u64 switched = cpu_at(cpu)->position;
    if (now_ns - state->stretch_end_ns > HFT_STRETCH_GAP_NS || state->stretch_switch != switched) {
      state->stretch_start_ns = now_ns;
      state->stretch_position = state->position;
      state->stretch_switch = switched;
    }
  }
  mine->nested_ns = 0;
  mine->source = source;
  mine->number = number;
  mine->row = row;
  mine->start_ns = now_ns;
  state->active |= 1u << level;
  return 0;
}

/* One that ended: its log entry, its sums, and what it took from the thread below. */
static __always_inline void account(struct hft_cpu_interrupts *state, u32 cpu, struct hft_interruption *ended, u64 nested_ns, u64 end_ns) {
  u64 duration_ns = end_ns - ended->start_ns;
  u64 self_ns = duration_ns - nested_ns;
  u64 source = row_of_source(ended->source);
  state->sums[source].count++;
  if (likely((s64)duration_ns >= 0 && (s64)self_ns >= 0)) {
    ended->duration_ns = duration_ns < 0xffffffff ? duration_ns : 0xffffffff;
    u64 position = __sync_fetch_and_add(&state->position, 1);
    state->log[position & INTERRUPTION_MASK] = *ended;
    /* The next outer level has this much less of its own. */
    if (ended->level >= HFT_LEVEL_NMI && (state->active & (1u << HFT_LEVEL_HARD))) {
      state->levels[HFT_LEVEL_HARD].nested_ns += duration_ns;
    } else if (ended->level >= HFT_LEVEL_HARD && (state->active & (1u << HFT_LEVEL_SOFTIRQ))) {
      state->levels[HFT_LEVEL_SOFTIRQ].nested_ns += duration_ns;
    }
  } else {
    /* It happened, and is counted; how long it took is not known. */
    state->discarded_count++;
    self_ns = 0;
  }
  state->sums[source].self_ns += self_ns;
  if (source == HFT_SOURCE_DEVICE) {
    struct hft_device_row *device = &state->devices[ended->row & (HFT_DEVICE_ROWS - 1)];
    device->count++;
    device->unhandled_count += ended->unhandled;
    device->self_ns += self_ns;
  }
  steal_from(cpu_at(cpu), state, source, ended->level, self_ns, end_ns);
}

static __always_inline struct hft_cpu_interrupts *leave_level(u32 program, u32 level, u8 unhandled) {
  if (unlikely(controls.off)) return NULL;
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_interrupts *state = interrupts_at(cpu);
  if (!state) return NULL;
  struct hft_level_state *mine = &state->levels[level];
  /*
   * What an inner level takes after the end was read is none of this one's: it would be taken off twice. Read again once: an interrupt that
   * comes within these few instructions in both turns counts for both levels.
   */
  u64 nested_ns = *(volatile u64 *)&mine->nested_ns;
  u64 end_ns = bpf_ktime_get_ns();
  u64 nested_since_ns = *(volatile u64 *)&mine->nested_ns;
  if (unlikely(nested_since_ns != nested_ns)) {
    nested_ns = nested_since_ns;
    end_ns = bpf_ktime_get_ns();
  }
  state->run_count[program + 1]++;
  u64 start_ns = mine->start_ns;
  if (unlikely(!start_ns)) {
    state->unpaired_count++; /* it began before the programs were attached */
    return state;
  }
  mine->start_ns = 0;
  /* The end before the bit: who sees no handler in progress must see when the last one ended (StretchHold). */
  if (!(state->active & ~(1u << level))) *(volatile u64 *)&state->stretch_end_ns = end_ns;
  barrier();
  state->active &= ~(1u << level);
  struct hft_interruption ended = {
      .start_ns = start_ns, .number = mine->number, .source = mine->source, .level = level, .row = mine->row, .unhandled = unhandled};
  account(state, cpu, &ended, nested_ns, end_ns);
  return state;
}

/* ---- Device interrupts. */

/* The row of a handler that this CPU has not met where it looked first. Cold: once a handler. */
static __noinline u32 find_device_row(struct hft_cpu_interrupts *state, struct irqaction *action, u32 irq, u32 first) {
  if (!state) return 0;
  for (u32 i = 0; i < HFT_DEVICE_ROWS; i++) {
    u32 row = (first + i) & (HFT_DEVICE_ROWS - 1);
    struct hft_device_row *device = &state->devices[row];
    if (!row) continue;
    if (device->action == (u64)action && device->irq == irq) return row;
    if (device->action) continue;
    device->irq = irq;
    bpf_probe_read_kernel_str(device->name, HFT_HANDLER_NAME_LENGTH, READ_FIELD(action, name));
    device->action = (u64)action;
    return row;
  }
  return 0;
}

HFT_TRACEPOINT("irq_handler_exit")
int on_irq_exit(u64 *context) {
  leave_level(HFT_PROGRAM_IRQ, HFT_LEVEL_HARD, (u32)context[2] == IRQ_NONE);
  return 0;
}

HFT_TRACEPOINT("irq_handler_entry")
int on_irq_enter(u64 *context) {
  if (unlikely(controls.off)) return 0;
  struct hft_cpu_interrupts *state = interrupts_at(bpf_get_smp_processor_id());
  if (!state) return 0;
  u32 irq = context[0];
  struct irqaction *action = (struct irqaction *)context[1];
  u32 row = (irq * 0x9e3779b1u) >> 28; /* the handlers of a shared line begin to look at the same place */
  struct hft_device_row *device = &state->devices[row & (HFT_DEVICE_ROWS - 1)];
  if (!row || device->action != (u64)action || device->irq != irq) row = find_device_row(state, action, irq, row);
  return enter_level(HFT_PROGRAM_IRQ, HFT_LEVEL_HARD, HFT_SOURCE_DEVICE, irq, row);
}

/* ---- Softirqs. */

HFT_TRACEPOINT("softirq_exit")
int on_softirq_exit(u64 *context) {
  leave_level(HFT_PROGRAM_SOFTIRQ, HFT_LEVEL_SOFTIRQ, 0);
  return 0;
}

HFT_TRACEPOINT("softirq_entry")
int on_softirq_enter(u64 *context) {
  u32 vector = context[0];
  if (vector >= HFT_SOFTIRQS) vector = HFT_SOFTIRQS - 1; /* none of the kernels so far */
  return enter_level(HFT_PROGRAM_SOFTIRQ, HFT_LEVEL_SOFTIRQ, HFT_SOURCE_SOFTIRQ + vector, 0, 0);
}

/* ---- The processor's own vectors (x86). */

/* Ends stand before beginnings: they are attached in this order, and attaching interrupts every CPU. */
#define HFT_VECTOR(name, program, source)                               \
  HFT_TRACEPOINT(#name "_exit")                                         \
  int on_##name##_exit(u64 *context) {                                  \
    leave_level(program, HFT_LEVEL_HARD, 0);                            \
    return 0;                                                           \
  }                                                                     \
  HFT_TRACEPOINT(#name "_entry")                                        \
  int on_##name##_enter(u64 *context) {                                 \
    return enter_level(program, HFT_LEVEL_HARD, source, context[0], 0); \
  }

HFT_VECTOR(reschedule, HFT_PROGRAM_RESCHEDULE, HFT_SOURCE_RESCHEDULE)
HFT_VECTOR(call_function, HFT_PROGRAM_CALL_FUNCTION, HFT_SOURCE_CALL_FUNCTION)
HFT_VECTOR(call_function_single, HFT_PROGRAM_CALL_FUNCTION_SINGLE, HFT_SOURCE_CALL_FUNCTION)
HFT_VECTOR(irq_work, HFT_PROGRAM_IRQ_WORK, HFT_SOURCE_IRQ_WORK)
HFT_VECTOR(x86_platform_ipi, HFT_PROGRAM_PLATFORM_IPI, HFT_SOURCE_VECTOR)
HFT_VECTOR(thermal_apic, HFT_PROGRAM_THERMAL, HFT_SOURCE_VECTOR)
HFT_VECTOR(threshold_apic, HFT_PROGRAM_THRESHOLD, HFT_SOURCE_VECTOR)
HFT_VECTOR(deferred_error_apic, HFT_PROGRAM_DEFERRED_ERROR, HFT_SOURCE_VECTOR)
HFT_VECTOR(error_apic, HFT_PROGRAM_ERROR, HFT_SOURCE_VECTOR)
HFT_VECTOR(spurious_apic, HFT_PROGRAM_SPURIOUS, HFT_SOURCE_VECTOR)

/* The tick is where the scheduler looks at the hypervisor's steal clock. */
HFT_TRACEPOINT("local_timer_exit")
int on_local_timer_exit(u64 *context) {
  struct hft_cpu_interrupts *state = leave_level(HFT_PROGRAM_LOCAL_TIMER, HFT_LEVEL_HARD, 0);
  if (state) note_steal(cpu_at(bpf_get_smp_processor_id()), state);
  return 0;
}

HFT_TRACEPOINT("local_timer_entry")
int on_local_timer_enter(u64 *context) {
  return enter_level(HFT_PROGRAM_LOCAL_TIMER, HFT_LEVEL_HARD, HFT_SOURCE_LOCAL_TIMER, context[0], 0);
}

/* ---- NMI: told once, at its end, with its duration. */

HFT_TRACEPOINT("nmi_handler")
int on_nmi(u64 *context) {
  if (unlikely(controls.off)) return 0;
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_interrupts *state = interrupts_at(cpu);
  if (!state) return 0;
  u64 end_ns = bpf_ktime_get_ns();
  u64 duration_ns = context[1];
  state->run_count[HFT_PROGRAM_NMI]++;
  if (!state->active && end_ns - duration_ns - state->stretch_end_ns > HFT_STRETCH_GAP_NS) {
    state->stretch_start_ns = end_ns - duration_ns;
    state->stretch_position = state->position;
    state->stretch_switch = cpu_at(cpu)->position;
  }
  if (!state->active) state->stretch_end_ns = end_ns;
  struct hft_interruption ended = {.start_ns = end_ns - duration_ns, .source = HFT_SOURCE_NMI, .level = HFT_LEVEL_NMI};
  account(state, cpu, &ended, 0, end_ns);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_INTERRUPTS_BPF_H_ */
