/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * The memory that the programs and the daemon share for network packets: what each CPU's polls, drops and retransmits were, and for sockets
 * that watched threads read from how long packets took from the kernel's entry to the reader. Written by programs that are attached only
 * while a target asks for it (HFT_NETWORK).
 *
 * Plain C, as switch_events.h; everything is in CLOCK_MONOTONIC (bpf_ktime_get_ns). A packet arrives where the kernel's protocols take it
 * over (net:netif_receive_skb): the device's own time, its interrupt and the poll before that are not in it. It is queued where its socket
 * is told of it (sock:sk_data_ready), and copied where the reader has it: a datagram where its call ends (sock:sock_recv_length), a part of
 * a stream where its copy begins (skb:skb_copy_datagram_iovec). Packets that bypass the kernel (DPDK, Onload, ef_vi, XDP zero copy) are
 * seen nowhere.
 *
 * Bounds: 3.3 KiB for each possible CPU, 6.4 KiB for each of HFT_SOCKET_ROWS sockets, 24 bytes for each of HFT_ARRIVALS packets: with two
 * CPUs 1.0 MiB.
 */
#ifndef HFTMON_DAEMON_BPF_NETWORK_EVENTS_H_
#define HFTMON_DAEMON_BPF_NETWORK_EVENTS_H_

#include "daemon/bpf/switch_events.h"

#define HFT_INTERFACE_ROWS 16   /* interfaces told apart per CPU; a power of two; row 0 is "others" */
#define HFT_INTERFACE_BACKLOG 1 /* the row of what has no device of its own to poll: loopback, RPS, virtual interfaces, tunnels */
#define HFT_INTERFACE_NAME_LENGTH 16
#define HFT_DROP_ROWS 32       /* per CPU, a power of two */
#define HFT_RETRANSMIT_ROWS 16 /* per CPU, a power of two */
#define HFT_SOCKET_ROWS_LOG2 7
#define HFT_SOCKET_ROWS (1 << HFT_SOCKET_ROWS_LOG2)
#define HFT_SOCKET_PROBES 8  /* rows in which a socket may stand, from its hash on */
#define HFT_SOCKET_QUEUE 256 /* datagrams of a socket that wait for their reader; a power of two */
#define HFT_SOCKET_BUSY 1    /* hft_socket_path.sock of a row that is being taken */
#define HFT_ARRIVALS_LOG2 13
#define HFT_ARRIVALS (1 << HFT_ARRIVALS_LOG2)
#define HFT_ADDRESS_BYTES 16 /* IPv4 uses the first 4 */

enum hft_network_program {
  HFT_NETWORK_NAPI_POLL = 0,
  HFT_NETWORK_DROP = 1,
  HFT_NETWORK_ARRIVAL = 2,
  HFT_NETWORK_QUEUED = 3,
  HFT_NETWORK_COPIED = 4,
  HFT_NETWORK_READ = 5,
  HFT_NETWORK_RETRANSMIT = 6,
  HFT_NETWORK_PROGRAMS = 8
};

/* An interface that this CPU polled, as it first saw it. The key is the device's address; its number tells another one at the same place.
 */
struct hft_interface_row {
  __u64 device;
  __u64 poll_count;
  __u64 work_count;    /* packets that the polls took */
  __u64 full_count;    /* polls that used their whole budget: there was more */
  __u64 untimed_count; /* polls outside of the softirq NET_RX (busy polling, a NAPI thread): counted above, in no time */
  __u64 self_ns;       /* from the end of the poll before, or the softirq's beginning, to the end of the poll; hard interrupts left out */
  __u32 ifindex;
  __u32 namespace_id; /* inode of its network namespace; 0: not known */
  char name[HFT_INTERFACE_NAME_LENGTH];
};

/* Packets dropped for one reason that arrived through one interface (0: they were sent here, or never reached the protocols). */
struct hft_drop_row {
  __u64 count;  /* 0: free */
  __u32 reason; /* 0: the kernel gives none (before 5.17) */
  __u32 ifindex;
  __u32 namespace_id; /* 0: it, and the name, are not known */
  __u32 reserved;
  char name[HFT_INTERFACE_NAME_LENGTH];
};

