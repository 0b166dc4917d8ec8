/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/* Segments sent again, by the port that they go to, as any program at the tracepoint is told of them. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct sock_common {
  __be16 skc_dport;
} __attribute__((preserve_access_index));

struct sock {
  struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, __u32); /* remote port */
  __type(value, __u64);
} count_by_port SEC(".maps");

SEC("tp_btf/tcp_retransmit_skb")
int witness_retransmit(__u64* context) {
  struct sock* socket = (struct sock*)context[0];
  __u32 port = bpf_ntohs(socket->__sk_common.skc_dport);
  __u64 one = 1;
  __u64* count = bpf_map_lookup_elem(&count_by_port, &port);
  if (count)
    __sync_fetch_and_add(count, 1);
  else
    bpf_map_update_elem(&count_by_port, &port, &one, BPF_ANY);
  return 0;
}

char witness_license[] SEC("license") = "GPL";
