"""Guest: one boot of an x86-64 kernel in QEMU that runs one case and switches itself off.

4 CPUs on 2 NUMA nodes, 2 and 3 isolated as on a trading host (isolcpus, nohz_full, rcu_nocbs); no disk, no network. The CPU is
emulated: behaviour can be asserted there, times cannot. The first serial line carries the kernel's messages and what the case says, the
second its results (JUnit XML). Owner: rig.py.
"""

import time_stamp_counter
from virtual_machine import VirtualMachine

MEMORY_MB = 2048
CPUS = 4
# Without huge pages, which the kernel would join on its own account: what a process holds would grow by 2 MiB at some moment.
BOOT_ARGUMENTS = ("console=ttyS0 loglevel=5 isolcpus=2,3 nohz_full=2,3 rcu_nocbs=2,3 audit=0 selinux=0 apparmor=0 mitigations=off panic=-1 "
                  "no_timer_check nokaslr tsc=reliable random.trust_cpu=on transparent_hugepage=never")
# Beside these, by case: interrupts in threads, as a host for real time may have them, are the only ones that can be had at will in a guest.
CASE_ARGUMENTS = {"kernel_load": "threadirqs "}


class Guest(VirtualMachine):
    def __init__(self, vmlinux, archive, case, folder, use_kvm):
        # One thread for all emulated CPUs: with a thread each, QEMU before 8.1 may execute an instruction that another CPU has patched
        # meanwhile, and the guest's kernel then dies of, or stands still at, a break point (int3) that was taken away.
        accelerator = ["-accel", "kvm", "-cpu", "host,-arch-capabilities"] if use_kvm else ["-accel", "tcg,thread=single,tb-size=512", "-cpu", "max"]
        clock = "" if use_kvm else f"tsc_early_khz={time_stamp_counter.rate_khz()} "
        half = CPUS // 2
        command = ["qemu-system-x86_64", "-machine", "q35", *accelerator, "-smp", f"{CPUS},sockets=2,cores={half},threads=1",
                   "-m", str(MEMORY_MB),
                   "-object", f"memory-backend-ram,id=m0,size={MEMORY_MB // 2}M", "-object", f"memory-backend-ram,id=m1,size={MEMORY_MB // 2}M",
                   "-numa", f"node,nodeid=0,cpus=0-{half - 1},memdev=m0", "-numa", f"node,nodeid=1,cpus={half}-{CPUS - 1},memdev=m1",
                   "-numa", "dist,src=0,dst=1,val=21", "-nodefaults", "-display", "none", "-no-reboot",
                   "-kernel", vmlinux, "-initrd", archive, "-append", f"{BOOT_ARGUMENTS} {CASE_ARGUMENTS.get(case, '')}{clock}hftmon.rig={case}"]
        super().__init__(folder, command, ("results.xml",))
        self.results_path = self.folder / "results.xml"
