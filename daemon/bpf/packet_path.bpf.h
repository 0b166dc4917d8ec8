/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * How packets reach the threads that read them, and which TCP sends again (network_events.h).
 *
 * Reads:    netif_receive_skb, sk_data_ready, sock_recv_length, skb_copy_datagram_iovec, tcp_retransmit_skb; the packets and sockets that
 *           they name.
 * Produces: for sockets that threads which ask read from, how long packets took; each CPU's retransmits.
 * Cost:     every packet that arrives or is queued on the host, and every read of a socket, while they are attached (network.bpf.h).
 *
 * A datagram is not followed by its address to its reader: small ones are copied without a tracepoint, and are freed on another CPU. So
 * a socket that has a row keeps them in the order of its queue; who has read one looks what is next in the queue, and finds in that order
 * the one before.
 */
#ifndef HFTMON_DAEMON_BPF_PACKET_PATH_BPF_H_
#define HFTMON_DAEMON_BPF_PACKET_PATH_BPF_H_

#include "daemon/bpf/network.bpf.h"

#define QUEUE_MASK (HFT_SOCKET_QUEUE - 1)
#define QUEUE_LOOKED_AT 64 /* datagrams that are looked at for the next one */
#define SOCKET_PATIENCE_NS 60000000000ull
#define FAMILY_IPV4 2
#define FAMILY_IPV6 10
#define PROTOCOL_UDP 17
#define PROTOCOL_UDPLITE 136
/* Of the flags of a read: it takes nothing from the queue. */
#define FLAG_PEEK 0x2
#define FLAG_ERROR_QUEUE 0x2000

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, HFT_SOCKET_ROWS);
  __type(key, u32);
  __type(value, struct hft_socket_path);
} socket_paths SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, HFT_ARRIVALS);
  __type(key, u32);
  __type(value, struct hft_arrival);
} arrivals SEC(".maps");

static __always_inline struct hft_arrival *arrival_at(u64 head) {
  u32 key = ((u32)(head >> 6) * 0x9e3779b1u) >> (32 - HFT_ARRIVALS_LOG2);
  return bpf_map_lookup_elem(&arrivals, &key);
}

HFT_TRACEPOINT("netif_receive_skb")
int on_packet_arrived(u64 *context) {
  struct hft_cpu_network *state = begin_network(HFT_NETWORK_ARRIVAL);
  if (!state) return 0;
  struct sk_buff *packet = (struct sk_buff *)context[0];
  u64 head = number_of(state, HFT_NETWORK_ARRIVAL, READ_FIELD(packet, head));
  u64 now_ns = bpf_ktime_get_ns();
  state->last_arrival_ns = now_ns;
  struct hft_arrival *arrival = arrival_at(head);
  if (!arrival) return 0;
  /* Nobody's while it is written: who finds its packet in it finds that packet's times. */
  __sync_lock_test_and_set(&arrival->head, 0);
  arrival->arrival_ns = now_ns;
  arrival->queued_ns = 0;
  __sync_lock_test_and_set(&arrival->head, head);
  return 0;
}

static __always_inline u32 first_socket_row(u64 sock) {
  return ((u32)(sock >> 6) * 0x9e3779b1u) >> (32 - HFT_SOCKET_ROWS_LOG2);
}

/* Not static: verified once. The socket's row, or HFT_SOCKET_ROWS. No row becomes free again: a free one ends the search. */
__noinline u32 find_socket(u64 sock) {
  u32 first = first_socket_row(sock);
  for (u32 i = 0; i < HFT_SOCKET_PROBES; i++) {
    u32 key = (first + i) & (HFT_SOCKET_ROWS - 1);
    struct hft_socket_path *row = bpf_map_lookup_elem(&socket_paths, &key);
    if (!row || !row->sock) return HFT_SOCKET_ROWS;
    if (row->sock == sock) return key;
  }
  return HFT_SOCKET_ROWS;
}

/* Whether who read it last is still watched. */
static __always_inline bool is_still_read(struct hft_socket_path *row) {
  struct hft_thread_slot *owner = slot_at(row->slot);
  return owner && owner->state == HFT_SLOT_LIVE && owner->generation == row->generation;
}

