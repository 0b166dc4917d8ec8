/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Packets on the host: the polls of devices, and drops (network_events.h). How they reach their readers: packet_path.bpf.h.
 *
 * Reads:    napi_poll, kfree_skb; the devices and packets that they name; the levels of interrupts.bpf.h.
 * Produces: each CPU's polls by interface and drops by reason. Names the interface that a softirq NET_RX polled longest in its
 *           hft_interruption.
 * Cost:     every poll and every drop of the host, while they are attached, and they are attached only while a target asks
 *           (collectors/network_programs.h).
 */
#ifndef HFTMON_DAEMON_BPF_NETWORK_BPF_H_
#define HFTMON_DAEMON_BPF_NETWORK_BPF_H_

#include "daemon/bpf/network_events.h"

#define INTERFACE_MASK (HFT_INTERFACE_ROWS - 1)
#define SOFTIRQ_NET_RX 3

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct hft_cpu_network);
} network SEC(".maps");

/* What each of the programs begins with: NULL when it is to do nothing. */
static __always_inline struct hft_cpu_network *begin_network(u32 program) {
  if (unlikely(controls.off)) return NULL;
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_cpu_network *state = bpf_map_lookup_elem(&network, &cpu);
  if (!state) return NULL;
  /* Not by a plain addition: the softirq's run may come within that of a thread. */
  __sync_fetch_and_add(&state->run_count[program], 1);
  return state;
}

/*
 * An object's address as a number: with a pointer of the kernel's the verifier lets nobody calculate, but what comes from a map is a
 * number. Each program has a place of its own, since another one may come in between; never itself.
 */
static __always_inline u64 number_of(struct hft_cpu_network *state, u32 program, const void *object) {
  volatile u64 *place = &state->scratch[program];
  *place = (u64)object;
  return *place;
}

/* ---- Polls. */

static __always_inline u32 namespace_of(struct net_device *device) {
  return BPF_CORE_READ(device, nd_net.net, ns.inum);
}

/* The row of a device that this CPU did not find where it looked first. Cold: once a device. */
static __noinline u32 find_interface_row(struct hft_cpu_network *state, u64 number, u32 ifindex, u32 first) {
  struct net_device *device = (struct net_device *)number;
  if (!state) return 0;
  for (u32 i = 0; i < HFT_INTERFACE_ROWS; i++) {
    u32 at = (first + i) & INTERFACE_MASK;
    struct hft_interface_row *row = &state->interfaces[at];
    if (at <= HFT_INTERFACE_BACKLOG) continue;
    if (row->device == number && row->ifindex == ifindex) return at;
    if (row->device) continue;
    row->ifindex = ifindex;
    row->namespace_id = namespace_of(device);
    bpf_probe_read_kernel_str(row->name, sizeof(row->name), &device->name);
    row->device = number;
    return at;
  }
  return 0;
}

static __always_inline u32 interface_row(struct hft_cpu_network *state, struct net_device *device) {
  if (!device) return HFT_INTERFACE_BACKLOG;
  u32 ifindex = READ_FIELD(device, ifindex);
  u64 number = number_of(state, HFT_NETWORK_NAPI_POLL, device);
  u32 at = ((u32)(number >> 6) * 0x9e3779b1u) >> 28;
  struct hft_interface_row *row = &state->interfaces[at & INTERFACE_MASK];
  if (likely(row->device == number && row->ifindex == ifindex)) return at;
  return find_interface_row(state, number, ifindex, at);
}

/* At the end of each poll. */
HFT_TRACEPOINT("napi_poll")
int on_napi_poll(u64 *context) {
  struct hft_cpu_network *state = begin_network(HFT_NETWORK_NAPI_POLL);
  struct hft_cpu_interrupts *interrupted = interrupts_at(bpf_get_smp_processor_id());
  if (!state || !interrupted) return 0;
  struct napi_struct *napi = (struct napi_struct *)context[0];
  s32 work = context[1];
  s32 budget = context[2];
  u32 at = interface_row(state, READ_FIELD(napi, dev)) & INTERFACE_MASK;
  struct hft_interface_row *row = &state->interfaces[at];
  row->poll_count++;
  if (work > 0) row->work_count += work;
  if (budget > 0 && work >= budget) row->full_count++;
  struct hft_level_state *level = &interrupted->levels[HFT_LEVEL_SOFTIRQ];
  u64 start_ns = level->start_ns;
  /* With PREEMPT_RT another thread's poll, or its time, may come in between. */
  if (is_real_time_kernel() || !start_ns || !(interrupted->active & (1u << HFT_LEVEL_SOFTIRQ)) ||
      level->source != HFT_SOURCE_SOFTIRQ + SOFTIRQ_NET_RX) {
    row->untimed_count++;
    return 0;
  }
  u64 nested_ns = level->nested_ns;
  u64 end_ns = bpf_ktime_get_ns();
  u64 begin_ns = start_ns;
  u64 nested_before_ns = 0;
  if (state->softirq_start_ns == start_ns) {
    begin_ns = state->poll_end_ns;
    nested_before_ns = state->poll_nested_ns;
  } else {
    state->softirq_start_ns = start_ns;
    state->longest_poll_ns = 0;
  }
  state->poll_end_ns = end_ns;
  state->poll_nested_ns = nested_ns;
  u64 self_ns = end_ns - begin_ns - (nested_ns - nested_before_ns);
  if (unlikely((s64)self_ns < 0)) {
    row->untimed_count++;
    return 0;
  }
  row->self_ns += self_ns;
  if (self_ns < state->longest_poll_ns) return 0;
  state->longest_poll_ns = self_ns;
  level->row = at;
  return 0;
}

/* ---- Drops. */

/* Through which interface it arrived. A packet's device is believed only where it has that number: most of a packet's life it has none. */
static __noinline int note_drop(struct hft_cpu_network *state, struct sk_buff *packet, u32 reason) {
  if (!state) return 0;
  u32 ifindex = BPF_CORE_READ(packet, skb_iif);
  for (u32 i = 0; i < HFT_DROP_ROWS; i++) {
    struct hft_drop_row *row = &state->drops[(reason * 7 + ifindex + i) & (HFT_DROP_ROWS - 1)];
    if (!row->count) {
      struct net_device *device = BPF_CORE_READ(packet, dev);
      row->reason = reason;
      row->ifindex = ifindex;
      row->namespace_id = 0;
      row->name[0] = 0;
      if (ifindex && device && (u32)BPF_CORE_READ(device, ifindex) == ifindex) {
        row->namespace_id = namespace_of(device);
        bpf_probe_read_kernel_str(row->name, sizeof(row->name), &device->name);
      }
    }
    if (row->reason != reason || row->ifindex != ifindex) continue;
    row->count++;
    return 0;
  }
  state->unlisted_drop_count++;
  return 0;
}

HFT_TRACEPOINT("kfree_skb")
int on_packet_dropped(u64 *context) {
  struct hft_cpu_network *state = begin_network(HFT_NETWORK_DROP);
  if (!state) return 0;
  u32 reason = 0;
  if (!read_drop_reason(context, &reason)) return 0;
  note_drop(state, (struct sk_buff *)context[0], reason);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_NETWORK_BPF_H_ */
