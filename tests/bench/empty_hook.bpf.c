/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/* The floor of every way to watch context switches: a program that does nothing, at the hook that the daemon uses. */
#define SEC(name) __attribute__((section(name), used))

SEC("tp_btf/sched_switch")
int empty_switch(void* context) {
  return 0;
}

char hook_license[] SEC("license") = "GPL";
