/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Who visits an audited CPU: each switch-in of a thread whose process is not watched is counted under its name, and announced to the
 * daemon, which then watches the process. The announcements are few: the counts tell of visits that were too short for it.
 */
#ifndef HFTMON_DAEMON_BPF_VISITOR_BPF_H_
#define HFTMON_DAEMON_BPF_VISITOR_BPF_H_

#define AUDIT_RECORD_NS 1000000ull   /* between two records of a CPU: each costs the daemon some looks at all tasks */
#define AUDIT_REMIND_NS 100000000ull /* between two records of one thread: the first may be lost, or come to nothing */
#define VISIT_PROBES 8               /* entries looked at from a name's own on */

/*
 * Where the CPU's table has that name, its place taken if it is free; HFT_AUDIT_NAMES when its places are taken by others. Not static, as
 * those of runner_log.bpf.h.
 */
__noinline u32 place_of_name(u32 cpu, u64 first, u64 second) {
  struct hft_audit *audit = bpf_map_lookup_elem(&audits, &cpu);
  if (!audit) return HFT_AUDIT_NAMES;
  u32 start = (u32)(((first ^ (second * 31)) * 0x9e3779b97f4a7c15ull) >> 40);
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < VISIT_PROBES; i++) {
    u32 place = (start + i) & (HFT_AUDIT_NAMES - 1);
    struct hft_visits *visits = &audit->visits[place];
    if (visits->name[0] == first && visits->name[1] == second) return place;
    if (visits->name[0] == 0 && visits->name[1] == 0) {
      visits->name[1] = second;
      barrier();
      visits->name[0] = first;
      return place;
    }
  }
  return HFT_AUDIT_NAMES;
}

static __noinline int note_visitor(struct task_struct *task, u64 clock_ns) {
  u32 tid = READ_FIELD(task, pid);
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_audit *audit = bpf_map_lookup_elem(&audits, &cpu);
  if (tid == 0 || !audit) return 0;
  u64 name[2] = {};
  bpf_probe_read_kernel_str(name, sizeof(name), &task->comm);
  u32 place = place_of_name(cpu, name[0], name[1]);
  bool placed = place < HFT_AUDIT_NAMES;
  place &= HFT_AUDIT_NAMES - 1;
  barrier_var(place); /* what the verifier knows of it must last */
  struct hft_visits *visits = &audit->visits[place];
  if (placed) {
    visits->tid = tid;
    visits->tgid = READ_FIELD(task, tgid);
    visits->count++;
    if (visits->announced_tid == tid && clock_ns - visits->announced_clock_ns < AUDIT_REMIND_NS) return 0;
  } else {
    audit->unnamed_count++;
  }
  if (clock_ns - audit->announced_clock_ns < AUDIT_RECORD_NS) return 0;
  audit->announced_clock_ns = clock_ns;
  if (placed) {
    visits->announced_tid = tid;
    visits->announced_clock_ns = clock_ns;
  }
  struct life_details details = {.type = HFT_RECORD_VISITOR};
  put_life(task, cpu, &details);
  return 0;
}

#define AUDITED(cpu_state) (*(volatile u16 *)&(cpu_state)->audited)

/*
 * Where the CPU's run queue is, when `run_queue` does not say: it is met for the first time, or the programs were off, or it is audited,
 * and then this is the way of all its switches, so that those of other CPUs have no test for it. Tested after the exchange, as the daemon
 * takes the run queue away after it set the flag: one of the two finds what the other wrote.
 */
static __noinline u64 meet_cpu(struct hft_cpu *cpu_state, struct task_struct *next) {
  u64 run_queue = *(volatile u64 *)&cpu_state->noted_queue;
  if (!run_queue) run_queue = note_cpu(cpu_state, next);
  if (!AUDITED(cpu_state)) {
    __sync_lock_test_and_set(&cpu_state->run_queue, run_queue);
    if (!AUDITED(cpu_state)) return run_queue;
    cpu_state->run_queue = 0;
  }
  if (!is_watched(READ_FIELD(next, tgid))) note_visitor(next, READ_FIELD(run_queue_at(run_queue, next), clock));
  return run_queue;
}

#endif /* HFTMON_DAEMON_BPF_VISITOR_BPF_H_ */
