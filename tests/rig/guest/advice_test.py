"""What hftmon recommends is done as it is said, on a machine where that can be done to nobody: the cause goes, the next window is silent, and
undo brings it back."""

import os
import re
import subprocess
import unittest

import advisor
import kernel_threads
import machine
import memory
import network
import python_cases
from advisor import Advisor
from daemon import Daemon
from workload import Workload

PAGES = 4_096
ISOLATED = {2, 3}
EXCHANGES = 200
RX_LINE = "eth0-rx-0"


class Advice(unittest.TestCase):
    def setUp(self):
        network.start()
        self.daemon = Daemon()
        self.addCleanup(self.daemon.end)

    def follow(self, advice, command, undo):
        """The commands are these; what is done is done as given."""
        action = advice["action"]
        print(f"{advice['rule']}: {advice['cause']}: {action['command']}")
        self.assertEqual((action["command"], action["undo"]), (command, undo))
        advisor.shell(action["command"])
        return action


class Interrupts(Advice):
    def setUp(self):
        super().setUp()
        # Somebody has to be watched; he has nothing to do with it.
        self.watched = Workload("memory_holder", "--pages", "16", under=("taskset", "-c", "2"))
        self.addCleanup(self.watched.end)
        self.daemon.attach(self.watched.pid, "--probes", "irq")
        self.irq = network.line_of(RX_LINE)

    def exchange(self):
        """CPU → how often the line came there meanwhile."""
        before = network.counts_of(self.irq)
        self.assertEqual(network.exchange(EXCHANGES), EXCHANGES)
        after = network.counts_of(self.irq)
        return {cpu: after[cpu] - before[cpu] for cpu in after}

    def test_a_line_on_an_isolated_cpu_is_moved_away_and_back(self):
        path = f"/proc/irq/{self.irq}/smp_affinity_list"
        was = network.affinity_of(self.irq)
        self.addCleanup(advisor.shell, f"echo {was} >{path}")
        advisor.shell(f"echo 3 >{path}")
        advice = Advisor(self.daemon)
        first = network.counts_of(self.irq)

        def here(values):
            return values["irq"] == str(self.irq)

        def await_it(since_ns):
            def matches(values):
                return here(values) and int(values["count"]) >= 10
            return advice.await_advice("irq-on-watched-core", matches, since_ns, self.exchange)
        told = await_it(None)
        came = network.counts_of(self.irq)
        self.assertTrue(10 <= told["evidence"]["count"] <= sum(came[cpu] - first[cpu] for cpu in ISOLATED), (told, first, came))
        self.assertEqual(set(told["cpus"]), {3})
        self.assertIn(RX_LINE, told["evidence"]["values"]["handler"])
        action = self.follow(told, f"echo 0-1 > {path}", f"echo 3 > {path}")
        self.assertEqual(network.affinity_of(self.irq), "0-1")
        # The first one after the change may come where the last one did.
        self.exchange()
        since_ns = machine.mono_ns()
        moved = self.exchange()
        self.assertTrue(advice.silent_since("irq-on-watched-core", here, since_ns, self.exchange))
        print(f"after the change the line came so often to each CPU: {moved}")
        self.assertEqual(sum(moved[cpu] for cpu in ISOLATED), 0, moved)
        self.assertGreater(sum(moved.values()), 0)
        advisor.shell(action["undo"])
        self.assertEqual(network.affinity_of(self.irq), "3")
        await_it(machine.mono_ns())


class KernelThreads(Advice):
    def test_a_kernel_thread_on_an_isolated_cpu_is_moved_away_and_back(self):
        self.daemon.ask("attach", "--cpus", "2-3")
        work = kernel_threads.WorkForKsmd()
        self.addCleanup(work.end)
        visitor = kernel_threads.pid_of("ksmd")
        was = machine.allowed_cpus(visitor, visitor)
        self.addCleanup(advisor.shell, f"taskset -pc {was} {visitor}")
        advisor.shell(f"taskset -pc 2 {visitor}")
        advice = Advisor(self.daemon)
        before = kernel_threads.switches_of(visitor)

        def it(values):
            return values["actor_tid"] == str(visitor)
        told = advice.await_advice("kernel-thread-on-core", it)
        visits = kernel_threads.switches_of(visitor) - before
        self.assertTrue(2 <= told["evidence"]["count"] <= visits + 1, (told, visits))
        self.assertEqual(told["cpus"], [2])
        action = self.follow(told, f"taskset -pc 0-1 {visitor}", f"taskset -pc 2 {visitor}")
        self.assertEqual(machine.allowed_cpus(visitor, visitor), "0-1")
        since_ns = kernel_threads.await_switches(visitor, 2)
        self.assertTrue(advice.silent_since("kernel-thread-on-core", it, since_ns))
        advisor.shell(action["undo"])
        self.assertEqual(machine.allowed_cpus(visitor, visitor), "2")
        advice.await_advice("kernel-thread-on-core", it, machine.mono_ns())


