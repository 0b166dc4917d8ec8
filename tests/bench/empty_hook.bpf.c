/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/* The floor of every way to watch: programs that do nothing, at the hooks that the daemon uses. */
#define SEC(name) __attribute__((section(name), used))

#define EMPTY_PROGRAM(tracepoint)         \
  SEC("tp_btf/" #tracepoint)              \
  int empty_##tracepoint(void* context) { \
    return 0;                             \
  }

EMPTY_PROGRAM(sched_switch)
EMPTY_PROGRAM(softirq_entry)
EMPTY_PROGRAM(softirq_exit)
EMPTY_PROGRAM(local_timer_entry)
EMPTY_PROGRAM(local_timer_exit)
EMPTY_PROGRAM(call_function_single_entry)
EMPTY_PROGRAM(call_function_single_exit)

EMPTY_PROGRAM(page_fault_user)

SEC("perf_event")
int empty_event(void* context) {
  return 0;
}

char hook_license[] SEC("license") = "GPL";
