/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The maps of switch_events.h, as the programs see them. Entry counts and the ring's size are set by the daemon before the load. */
#ifndef HFTMON_DAEMON_BPF_SHARED_MAPS_BPF_H_
#define HFTMON_DAEMON_BPF_SHARED_MAPS_BPF_H_

#define RING_CELLS_MAX 8192

struct ring {
  struct hft_ring_header header;
  struct hft_switch_in cells[RING_CELLS_MAX]; /* any record: all are HFT_RECORD_BYTES long */
};

struct slot_word {
  u16 slots[4]; /* of tids 4k … 4k+3: array maps round a value up to 8 bytes */
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct ring);
} rings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct slot_word);
} slot_of_tid SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_STACK);
  __uint(max_entries, 1);
  __type(value, u32);
} free_slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_audit);
} audits SEC(".maps");

/* In .bss, at fixed addresses, found without a map lookup: all that a bystander touches, and the slots. */
struct hft_controls controls;
__u64 watched_bits[HFT_PID_LIMIT / 64];
struct hft_cpu cpus[HFT_CPUS_MAX] __attribute__((aligned(64)));
struct hft_rule_name rule_names[HFT_RULE_NAMES_MAX];

struct hft_histogram_pool histogram_pool;
/* The last one: the daemon cuts the section behind the slots that are configured, before the load. */
struct hft_thread_slot slots[HFT_SLOTS_MAX] __attribute__((aligned(64)));

/* Of immediates.h. */
#define IMMEDIATE(marker)                                                                  \
  ({                                                                                       \
    u64 immediate;                                                                         \
    asm volatile("%[value] = %[number]" : [value] "=r"(immediate) : [number] "i"(marker)); \
    immediate;                                                                             \
  })

/* The daemon refuses to start on a host with more possible CPUs, so the mask never folds two into one. */
static __always_inline struct hft_cpu *cpu_at(u32 cpu) {
  struct hft_cpu *cpu_state = &cpus[cpu & (HFT_CPUS_MAX - 1)];
  barrier_var(cpu_state); /* else every index into it starts from &cpus anew */
  return cpu_state;
}

/*
 * Bit 0: whether `tgid` is watched; `bits` is watched_bits. By hand: BPF shifts by the six lowest bits of a register and an address is in
 * bytes, so that two instructions that C asks for are for nothing.
 */
static __always_inline u64 watched_from(const u64 *bits, u32 tgid) {
  u64 shift = tgid;
  u64 word = *(const u64 *)((const char *)bits + ((shift >> 3) & (HFT_PID_LIMIT / 8 - 8)));
  asm("%[word] >>= %[shift]" : [word] "+r"(word) : [shift] "r"(shift));
  return word;
}

/* The same in C, which the compiler can share between two questions. */
static __always_inline bool is_watched(u32 tgid) {
  return (watched_bits[(tgid & (HFT_PID_LIMIT - 1)) / 64] >> (tgid & 63)) & 1;
}

/* The entry of `tid` in the table, or NULL above its end. */
static __always_inline u16 *slot_entry(u32 tid) {
  u32 key = tid / 4;
  struct slot_word *word = bpf_map_lookup_elem(&slot_of_tid, &key);
  if (!word) return NULL;
  return &word->slots[tid & 3];
}

/* Never NULL: slot 0 has nobody's mark, and stands for what is out of bounds. */
static __always_inline struct hft_thread_slot *any_slot_at(u64 index) {
  /* By hand: the verifier of 6.1 finds out that a second test cannot fail only where the constant stands on the right. */
  asm volatile("if %[index] < %[bound] goto +1; %[index] = 0" : [index] "+r"(index) : [bound] "i"(HFT_IMMEDIATE_SLOT_BOUND));
  return &slots[index];
}

static __always_inline struct hft_thread_slot *slot_at(u64 index) {
  if (index == HFT_NO_SLOT) return NULL;
  return any_slot_at(index);
}

static __always_inline struct hft_thread_slot *slot_of(u32 tid, u16 *index) {
  u16 *entry = slot_entry(tid);
  if (!entry) return NULL;
  *index = *entry;
  return slot_at(*index);
}

#endif /* HFTMON_DAEMON_BPF_SHARED_MAPS_BPF_H_ */
