"""The machine of the cases about placement and advice: 4 CPUs on 2 memory nodes, a third node of memory alone, and a network card at node 1.

Distances as a SLIT tells them, latencies and bandwidths as an HMAT does; both are the firmware's words, an emulated CPU knows no near and far.
The card is an e1000e behind a PCI host bridge that belongs to node 1: Debian's kernels have its driver as a module that needs no other. On
its other side is QEMU's own network, which reaches nobody: 10.0.2.2 answers pings and, by TFTP, with errors.
"""

MODULES = ("e1000e",)
# Isolated as the kernel's documentation advises it: managed interrupts too.
ISOLATED = "isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3 "

_MEMORY_MB = (1024, 1024, 256)
_DISTANCES = ((0, 1, 21), (0, 2, 31), (1, 2, 24))
# (from, to, ns, GiB/s); node 2 is nearest to node 1's CPUs.
_FIRMWARE_WORDS = ((0, 0, 80, 100), (1, 1, 80, 100), (1, 2, 300, 20))


def machine(cpus):
    """What QEMU is told of memory and devices."""
    half = cpus // 2
    nodes = (f"nodeid=0,cpus=0-{half - 1},memdev=m0", f"nodeid=1,cpus={half}-{cpus - 1},memdev=m1", "nodeid=2,memdev=m2,initiator=1")
    options = ["-machine", "q35,hmat=on", "-m", str(sum(_MEMORY_MB))]
    for node, memory_mb in enumerate(_MEMORY_MB):
        options += ["-object", f"memory-backend-ram,id=m{node},size={memory_mb}M"]
    for node in nodes:
        options += ["-numa", f"node,{node}"]
    for source, target, distance in _DISTANCES:
        options += ["-numa", f"dist,src={source},dst={target},val={distance}"]
    for source, target, latency_ns, bandwidth_gib in _FIRMWARE_WORDS:
        pair = f"hmat-lb,initiator={source},target={target},hierarchy=memory"
        options += ["-numa", f"{pair},data-type=access-latency,latency={latency_ns}",
                    "-numa", f"{pair},data-type=access-bandwidth,bandwidth={bandwidth_gib}G"]
    return options + ["-device", "pxb-pcie,id=pxb1,bus_nr=128,numa_node=1,bus=pcie.0",
                      "-device", "pcie-root-port,id=port1,bus=pxb1,chassis=1",
                      "-netdev", "user,id=net0,restrict=on", "-device", "e1000e,bus=port1,netdev=net0"]