class FarMemory(Advice):
    def pages(self, holder):
        """node → pages. Of the daemon and of the kernel; they agree."""
        holder.act("read")
        process, = self.daemon.ask("numa", "-p", str(holder.pid), "--exact")[0]["processes"]
        mapping, = [one for one in process["mappings"] if one["start"] == holder.about["address"]]
        told = {share["node"]: share["pages"] for share in mapping["nodes"]}
        self.assertEqual(told, memory.pages_by_node(holder.pid, holder.about["address"]))
        return told

    def test_memory_on_the_far_node_is_moved_and_moved_back(self):
        holder = Workload("memory_holder", "--pages", str(PAGES), "--rounds", "200", under=("numactl", "--membind=1", "--cpunodebind=0"))
        self.addCleanup(holder.end)
        self.daemon.attach(holder.pid)
        advice = Advisor(self.daemon, "--look-at-memory")

        def it(values):
            return values["pid"] == str(holder.pid)

        def read():
            holder.act("read")

        def await_it(since_ns):
            return advice.await_advice("memory-on-wrong-node", it, since_ns, read)
        told = await_it(None)
        self.assertEqual(self.pages(holder), {1: PAGES})
        self.assertGreaterEqual(told["evidence"]["count"], PAGES)
        action = self.follow(told, f"migratepages {holder.pid} 1 0", f"migratepages {holder.pid} 0 1")
        self.assertIn("bind", action["code_hint"], "what the policy does to new memory is said")
        since_ns = machine.mono_ns()
        self.assertEqual(self.pages(holder), {0: PAGES})
        self.assertTrue(advice.silent_since("memory-on-wrong-node", it, since_ns, read))
        # As the hint says: the policy is still there.
        grown = holder.act("grow")
        self.assertEqual(memory.pages_by_node(holder.pid, grown["address"]), {1: PAGES})
        await_it(since_ns)
        advisor.shell(action["undo"])
        self.assertEqual(self.pages(holder), {1: PAGES})


class FarNetwork(Advice):
    RULE = "thread-far-from-nic"

    def setUp(self):
        super().setUp()
        # Of node 0; the card is at node 1.
        self.asker = subprocess.Popen(["taskset", "-c", "0", "python3", "-B", "/rig/packet_asker.py"], stdin=subprocess.DEVNULL)
        self.addCleanup(self.asker.wait)
        self.addCleanup(self.asker.kill)
        self.daemon.attach(self.asker.pid, "--probes", "network")

    def test_a_thread_far_from_its_network_card_is_moved_to_it_and_back(self):
        advice = Advisor(self.daemon)

        def it(values):
            return values["interface"] == network.INTERFACE  # he is the only one who is watched
        if tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) < (6, 3):
            # Such a kernel does not let datagrams be followed to their reader; that is told instead of silence.
            def told_why():
                return [one for one in advice.answer(self.RULE)["not_judged"] if one["rule"] == self.RULE and "sockets' datagrams" in one["reason"]]
            machine.await_that(told_why, f"{self.RULE} is not judged, as datagrams are not followed")
            self.assertEqual(advice.answer(self.RULE)["recommendations"], [])
            return
        told = advice.await_advice(self.RULE, it)
        values = told["evidence"]["values"]
        self.assertEqual(told["thread"]["tid"], self.asker.pid)
        self.assertEqual((values["interface"], values["device_node"], values["thread_node"], values["distance"]), (network.INTERFACE, "1", "0", "21"))
        action = self.follow(told, f"taskset -pc 2-3 {self.asker.pid}", f"taskset -pc 0 {self.asker.pid}")
        self.assertEqual(machine.allowed_cpus(self.asker.pid, self.asker.pid), "2-3")
        since_ns = machine.mono_ns()
        self.assertTrue(advice.silent_since(self.RULE, it, since_ns))
        advisor.shell(action["undo"])
        self.assertEqual(machine.allowed_cpus(self.asker.pid, self.asker.pid), "0")
        advice.await_advice(self.RULE, it, machine.mono_ns())


class Audit(Advice):
    # rule → the word that gives cause for it; what the guest's command line settles (isolcpus, nohz_full, rcu_nocbs) is not among them.
    MISTAKES = {"audit-thp-always": "echo always >/sys/kernel/mm/transparent_hugepage/enabled",
                "audit-ksm": "echo 1 >/sys/kernel/mm/ksm/run",
                "audit-numa-balancing": "sysctl -w kernel.numa_balancing=1",
                "audit-timer-migration": "sysctl -w kernel.timer_migration=0",
                "audit-default-irq-affinity": "echo f >/proc/irq/default_smp_affinity",
                "audit-workqueue-cpumask": "echo f >/sys/devices/virtual/workqueue/cpumask"}

    def audit(self):
        """rule → its action. Nobody is watched."""
        answer = self.daemon.ask("recommend", "--audit", codes=(0, 1, 2))[0]
        actions = {one["rule"]: one["action"] for one in answer["recommendations"]}
        self.assertEqual(len(actions), len(answer["recommendations"]), answer["recommendations"])
        return actions

    def test_settings_against_isolated_cpus_are_told_and_each_command_ends_its_advice(self):
        for mistake in self.MISTAKES.values():
            advisor.shell(mistake)
        told = self.audit()
        self.assertEqual(set(told), set(self.MISTAKES))
        for rule, action in told.items():
            print(f"{rule}: {action['command']}")
            advisor.shell(action["command"])
            self.assertNotIn(rule, self.audit())
        # All is set right: nothing is advised.
        self.assertEqual(self.audit(), {})
        for action in told.values():
            advisor.shell(action["undo"])
        self.assertEqual(self.audit(), told)


if __name__ == "__main__":
    python_cases.main("advice_test")