/* The same: takes a row for a socket that has none, and leaves it busy. HFT_SOCKET_ROWS: there is none. */
__noinline u32 claim_socket_row(u64 sock, u64 now_ns) {
  u32 first = first_socket_row(sock);
  for (u32 i = 0; i < HFT_SOCKET_PROBES; i++) {
    u32 key = (first + i) & (HFT_SOCKET_ROWS - 1);
    struct hft_socket_path *row = bpf_map_lookup_elem(&socket_paths, &key);
    if (!row) return HFT_SOCKET_ROWS;
    u64 known = row->sock;
    if (known == HFT_SOCKET_BUSY) continue;
    if (known) {
      if (is_still_read(row) && now_ns - row->last_read_ns < SOCKET_PATIENCE_NS) continue;
    }
    if (__sync_val_compare_and_swap(&row->sock, known, HFT_SOCKET_BUSY) == known) return key;
  }
  return HFT_SOCKET_ROWS;
}

static __always_inline struct hft_socket_path *socket_row(u32 key) {
  return bpf_map_lookup_elem(&socket_paths, &key);
}

static __always_inline bool is_datagram(u16 protocol) {
  return protocol == PROTOCOL_UDP || protocol == PROTOCOL_UDPLITE;
}

static __always_inline u16 swapped(u16 port) {
  return port << 8 | port >> 8;
}

static __always_inline void clear_sums(struct hft_socket_path *row) {
  row->copied_count = 0;
  row->unmatched_count = 0;
  row->unqueued_count = 0;
  row->retransmit_count = 0;
  __builtin_memset(&row->arrival_to_queue, 0, sizeof(row->arrival_to_queue));
  __builtin_memset(&row->queue_to_copy, 0, sizeof(row->queue_to_copy));
  __builtin_memset(&row->arrival_to_copy, 0, sizeof(row->arrival_to_copy));
}

static __always_inline void read_address(struct sock *sock, u16 family, u8 *local, u8 *remote) {
  __builtin_memset(local, 0, HFT_ADDRESS_BYTES);
  __builtin_memset(remote, 0, HFT_ADDRESS_BYTES);
  if (family == FAMILY_IPV4) {
    *(u32 *)local = BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr);
    *(u32 *)remote = BPF_CORE_READ(sock, __sk_common.skc_daddr);
  } else if (bpf_core_field_exists(sock->__sk_common.skc_v6_daddr)) {
    bpf_probe_read_kernel(local, HFT_ADDRESS_BYTES, &sock->__sk_common.skc_v6_rcv_saddr);
    bpf_probe_read_kernel(remote, HFT_ADDRESS_BYTES, &sock->__sk_common.skc_v6_daddr);
  }
}

/* What is known of a socket that is read the first time. Datagrams that it has in its row's queue already stay there. */
static __noinline int begin_socket(struct hft_socket_path *row, u64 number) {
  struct sock *sock = (struct sock *)number;
  if (!row) return 0;
  /* Until it is whole it is nobody's: the daemon tells a row's figures only while its owner is the same before and after. */
  row->generation = 0;
  barrier();
  clear_sums(row);
  u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
  row->family = family;
  row->protocol = BPF_CORE_READ(sock, sk_protocol);
  row->local_port = BPF_CORE_READ(sock, __sk_common.skc_num);
  row->remote_port = swapped(BPF_CORE_READ(sock, __sk_common.skc_dport));
  read_address(sock, family, row->local, row->remote);
  row->fd = descriptor_read_from();
  return 0;
}

/* Cold: once a socket. */
static __noinline u32 take_socket_row(struct hft_cpu_network *state, u64 number, u64 now_ns) {
  if (!state) return HFT_SOCKET_ROWS;
  u32 key = claim_socket_row(number, now_ns);
  struct hft_socket_path *row = socket_row(key);
  if (!row) {
    state->unlisted_read_count++;
    return HFT_SOCKET_ROWS;
  }
  row->slot = HFT_NO_SLOT;
  row->generation = 0;
  row->queue_taken = row->queue_end;
  row->last_read_ns = now_ns;
  row->sock = number;
  return key;
}

/*
 * The row of a socket that the current thread, of a watched process, reads from, if its slot asks. A socket that is none of the network's
 * has none.
 */
