"""Guest: one boot of an x86-64 kernel in QEMU that runs one case and switches itself off.

4 CPUs on 2 NUMA nodes, 2 and 3 isolated as on a trading host (isolcpus, nohz_full, rcu_nocbs); no disk, no network, but where a case has a
machine of its own (MACHINES). The CPU is emulated: behaviour can be asserted there, times cannot. The first serial line carries the kernel's messages and what the case says, the
second its results (JUnit XML). Owner: rig.py.
"""

import three_nodes
import time_stamp_counter
from virtual_machine import VirtualMachine

CPUS = 4
# Without huge pages, which the kernel would join on its own account: what a process holds would grow by 2 MiB at some moment.
BOOT_ARGUMENTS = ("console=ttyS0 loglevel=5 audit=0 selinux=0 apparmor=0 mitigations=off panic=-1 "
                  "no_timer_check nokaslr tsc=reliable random.trust_cpu=on transparent_hugepage=never")
ISOLATED = "isolcpus=2,3 nohz_full=2,3 rcu_nocbs=2,3 "
# Beside these, by case: interrupts in threads, as a host for real time may have them, are the only ones that can be had at will in a guest
# without a network. An audit has to find something.
CASE_ARGUMENTS = {"kernel_load": ISOLATED + "threadirqs ", "numa": three_nodes.ISOLATED, "advice": three_nodes.ISOLATED,
                  "audit": "isolcpus=2-3 "}


def two_nodes(cpus):
    """What QEMU is told of memory and devices: a half of the CPUs and of the memory on each node."""
    memory_mb = 2048
    half = cpus // 2
    return ["-machine", "q35", "-m", str(memory_mb),
            "-object", f"memory-backend-ram,id=m0,size={memory_mb // 2}M", "-object", f"memory-backend-ram,id=m1,size={memory_mb // 2}M",
            "-numa", f"node,nodeid=0,cpus=0-{half - 1},memdev=m0", "-numa", f"node,nodeid=1,cpus={half}-{cpus - 1},memdev=m1",
            "-numa", "dist,src=0,dst=1,val=21"]


MACHINES = {"numa": three_nodes.machine, "advice": three_nodes.machine}
# Modules of the kernel that are in the guest's /lib/modules, by case.
MODULES = {"numa": three_nodes.MODULES, "advice": three_nodes.MODULES}


class Guest(VirtualMachine):
    def __init__(self, vmlinux, archive, case, folder, use_kvm):
        # One thread for all emulated CPUs: with a thread each, QEMU before 8.1 may execute an instruction that another CPU has patched
        # meanwhile, and the guest's kernel then dies of, or stands still at, a break point (int3) that was taken away.
        accelerator = ["-accel", "kvm", "-cpu", "host,-arch-capabilities"] if use_kvm else ["-accel", "tcg,thread=single,tb-size=512", "-cpu", "max"]
        clock = "" if use_kvm else f"tsc_early_khz={time_stamp_counter.rate_khz()} "
        machine = MACHINES.get(case, two_nodes)
        arguments = f"{BOOT_ARGUMENTS} {CASE_ARGUMENTS.get(case, ISOLATED)}{clock}hftmon.rig={case}"
        command = ["qemu-system-x86_64", *accelerator, "-smp", f"{CPUS},sockets=2,cores={CPUS // 2},threads=1", *machine(CPUS),
                   "-nodefaults", "-display", "none", "-no-reboot", "-kernel", vmlinux, "-initrd", archive, "-append", arguments]
        super().__init__(folder, command, ("results.xml",))
        self.results_path = self.folder / "results.xml"
