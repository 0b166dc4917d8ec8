/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The producer's side of the per-CPU ring. Reserve by fetch-add (an interrupt's program may nest in ours), invalidate, fill, publish.
 * The exchanges order the sequence against the payload on every machine; the reader checks the sequence before and after its copy.
 */
#ifndef HFTMON_DAEMON_BPF_RECORD_RING_BPF_H_
#define HFTMON_DAEMON_BPF_RECORD_RING_BPF_H_

/* Cells reserved together: `first` is the index of the first one, counted since the ring was made. */
struct reservation {
  struct ring *ring;
  u64 first;
  u32 cpu;
};

static __always_inline bool reserve_cells(struct reservation *reserved, u32 cpu, u32 count) {
  struct ring *ring = bpf_map_lookup_elem(&rings, &cpu);
  if (!ring) return false;
  reserved->ring = ring;
  reserved->cpu = cpu;
  reserved->first = __sync_fetch_and_add(&ring->header.head, count);
  return true;
}

static __always_inline void *open_cell(struct reservation *reserved, u32 offset) {
  struct hft_switch_in *cell = &reserved->ring->cells[(reserved->first + offset) & IMMEDIATE(HFT_IMMEDIATE_RING_MASK)];
  __sync_lock_test_and_set(&cell->header.sequence, 0);
  return cell;
}

static __always_inline void publish_cell(struct reservation *reserved, u32 offset, void *cell, u8 type, u8 continuation, u64 mono_ns) {
  struct hft_record_header *header = cell;
  header->type = type;
  header->continuation = continuation;
  header->cpu = reserved->cpu;
  header->mono_ns = mono_ns;
  __sync_lock_test_and_set(&header->sequence, (u32)(reserved->first + offset + 1));
}

#endif /* HFTMON_DAEMON_BPF_RECORD_RING_BPF_H_ */
