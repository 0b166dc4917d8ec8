"""ArmGuest: one boot of Debian's arm64 kernel in QEMU whose /init is the one program in its initramfs, and which switches itself off.

No disk, no network. The CPUs' counters are emulated: with -icount shift=0 an instruction takes one cycle and one nanosecond of the guest's
time, whatever the host does meanwhile, and an idle CPU's time is skipped (sleep=off). With one CPU they are exact. With several, QEMU 7.2
counts to each the instructions of all while it is its turn: what another one's interrupts take slips in. Owner: arm_pmu.py.
"""

from virtual_machine import VirtualMachine

MEMORY_MB = 512
# Errors alone: what the kernel has to say would fall between the program's own lines.
BOOT_ARGUMENTS = "console=ttyAMA0 panic=-1 loglevel=4"
# Of each guest: QEMU's model of its CPUs, how many, and which of the program's cases are for it.
MODELS = {
    "cortex-a57": ("cortex-a57", 1, "-WithoutPmu.*:TwoCpus.*"),
    "neoverse-n1": ("neoverse-n1", 1, "-WithoutPmu.*:TwoCpus.*"),  # it counts stalls besides
    "two-cpus": ("cortex-a57", 2, "TwoCpus.*"),
    "no-pmu": ("cortex-a57,pmu=off", 1, "WithoutPmu.*"),
}


class ArmGuest(VirtualMachine):
    def __init__(self, kernel_image, archive, model, folder):
        """`model`: of MODELS."""
        cpu, cpus, cases = MODELS[model]
        super().__init__(folder, ["qemu-system-aarch64", "-machine", "virt,gic-version=3", "-cpu", cpu, "-smp", str(cpus),
                                  "-m", str(MEMORY_MB), "-icount", "shift=0,sleep=off", "-nodefaults", "-display", "none", "-no-reboot",
                                  "-kernel", kernel_image, "-initrd", archive,
                                  "-append", f"{BOOT_ARGUMENTS} -- --gtest_filter={cases}"])