static __always_inline struct hft_socket_path *read_socket(struct hft_cpu_network *state, u64 number, u64 now_ns) {
  struct sock *sock = (struct sock *)number;
  u16 index = HFT_NO_SLOT;
  struct hft_thread_slot *slot = slot_of((u32)bpf_get_current_pid_tgid(), &index);
  if (!slot || !(slot->wishes.probes & HFT_NETWORK) || slot->state != HFT_SLOT_LIVE) return NULL;
  u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
  if (family != FAMILY_IPV4 && family != FAMILY_IPV6) return NULL;
  u32 key = find_socket(number);
  if (unlikely(key >= HFT_SOCKET_ROWS)) key = take_socket_row(state, number, now_ns);
  struct hft_socket_path *row = socket_row(key);
  if (!row) return NULL;
  /* The kernel soon makes a new socket where one was closed. Several processes may read from one. */
  bool other = row->family != family || row->local_port != BPF_CORE_READ(sock, __sk_common.skc_num) ||
               row->remote_port != swapped(BPF_CORE_READ(sock, __sk_common.skc_dport)) || (row->tgid != slot->tgid && !is_still_read(row));
  if (unlikely(other || row->slot != index || row->generation != slot->generation)) {
    if (other || !row->generation) begin_socket(row, number);
    row->slot = index;
    row->generation = slot->generation;
    row->tid = slot->tid;
    row->tgid = slot->tgid;
  }
  row->last_read_ns = now_ns;
  return row;
}

static __always_inline void add_path(struct hft_path_sum *sum, u64 duration_ns) {
  __sync_fetch_and_add(&sum->sum_ns, duration_ns);
  if (duration_ns > sum->longest_ns) sum->longest_ns = duration_ns;
}

/* A packet that its reader has. Times of different CPUs may contradict each other by a little: no time is below 0. */
static __always_inline void count_packet(struct hft_socket_path *row, u64 arrival_ns, u64 queued_ns, u64 now_ns) {
  if (!queued_ns) {
    __sync_fetch_and_add(&row->unqueued_count, 1);
  } else {
    if (queued_ns < arrival_ns) queued_ns = arrival_ns;
    if (queued_ns > now_ns) queued_ns = now_ns;
    add_path(&row->arrival_to_queue, queued_ns - arrival_ns);
    add_path(&row->queue_to_copy, now_ns - queued_ns);
  }
  add_path(&row->arrival_to_copy, now_ns - arrival_ns);
  __sync_fetch_and_add(&row->copied_count, 1);
}

/* The newest of a queue, 0: it is empty. */
static __always_inline struct sk_buff *newest_of(struct sock *sock) {
  if (BPF_CORE_READ(sock, sk_receive_queue.qlen)) return BPF_CORE_READ(sock, sk_receive_queue.prev);
  return NULL;
}

static __always_inline struct sk_buff *newest_datagram(struct sock *sock) {
  struct sk_buff *packet = newest_of(sock);
  if (packet) return packet;
  struct udp_sock *datagrams = (struct udp_sock *)sock;
  if (BPF_CORE_READ(datagrams, reader_queue.qlen)) return BPF_CORE_READ(datagrams, reader_queue.prev);
  return NULL;
}

static __always_inline struct sk_buff *oldest_datagram(struct sock *sock) {
  struct udp_sock *datagrams = (struct udp_sock *)sock;
  if (BPF_CORE_READ(datagrams, reader_queue.qlen)) return BPF_CORE_READ(datagrams, reader_queue.next);
  if (BPF_CORE_READ(sock, sk_receive_queue.qlen)) return BPF_CORE_READ(sock, sk_receive_queue.next);
  return NULL;
}

/*
 * One more datagram, which is the newest of its queue, or was read already. Where its data is not what arrived (it was copied on the way)
 * the last arrival of the softirq that queues it is its own.
 */
