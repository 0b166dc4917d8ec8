/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The kernel's counts of each thread's switches as a program at sched_switch reads them, summed by process: those of its threads since
 * their birth, up to the last switch of each that a program was shown. Some hosts hide from programs whatever happens while, or right
 * before or after, their own guest agent runs.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
  int pid;
  int tgid;
  unsigned long nvcsw;
  unsigned long nivcsw;
  __u64 start_boottime;
} __attribute__((preserve_access_index));

struct thread_counts {
  __u64 start_ns; /* another one had this tid before */
  __u64 voluntary;
  __u64 involuntary;
};

struct process_counts {
  __u64 voluntary;
  __u64 involuntary;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, __u32); /* tid */
  __type(value, struct thread_counts);
} shown_by_tid SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u32); /* tgid */
  __type(value, struct process_counts);
} shown_by_tgid SEC(".maps");

SEC("tp_btf/sched_switch")
int sum_shown(__u64* context) {
  struct task_struct* prev = (struct task_struct*)context[1];
  struct thread_counts now = {.start_ns = prev->start_boottime, .voluntary = prev->nvcsw, .involuntary = prev->nivcsw};
  struct process_counts more = {.voluntary = now.voluntary, .involuntary = now.involuntary};
  struct process_counts zeros = {};
  __u32 tid = prev->pid;
  __u32 tgid = prev->tgid;
  if (tid == 0) return 0;
  struct thread_counts* last = bpf_map_lookup_elem(&shown_by_tid, &tid);
  if (last && last->start_ns == now.start_ns) {
    more.voluntary -= last->voluntary;
    more.involuntary -= last->involuntary;
  }
  bpf_map_update_elem(&shown_by_tid, &tid, &now, BPF_ANY);
  struct process_counts* sum = bpf_map_lookup_elem(&shown_by_tgid, &tgid);
  if (!sum) {
    bpf_map_update_elem(&shown_by_tgid, &tgid, &zeros, BPF_NOEXIST);
    sum = bpf_map_lookup_elem(&shown_by_tgid, &tgid);
    if (!sum) return 0;
  }
  __sync_fetch_and_add(&sum->voluntary, more.voluntary);
  __sync_fetch_and_add(&sum->involuntary, more.involuntary);
  return 0;
}

char shown_license[] SEC("license") = "GPL";
