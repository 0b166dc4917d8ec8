/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the hardware and the hypervisor do to a CPU.
 *
 * Reads:    local_timer_exit, cpu_idle, cpu_frequency, mce_record; the msr PMU's events of the CPU that it runs on (hardware_counters).
 * Produces: each CPU's readings, sums by idle state, frequency changes, machine checks (hardware_events.h). The daemon leaves out the
 *           programs whose tracepoints the kernel does not have.
 * Cost:     each tick, idle entry and exit of the host while they are attached, and they are attached only while a target asks
 *           (collectors/hardware_programs.h): no thread's own work but the tick is in its way. Each counter that is open costs its read.
 *
 * Nothing here reaches for another CPU's registers.
 */
#ifndef HFTMON_DAEMON_BPF_HARDWARE_BPF_H_
#define HFTMON_DAEMON_BPF_HARDWARE_BPF_H_

#include "daemon/bpf/hardware_events.h"

#define READING_MASK (HFT_HARDWARE_READINGS - 1)

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_cpu_hardware);
} hardware SEC(".maps");

/* The event of counter n of CPU c at HFT_COUNTERS * c + n; empty where there is none. */
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, u32);
} hardware_counters SEC(".maps");

/* What bpf_perf_event_read_value fills (<linux/bpf.h>). */
struct bpf_perf_event_value {
  u64 counter;
  u64 enabled;
  u64 running;
};

static __always_inline struct hft_cpu_hardware *hardware_at(u32 cpu) {
  return bpf_map_lookup_elem(&hardware, &cpu);
}

/* One writer: ticks and idle entries run with interrupts off. */
static __noinline int take_reading(struct hft_cpu_hardware *state, u32 cpu) {
  if (!state) return 0;
  struct hft_hardware_reading *reading = &state->readings[state->position & READING_MASK];
  __sync_lock_test_and_set(&reading->sequence, 0);
  u32 known = 0;
  reading->begin_ns = bpf_ktime_get_ns();
  for (u32 counter = 0; counter < HFT_COUNTERS; counter++) {
    struct bpf_perf_event_value value;
    if (bpf_perf_event_read_value(&hardware_counters, HFT_COUNTERS * cpu + counter, &value, sizeof(value))) continue;
    reading->values[counter] = value.counter;
    known += 1u << counter;
  }
  /* Not the tick's copy: the scheduler has looked at it since, whenever a wait ended. */
  u64 steal_ns = 0;
  if (read_steal(cpu_at(cpu), &steal_ns)) {
    reading->steal_ns = steal_ns;
    known += HFT_STEAL_KNOWN;
  }
  reading->known = known;
  u64 now_ns = bpf_ktime_get_ns();
  reading->mono_ns = now_ns;
  state->last_reading_ns = now_ns;
  state->position++;
  __sync_lock_test_and_set(&reading->sequence, (u32)state->position);
  return 0;
}

HFT_TRACEPOINT("local_timer_exit")
int on_hardware_tick(u64 *context) {
  if (unlikely(controls.off)) return 0;
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_hardware *state = hardware_at(cpu);
  if (!state) return 0;
  state->tick_count++;
  if (bpf_ktime_get_ns() - state->last_reading_ns < HFT_READING_GAP_NS) return 0;
  return take_reading(state, cpu);
}

/* Ticks end when a CPU goes idle, and nobody waits for it then. */
static __always_inline int enter_idle(struct hft_cpu_hardware *state, u32 cpu, u32 idle_state, u64 now_ns) {
  if (idle_state >= HFT_IDLE_STATES) idle_state = HFT_IDLE_STATES - 1;
  state->idle_since_ns = now_ns;
  state->idle_state = idle_state + 1;
  if (now_ns - state->last_reading_ns < HFT_READING_GAP_NS) return 0;
  return take_reading(state, cpu);
}

HFT_TRACEPOINT("cpu_idle")
int on_idle(u64 *context) {
  if (unlikely(controls.off)) return 0;
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_hardware *state = hardware_at(cpu);
  if (!state) return 0;
  u64 now_ns = bpf_ktime_get_ns();
  state->idle_event_count++;
  u32 idle_state = context[0];
  if (idle_state != HFT_IDLE_EXIT) return enter_idle(state, cpu, idle_state, now_ns);
  u32 left = state->idle_state;
  if (unlikely(!left)) {
    state->idle_unpaired_count++;
    return 0;
  }
  state->idle_state = 0;
  struct hft_idle_row *row = &state->idle[(left - 1) & (HFT_IDLE_STATES - 1)];
  u64 duration_ns = now_ns - state->idle_since_ns;
  row->count++;
  row->duration_ns += duration_ns;
  if (duration_ns > row->longest_ns) row->longest_ns = duration_ns;
  return 0;
}

/* Told by whoever changes it, one at a time for each CPU. */
HFT_TRACEPOINT("cpu_frequency")
int on_frequency(u64 *context) {
  if (unlikely(controls.off)) return 0;
  struct hft_cpu_hardware *state = hardware_at(context[1]);
  if (!state) return 0;
  u32 frequency_khz = context[0];
  __sync_fetch_and_add(&state->frequency_event_count, 1);
  __sync_fetch_and_add(&state->frequency_change_count, 1);
  state->frequency_khz = frequency_khz;
  if (!state->frequency_lowest_khz || frequency_khz < state->frequency_lowest_khz) state->frequency_lowest_khz = frequency_khz;
  return 0;
}

/* Told later, by a worker on any CPU. */
HFT_TRACEPOINT("mce_record")
int on_machine_check(u64 *context) {
  if (unlikely(controls.off)) return 0;
  struct mce *record = (struct mce *)context[0];
  struct hft_cpu_hardware *state = hardware_at(BPF_CORE_READ(record, extcpu));
  if (!state) return 0;
  __sync_fetch_and_add(&state->machine_check_count, 1);
  state->check_bank = BPF_CORE_READ(record, bank);
  state->check_status = BPF_CORE_READ(record, status);
  state->check_mono_ns = bpf_ktime_get_ns();
  __sync_fetch_and_add(&state->check_count, 1);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_HARDWARE_BPF_H_ */
