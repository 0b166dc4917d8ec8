/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * Numbers that stand in the programs' instructions: constants of this host and configuration, put there before the load in the place of
 * these markers (BpfObject::Open). In .rodata each would cost a switch two instructions, a cache line and a TLB entry; the verifier knows
 * the value either way.
 *
 * A marker of a number is the immediate of a 64-bit move or of a 64-bit `if less than`. Values are below 2^31.
 *
 * A marker of one of the kernel's own functions or variables is the number of a call, or the address in a 64-bit load. The daemon puts its
 * id among the kernel's types there, or 0 where the kernel has none. An extern (__ksym __weak) would say the same, but where the kernel has
 * none libbpf looks for it among the types of all modules, which takes CAP_SYS_ADMIN.
 */
#ifndef HFTMON_DAEMON_BPF_IMMEDIATES_H_
#define HFTMON_DAEMON_BPF_IMMEDIATES_H_

#define HFT_IMMEDIATE_RING_MASK 0x51071001         /* cells of a ring - 1 */
#define HFT_IMMEDIATE_PID_BOUND 0x51071002         /* tids that slot_of_tid covers */
#define HFT_IMMEDIATE_SLOT_BOUND 0x51071003        /* entries of slots[] */
#define HFT_IMMEDIATE_REGISTER_ACCESS 0x51071004   /* enum hft_register_access */
#define HFT_IMMEDIATE_REGISTER_OFFSET 0x51071005   /* of a task's saved registers from task->stack */
#define HFT_IMMEDIATE_CAST 0x51071006              /* function: bpf_rdonly_cast */
#define HFT_IMMEDIATE_PREEMPT_COUNT 0x51071007     /* variable: what holds the kernel's count of what a CPU is in; per CPU */
#define HFT_IMMEDIATE_RETURN_MASK 0x51071008       /* entries of a ring of returns - 1 */
#define HFT_IMMEDIATE_COUNTER_RING_MASK 0x51071009 /* spans of a CPU's ring of counter spans - 1 */

/* How a task's saved registers are reached: see core_fixes.bpf.h. */
enum hft_register_access { HFT_REGISTERS_NONE = 0, HFT_REGISTERS_BY_HELPER = 1, HFT_REGISTERS_BY_CAST = 2 };

#endif /* HFTMON_DAEMON_BPF_IMMEDIATES_H_ */
