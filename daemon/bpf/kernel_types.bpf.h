/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The few kernel types that our programs look at, with only the fields they read.
 *
 * Hand-written instead of a full vmlinux.h: every use of the kernel's inside is visible here, and CO-RE moves the fields to where the
 * running kernel has them. A field that some kernels lack is only touched behind bpf_core_field_exists (see core_fixes.bpf.h).
 */
#ifndef HFTMON_DAEMON_BPF_KERNEL_TYPES_BPF_H_
#define HFTMON_DAEMON_BPF_KERNEL_TYPES_BPF_H_

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

enum { BPF_ANY = 0 };
enum bpf_map_type_used {
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
  BPF_MAP_TYPE_PERCPU_ARRAY = 6,
  BPF_MAP_TYPE_STACK_TRACE = 7,
  BPF_MAP_TYPE_STACK = 23,
};
enum { BPF_F_MMAPABLE = 1 << 10 };

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define PF_KTHREAD 0x00200000
#define PF_IO_WORKER 0x00000010
#define IRQ_NONE 0
#define TASK_INTERRUPTIBLE 0x00000001
#define TASK_UNINTERRUPTIBLE 0x00000002
#define TASK_STOPPED_OR_TRACED 0x0000000c
#define TASK_DEAD 0x00000080
#define TASK_WAKING 0x00000200
#define TASK_ON_RQ_MIGRATING 2

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
  int counter;
} atomic_t;

struct rq;

struct cfs_rq {
  struct rq *rq; /* CONFIG_FAIR_GROUP_SCHED */
};

struct task_struct;

struct rq {
  unsigned int nr_running;
  struct task_struct *curr;
  u64 clock;
  int cpu;
  u64 prev_steal_time_rq; /* CONFIG_PARAVIRT_TIME_ACCOUNTING */
};

struct irqaction {
  const char *name;
  struct task_struct *thread;
  unsigned int irq;
};

struct work_struct {
  void *func;
};

struct sched_entity {
  struct cfs_rq *cfs_rq;
  unsigned char sched_delayed; /* since 6.12 */
};

struct sched_info {
  unsigned long long run_delay;
  unsigned long long last_queued;
};

struct signal_struct {
  atomic_t live; /* threads that have not begun to exit */
};

struct cpumask {
  unsigned long bits[1];
};

struct thread_info {
  u32 cpu;
};

struct pid {
  unsigned int level; /* of the innermost pid namespace: 0 is the init one */
};

struct mm_struct {
  struct task_struct *owner; /* CONFIG_MEMCG */
};

struct task_struct {
  struct thread_info thread_info;
  unsigned int __state;
  void *stack;
  unsigned int flags;
  int on_cpu;
  int on_rq;
  int prio;
  int normal_prio;
  unsigned int policy;
  struct sched_entity se;
  struct sched_info sched_info;
  int pid;
  int tgid;
  int exit_state;
  struct task_struct *real_parent;
  struct pid *thread_pid;
  struct mm_struct *mm;
  unsigned long nvcsw;
  unsigned long nivcsw;
  u64 start_boottime;
  char comm[16];
  struct signal_struct *signal;
  struct cpumask cpus_mask;
  unsigned in_execve : 1;
};

struct ns_common {
  unsigned int inum;
};

struct net {
  struct ns_common ns;
};

typedef struct {
  struct net *net; /* CONFIG_NET_NS */
} possible_net_t;

struct net_device {
  char name[16];
  int ifindex;
  possible_net_t nd_net;
};

struct napi_struct {
  struct net_device *dev;
};

struct sock;

struct sk_buff {
  struct net_device *dev;
  struct sock *sk;
  int skb_iif;
  unsigned char *head;
};

struct sk_buff_head {
  struct sk_buff *next;
  struct sk_buff *prev;
  __u32 qlen;
};

struct in6_addr {
  unsigned char bytes[16];
};

struct sock_common {
  unsigned short skc_family;
  __u16 skc_num; /* the host's byte order */
  __be16 skc_dport;
  __be32 skc_daddr;
  __be32 skc_rcv_saddr;
  struct in6_addr skc_v6_daddr; /* CONFIG_IPV6 */
  struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
  struct sock_common __sk_common;
  struct sk_buff_head sk_receive_queue;
  __u16 sk_protocol;
};

struct udp_sock {
  struct sk_buff_head reader_queue; /* what readers took over from sk_receive_queue together */
};

/* x86-64. */
struct pt_regs {
  unsigned long dx;
  unsigned long si;
  unsigned long di;
  unsigned long orig_ax;
  unsigned long sp;
};

/* A machine check. From 6.13 on the tracepoint has an mce_hw_err, which begins with it. */
struct mce {
  u64 status;
  u32 extcpu;
  u8 bank;
};

struct seq_file;

struct bpf_iter_meta {
  struct seq_file *seq;
};

struct bpf_iter__task {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
};

#pragma clang attribute pop

#endif /* HFTMON_DAEMON_BPF_KERNEL_TYPES_BPF_H_ */