/* TCP segments sent again to one place. */
struct hft_retransmit_row {
  __u64 count; /* 0: free */
  __u16 family;
  __u16 local_port;
  __u16 remote_port;
  __u16 reserved;
  __u32 tid; /* of the watched thread that read the connection last; 0: none did: who sends is not known in the kernel's timer */
  __u32 tgid;
  __u8 remote[HFT_ADDRESS_BYTES];
};

struct hft_cpu_network {
  __u64 run_count[HFT_NETWORK_PROGRAMS];
  __u64 since_ns; /* the daemon's: what arrived before, when the programs did not run, is not believed */
  /* Of the softirq that the last poll ended in. */
  __u64 softirq_start_ns;
  __u64 poll_end_ns;
  __u64 poll_nested_ns;
  __u64 longest_poll_ns;
  /* The last packet that arrived here. */
  __u64 last_arrival_ns;
  __u64 unlisted_drop_count;
  __u64 unlisted_retransmit_count;
  __u64 unlisted_read_count; /* reads of threads that ask, of sockets that found no row */
  __u64 retransmit_count;
  __u64 scratch[HFT_NETWORK_PROGRAMS]; /* a program's own, see number_of */
  __u64 reserved[6];
  struct hft_interface_row interfaces[HFT_INTERFACE_ROWS];
  struct hft_drop_row drops[HFT_DROP_ROWS];
  struct hft_retransmit_row retransmits[HFT_RETRANSMIT_ROWS];
} __attribute__((aligned(64)));

/* A packet on its way from its arrival to its socket. Found by its data's address, which its clones share. */
struct hft_arrival {
  __u64 head;
  __u64 arrival_ns; /* 0: told already */
  __u64 queued_ns;  /* 0: not yet */
};

struct hft_queued_packet {
  __u64 packet; /* its address; 0: not known */
  __u64 arrival_ns;
  __u64 queued_ns;
};

struct hft_path_sum {
  __u64 sum_ns;
  __u64 longest_ns;
};

/*
 * A socket that a thread which asks reads from. Taken at its first read; given to another one when its reader is no longer watched, or did
 * not read it for a minute, and the other finds no free row. Counts are added to atomically: several threads may read.
 */
struct hft_socket_path {
  __u64 sock; /* address: the key; 0: free */
  __u32 slot; /* of who read it last; its generation 0: the sums begin anew with the next read */
  __u32 generation;
  __u32 tid;
  __u32 tgid;
  __s32 fd; /* in that process, at the first read; -1: not known */
  __u16 family;
  __u16 protocol; /* IPPROTO_* */
  __u16 local_port;
  __u16 remote_port;
  __u32 reserved;
  __u8 local[HFT_ADDRESS_BYTES];
  __u8 remote[HFT_ADDRESS_BYTES];
  __u64 last_read_ns;
  __u64 copied_count;     /* packets that were followed to their reader */
  __u64 unmatched_count;  /* packets, or for a stream copies, that were not */
  __u64 unqueued_count;   /* of those copied, without the time they were queued: in arrival_to_copy alone */
  __u64 retransmit_count; /* of the connection, while it has this row */
  struct hft_path_sum arrival_to_queue;
  struct hft_path_sum queue_to_copy;
  struct hft_path_sum arrival_to_copy;
  __u64 reserved2[4];
  /* Datagrams in the order of their queue: written where they are queued. */
  __u64 queue_end;
  __u64 reserved3[7];
  __u64 queue_taken; /* the reader's */
  __u64 reserved4[7];
  struct hft_queued_packet queue[HFT_SOCKET_QUEUE];
} __attribute__((aligned(64)));

#ifdef __cplusplus
static_assert(sizeof(hft_cpu_network) % 64 == 0);
static_assert(sizeof(hft_socket_path) % 64 == 0);
static_assert(__builtin_offsetof(hft_socket_path, queue_end) % 64 == 0);
#endif

#endif /* HFTMON_DAEMON_BPF_NETWORK_EVENTS_H_ */
