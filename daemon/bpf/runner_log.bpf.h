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

/* The runners since begin_clock_ns, up to but without entry `end`: the one that was on the CPU at begin_clock_ns comes first. */
static __always_inline void find_stretch(struct log_stretch *stretch, struct hft_cpu *cpu, u64 end, u64 begin_clock_ns) {
  u32 count = 0;
  u32 kept = end < RUNNERS_MAX ? end : RUNNERS_MAX;
  bool truncated = true;
  while (count < kept && truncated) {
    count++;
    truncated = cpu->log[(end - count) & LOG_MASK].clock_ns > begin_clock_ns;
  }
  stretch->cpu = cpu;
  stretch->first = end - count;
  stretch->count = count;
  stretch->truncated = truncated;
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

/* Fills and publishes the continuation cells of a record whose head cell is at offset 0 of the reservation. */
static __always_inline void put_continuation(struct reservation *reserved, struct log_stretch *stretch, u64 mono_ns) {
  u32 runner = HFT_INLINE_RUNNERS;
  for (u32 cell_number = 1; cell_number <= CONTINUATION_CELLS_MAX; cell_number++) {
    if (runner >= stretch->count) break;
    struct hft_runners *cell = open_cell(reserved, cell_number);
    for (u32 i = 0; i < HFT_RUNNERS_PER_CELL; i++) {
      if (runner >= stretch->count) break;
      cell->runners[i] = stretch->cpu->log[(stretch->first + runner) & LOG_MASK];
      runner++;
    }
    publish_cell(reserved, cell_number, cell, HFT_RECORD_RUNNERS, 0, mono_ns);
  }
}

#endif /* HFTMON_DAEMON_BPF_RUNNER_LOG_BPF_H_ */
