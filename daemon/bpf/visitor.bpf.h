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

/* The entry of that name, taken if it is free; NULL when its places are taken by others. */
static __always_inline struct hft_visits *visits_of(struct hft_audit *audit, const u64 *name) {
  u32 start = (u32)(((name[0] ^ (name[1] * 31)) * 0x9e3779b97f4a7c15ull) >> 40);
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < VISIT_PROBES; i++) {
    struct hft_visits *visits = &audit->visits[(start + i) & (HFT_AUDIT_NAMES - 1)];
    if (visits->name[0] == name[0] && visits->name[1] == name[1]) return visits;
    if (visits->name[0] == 0 && visits->name[1] == 0) {
      visits->name[1] = name[1];
      barrier();
      visits->name[0] = name[0];
      return visits;
    }
  }
  return NULL;
}

static __noinline int note_visitor(struct task_struct *task, u64 clock_ns) {
  u32 tid = READ_FIELD(task, pid);
  u32 cpu = bpf_get_smp_processor_id();
  struct hft_audit *audit = bpf_map_lookup_elem(&audits, &cpu);
  if (tid == 0 || !audit) return 0;
  u64 name[2] = {};
  bpf_probe_read_kernel_str(name, sizeof(name), &task->comm);
  struct hft_visits *visits = visits_of(audit, name);
  if (visits) {
    visits->tid = tid;
    visits->tgid = READ_FIELD(task, tgid);
    visits->count++;
    if (visits->announced_tid == tid && clock_ns - visits->announced_clock_ns < AUDIT_REMIND_NS) return 0;
  } else {
    audit->unnamed_count++;
  }
  if (clock_ns - audit->announced_clock_ns < AUDIT_RECORD_NS) return 0;
  audit->announced_clock_ns = clock_ns;
  if (visits) {
    visits->announced_tid = tid;
    visits->announced_clock_ns = clock_ns;
  }
  struct life_details details = {.type = HFT_RECORD_VISITOR};
  put_life(task, cpu, &details);
  return 0;
}

#endif /* HFTMON_DAEMON_BPF_VISITOR_BPF_H_ */
