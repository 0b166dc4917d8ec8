/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * Whether the kernel shows every switch: who leaves a CPU must be who came to it last. A thread that leaves without having been seen coming
 * is counted under its tid. Some hosts hide the switches of their own guest agent from BPF programs.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define CPUS_MAX 1024

struct task_struct {
  int pid;
} __attribute__((preserve_access_index));

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u32);
  __type(value, __u64);
} unseen_by_tid SEC(".maps");

/* The last thread that came to each CPU, plus one; 0 before the first. */
__u32 came_last[CPUS_MAX];

SEC("tp_btf/sched_switch")
int witness_switch(__u64* context) {
  struct task_struct* prev = (struct task_struct*)context[1];
  struct task_struct* next = (struct task_struct*)context[2];
  __u32 cpu = bpf_get_smp_processor_id() & (CPUS_MAX - 1);
  __u32 tid = prev->pid;
  __u32 expected = came_last[cpu];
  came_last[cpu] = next->pid + 1;
  if (expected == 0 || expected == tid + 1) return 0;
  __u64 one = 1;
  __u64* count = bpf_map_lookup_elem(&unseen_by_tid, &tid);
  if (count)
    __sync_fetch_and_add(count, 1);
  else
    bpf_map_update_elem(&unseen_by_tid, &tid, &one, BPF_ANY);
  return 0;
}

char witness_license[] SEC("license") = "GPL";