static __always_inline void queue_datagram(struct hft_cpu_network *state, struct hft_socket_path *row, struct sock *sock, u64 now_ns) {
  struct sk_buff *packet = newest_datagram(sock);
  u64 end = row->queue_end;
  struct hft_queued_packet *last = &row->queue[(end - 1) & QUEUE_MASK];
  u64 arrival_ns = 0;
  u64 head = packet ? (u64)BPF_CORE_READ(packet, head) : 0;
  struct hft_arrival *arrival = arrival_at(head);
  if (head && arrival && arrival->head == head) {
    arrival_ns = arrival->arrival_ns;
  } else {
    struct hft_cpu_interrupts *interrupted = interrupts_at(bpf_get_smp_processor_id());
    u64 start_ns = interrupted ? interrupted->levels[HFT_LEVEL_SOFTIRQ].start_ns : 0;
    if (start_ns && state->last_arrival_ns >= start_ns) arrival_ns = state->last_arrival_ns;
  }
  /* Told of several at once: of those before the last one nothing is known. A packet that was read may be made anew at its address. */
  if (packet && end != row->queue_taken && last->packet == (u64)packet && last->arrival_ns == arrival_ns) return;
  struct hft_queued_packet *queued = &row->queue[end & QUEUE_MASK];
  queued->packet = (u64)packet;
  queued->arrival_ns = arrival_ns;
  queued->queued_ns = now_ns;
  *(volatile u64 *)&row->queue_end = end + 1;
}

/* In the softirq that queues a packet, under no lock of the socket's queue; of a stream that is being read, in its reader's context. */
HFT_TRACEPOINT("sk_data_ready")
int on_packet_queued(u64 *context) {
  struct hft_cpu_network *state = begin_network(HFT_NETWORK_QUEUED);
  if (!state) return 0;
  u64 number = number_of(state, HFT_NETWORK_QUEUED, (const void *)context[0]);
  struct sock *sock = (struct sock *)number;
  struct hft_socket_path *row = socket_row(find_socket(number));
  if (likely(!row)) return 0;
  u64 now_ns = bpf_ktime_get_ns();
  if (is_datagram(row->protocol)) {
    queue_datagram(state, row, sock, now_ns);
    return 0;
  }
  struct sk_buff *packet = newest_of(sock);
  if (!packet) return 0;
  u64 head = (u64)BPF_CORE_READ(packet, head);
  struct hft_arrival *arrival = arrival_at(head);
  if (arrival && arrival->head == head && !arrival->queued_ns) arrival->queued_ns = now_ns;
  return 0;
}

/*
 * Not static: verified once. A datagram was read; `oldest` is now the next one of the queue and `newest` its last one, 0 where it is empty.
 * Returns where what was read stands in the row's queue, as 1 + its place, or 0: not known.
 */
__noinline u64 take_datagram(u32 key, u64 oldest, u64 newest) {
  struct hft_socket_path *row = socket_row(key);
  if (!row) return 0;
  u64 end = *(volatile u64 *)&row->queue_end;
  u64 taken = row->queue_taken;
  if (end - taken > HFT_SOCKET_QUEUE) taken = end - HFT_SOCKET_QUEUE;
  row->queue_taken = taken;
  if (taken == end) return 0;
  if (!oldest) { /* it was the last one */
    row->queue_taken = end;
    return end;
  }
  for (u32 i = 0; i < QUEUE_LOOKED_AT; i++) {
    u64 at = taken + i;
    if (at == end) break;
    if (row->queue[at & QUEUE_MASK].packet != oldest) continue;
    row->queue_taken = at;
    return i ? at : 0;
  }
  if (end - taken > QUEUE_LOOKED_AT) { /* others read it too: begins anew with what comes */
    row->queue_taken = end;
    return 0;
  }
  /* The next one is newer than all that was told, or older. */
  if (row->queue[(end - 1) & QUEUE_MASK].packet == newest) {
    row->queue[taken & QUEUE_MASK].arrival_ns = 0; /* what was read may have been that one: it is nobody's */
    return 0;
  }
  row->queue_taken = end;
  return end;
}

/* At the end of a call that reads from a socket, in the reader's context. */
HFT_TRACEPOINT("sock_recv_length")
int on_socket_read(u64 *context) {
  struct hft_cpu_network *state = begin_network(HFT_NETWORK_READ);
  if (!state) return 0;
  if (likely(!is_watched(bpf_get_current_pid_tgid() >> 32))) return 0;
  s32 result = context[1];
  u32 flags = context[2];
  if (result < 0 || (flags & (FLAG_PEEK | FLAG_ERROR_QUEUE))) return 0;
  u64 now_ns = bpf_ktime_get_ns();
  u64 number = number_of(state, HFT_NETWORK_READ, (const void *)context[0]);
  struct sock *sock = (struct sock *)number;
  struct hft_socket_path *row = read_socket(state, number, now_ns);
  if (likely(!row) || !is_datagram(row->protocol)) return 0;
  u32 key = find_socket(number);
  u64 place = take_datagram(key, (u64)oldest_datagram(sock), (u64)newest_datagram(sock));
  struct hft_queued_packet *read = &row->queue[(place - 1) & QUEUE_MASK];
  u64 arrival_ns = place ? read->arrival_ns : 0;
  if (arrival_ns <= state->since_ns || arrival_ns > now_ns) {
    __sync_fetch_and_add(&row->unmatched_count, 1);
    return 0;
  }
  count_packet(row, arrival_ns, read->queued_ns, now_ns);
  return 0;
}

