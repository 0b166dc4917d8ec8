/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The log of who ran on each CPU: written at every switch of the host (this is what a bystander pays), read back only when a watched
 * thread's wait exceeded the threshold. The reader is the program itself, on the CPU that owns the log or under that CPU's run queue
 * lock, so the log cannot wrap while it is copied and no reader in user space races with it.
 */
#ifndef HFTMON_DAEMON_BPF_RUNNER_LOG_BPF_H_
#define HFTMON_DAEMON_BPF_RUNNER_LOG_BPF_H_

#define LOG_MASK (HFT_CPU_LOG_ENTRIES - 1)
#define RUNNERS_MAX (HFT_CPU_LOG_ENTRIES - 1)
#define CONTINUATION_CELLS_MAX ((RUNNERS_MAX - HFT_INLINE_RUNNERS + HFT_RUNNERS_PER_CELL - 1) / HFT_RUNNERS_PER_CELL)

/* A stretch of a CPU's log: entries [first, first + count), oldest first. */
struct log_stretch {
  struct hft_cpu *cpu;
  u64 first;
  u32 count;
  bool truncated; /* the log does not reach back to the asked time */
};

static __always_inline void log_switch(struct hft_cpu *cpu, u64 clock_ns, u32 tid, u32 tgid) {
  u64 position = cpu->position;
  struct hft_runner *entry = &cpu->log[position & LOG_MASK];
  entry->clock_ns = clock_ns;
  entry->tid = tid;
  entry->tgid = tgid;
  barrier();
  cpu->position = position + 1;
}

/*
 * Functions without `static` are verified once, by themselves: what their loops may do is not multiplied with what their callers' loops
 * may do. They take numbers only, and are cold.
 */

/*
 * How many runners of `cpu` there are since begin_clock_ns, up to but without entry `end`: the one that was on the CPU at begin_clock_ns is
 * the oldest. STRETCH_TRUNCATED is added when the log does not reach back so far.
 */
#define STRETCH_TRUNCATED 256
__noinline u32 count_runners(u32 cpu, u64 end, u64 begin_clock_ns) {
  struct hft_cpu *cpu_state = cpu_at(cpu);
  u64 believed = end - cpu_state->log_begin;
  for (u32 count = 0; count < RUNNERS_MAX; count++) {
    if (count >= believed) return count | STRETCH_TRUNCATED;
    if (cpu_state->log[(end - count - 1) & LOG_MASK].clock_ns <= begin_clock_ns) return count + 1;
  }
  return RUNNERS_MAX | STRETCH_TRUNCATED;
}

static __always_inline void find_stretch(struct log_stretch *stretch, u32 cpu, u64 end, u64 begin_clock_ns) {
  u32 found = count_runners(cpu, end, begin_clock_ns);
  stretch->cpu = cpu_at(cpu);
  stretch->count = found & (STRETCH_TRUNCATED - 1);
  stretch->first = end - stretch->count;
  stretch->truncated = found >= STRETCH_TRUNCATED;
}

static __always_inline u32 continuation_cells(u32 runner_count) {
  if (runner_count <= HFT_INLINE_RUNNERS) return 0;
  return (runner_count - HFT_INLINE_RUNNERS + HFT_RUNNERS_PER_CELL - 1) / HFT_RUNNERS_PER_CELL;
}

/* Those that fit in the record's head cell. */
static __always_inline void put_first_runners(struct hft_runner *runners, struct log_stretch *stretch) {
  for (u32 i = 0; i < HFT_INLINE_RUNNERS; i++) {
    if (i >= stretch->count) break;
    runners[i] = stretch->cpu->log[(stretch->first + i) & LOG_MASK];
  }
}

/*
 * Fills and publishes the cells of this CPU's ring from `first_cell` on with the runners of `log_cpu` from entry `first` up to but without
 * `end`: those that the head cell does not hold.
 */
__noinline int put_runners(u64 first_cell, u32 log_cpu, u64 first, u64 end, u64 mono_ns) {
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu *cpu_state = cpu_at(log_cpu);
  struct ring *ring = bpf_map_lookup_elem(&rings, &cpu);
  if (!ring) return 0;
  struct reservation reserved = {.ring = ring, .first = first_cell, .cpu = cpu};
  for (u32 cell_number = 0; cell_number < CONTINUATION_CELLS_MAX; cell_number++) {
    if (first >= end) break;
    struct hft_runners *cell = open_cell(&reserved, cell_number);
    for (u32 i = 0; i < HFT_RUNNERS_PER_CELL; i++) {
      if (first >= end) break;
      cell->runners[i] = cpu_state->log[first & LOG_MASK];
      first++;
    }
    publish_cell(&reserved, cell_number, cell, HFT_RECORD_RUNNERS, 0, mono_ns);
  }
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_RUNNER_LOG_BPF_H_ */