/* Of streams: the packet knows its socket. What is copied in parts is told at the first one. */
HFT_TRACEPOINT("skb_copy_datagram_iovec")
int on_packet_copied(u64 *context) {
  struct hft_cpu_network *state = begin_network(HFT_NETWORK_COPIED);
  if (!state) return 0;
  if (likely(!is_watched(bpf_get_current_pid_tgid() >> 32))) return 0;
  struct sk_buff *packet = (struct sk_buff *)context[0];
  u64 number = number_of(state, HFT_NETWORK_COPIED, READ_FIELD(packet, sk));
  if (!number) return 0;
  u64 now_ns = bpf_ktime_get_ns();
  struct hft_socket_path *row = read_socket(state, number, now_ns);
  if (likely(!row) || is_datagram(row->protocol)) return 0;
  u64 head = number_of(state, HFT_NETWORK_COPIED, READ_FIELD(packet, head));
  struct hft_arrival *arrival = arrival_at(head);
  bool known = arrival && arrival->head == head;
  u64 arrival_ns = known ? arrival->arrival_ns : 0;
  u64 queued_ns = known ? arrival->queued_ns : 0;
  known = known && *(volatile u64 *)&arrival->head == head; /* else another packet's came in between */
  if (known && !arrival_ns) return 0;                       /* a further part */
  if (!known || arrival_ns <= state->since_ns || arrival_ns > now_ns) {
    __sync_fetch_and_add(&row->unmatched_count, 1);
    return 0;
  }
  count_packet(row, arrival_ns, queued_ns, now_ns);
  __sync_val_compare_and_swap(&arrival->arrival_ns, arrival_ns, 0);
  return 0;
}

/* ---- Retransmits. */

/* In the connection's timer, or where an acknowledgement came: whom it delays is not current. */
HFT_TRACEPOINT("tcp_retransmit_skb")
int on_tcp_retransmit(u64 *context) {
  struct hft_cpu_network *state = begin_network(HFT_NETWORK_RETRANSMIT);
  if (!state) return 0;
  u64 number = number_of(state, HFT_NETWORK_RETRANSMIT, (const void *)context[0]);
  struct sock *sock = (struct sock *)number;
  state->retransmit_count++;
  u16 local_port = BPF_CORE_READ(sock, __sk_common.skc_num);
  u16 remote_port = swapped(BPF_CORE_READ(sock, __sk_common.skc_dport));
  u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
  struct hft_socket_path *path = socket_row(find_socket(number));
  /* A row outlives its socket, and another may stand at that one's address. */
  if (path && (path->local_port != local_port || path->remote_port != remote_port || path->family != family)) path = NULL;
  if (path) __sync_fetch_and_add(&path->retransmit_count, 1);
  u64 local[HFT_ADDRESS_BYTES / 8];
  u64 remote[HFT_ADDRESS_BYTES / 8];
  read_address(sock, family, (u8 *)local, (u8 *)remote);
  for (u32 i = 0; i < HFT_RETRANSMIT_ROWS; i++) {
    struct hft_retransmit_row *row = &state->retransmits[(local_port + remote_port + i) & (HFT_RETRANSMIT_ROWS - 1)];
    u64 *known = (u64 *)row->remote;
    if (!row->count) {
      row->family = family;
      row->local_port = local_port;
      row->remote_port = remote_port;
      known[0] = remote[0];
      known[1] = remote[1];
    }
    if (row->local_port != local_port || row->remote_port != remote_port || row->family != family) continue;
    if (known[0] != remote[0] || known[1] != remote[1]) continue;
    row->count++;
    if (path) {
      row->tid = path->tid;
      row->tgid = path->tgid;
    }
    return 0;
  }
  state->unlisted_retransmit_count++;
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_PACKET_PATH_BPF_H_ */
