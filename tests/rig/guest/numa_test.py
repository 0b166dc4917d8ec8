"""Memory nodes, devices and the placement of memory as `hftmon numa` tells them, on a machine whose three nodes are known."""

import unittest

import machine
import memory
import network
import python_cases
from daemon import Daemon
from workload import Workload

PAGES = 4_096  # 16 MiB: all are looked at
MANY_PAGES = 16_384  # 64 MiB: some are
NIC_NODE = 1


class Numa(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        network.start()
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.end)

    def hold(self, pages, *numactl):
        """A watched process that holds memory under numactl's words."""
        holder = Workload("memory_holder", "--pages", str(pages), under=("numactl", *numactl))
        self.addCleanup(holder.end)
        self.daemon.attach(holder.pid)
        return holder

    def look(self, holder, address, *flags):
        """What the daemon says of the mapping that begins there."""
        process, = self.daemon.ask("numa", "-p", str(holder.pid), *flags)[0]["processes"]
        self.assertNotIn("error", process)
        mapping, = [one for one in process["mappings"] if one["start"] == address]
        return process, mapping

    def test_nodes_are_told(self):
        answer = self.daemon.ask("numa")[0]
        nodes = {node["node"]: node for node in answer["nodes"]}
        self.assertEqual({number: node["cpus"] for number, node in nodes.items()}, {0: [0, 1], 1: [2, 3], 2: []})
        self.assertTrue(all(node["has_memory"] for node in nodes.values()))
        distances = {number: {to["node"]: to["distance"] for to in node["distances"]} for number, node in nodes.items()}
        self.assertEqual(distances, {0: {0: 10, 1: 21, 2: 31}, 1: {0: 21, 1: 10, 2: 24}, 2: {0: 31, 1: 24, 2: 10}})
        self.assertEqual({number: node["initiator_nodes"] for number, node in nodes.items()}, {0: [0], 1: [1], 2: [1]})
        self.assertEqual([nodes[number]["read_latency_ns"] for number in range(3)], [80, 80, 300])
        self.assertEqual([nodes[number]["read_bandwidth_mb_s"] for number in range(3)], [102_400, 102_400, 20_480])
        # What the kernel keeps for itself is not in a node's memory.
        for number, memory_mb in enumerate((1024, 1024, 256)):
            self.assertTrue(0.8 * memory_mb < nodes[number]["memory_bytes"] / (1 << 20) <= memory_mb, nodes[number])
            self.assertLess(nodes[number]["free_bytes"], nodes[number]["memory_bytes"])
        self.assertFalse(answer["sub_numa_clustering"])

    def test_the_network_card_is_at_its_node(self):
        cards = [device for device in self.daemon.ask("numa")[0]["devices"] if device["kind"] == "net" and device["name"] == network.INTERFACE]
        self.assertEqual([(card["node"], card["local_cpus"]) for card in cards], [(NIC_NODE, [2, 3])])

    def test_far_memory_is_found_to_the_page(self):
        for node in (1, 2):
            with self.subTest(node=node):
                holder = self.hold(PAGES, f"--membind={node}", "--cpunodebind=0")
                holder.act("read")
                process, mapping = self.look(holder, holder.about["address"])
                self.assertEqual([(share["node"], share["pages"]) for share in mapping["nodes"]], [(node, PAGES)])
                self.assertEqual(memory.pages_by_node(holder.pid, holder.about["address"]), {node: PAGES})
                self.assertTrue(mapping["exact"])
                self.assertEqual(mapping["policy"], f"bind:{node}")
                thread, = process["threads"]
                self.assertEqual((thread["node"], thread["allowed_nodes"]), (0, [0]))

    def test_a_sample_of_much_memory_is_right(self):
        holder = self.hold(MANY_PAGES, "--interleave=0,1", "--cpunodebind=0")
        holder.act("read")
        truth = memory.pages_by_node(holder.pid, holder.about["address"])
        self.assertEqual(sum(truth.values()), MANY_PAGES)
        process, mapping = self.look(holder, holder.about["address"])
        shares = {share["node"]: share for share in mapping["nodes"]}
        print(f"{mapping['sampled_count']} pages looked at of {MANY_PAGES} in {process['look_cost']['call_count']} calls; "
              f"{ {node: (round(share['share_low'], 3), round(share['share_high'], 3)) for node, share in shares.items()} }, truth {truth}")
        self.assertFalse(mapping["exact"])
        self.assertLess(mapping["sampled_count"], MANY_PAGES)
        self.assertEqual(mapping["absent_count"], 0)
        for node, pages in truth.items():
            # One of twenty is off by more than the interval (95 %), none by three times that.
            low, high = shares[node]["share_low"], shares[node]["share_high"]
            self.assertTrue(low - (high - low) <= pages / MANY_PAGES <= high + (high - low), (shares, truth))

    def test_what_grows_is_found_where_the_policy_puts_it(self):
        holder = self.hold(PAGES, "--preferred=1", "--cpunodebind=0")
        holder.act("read")
        grown = holder.act("grow")
        _, mapping = self.look(holder, grown["address"], "--exact")  # with what there was before it is more than 32 MiB
        self.assertEqual([(share["node"], share["pages"]) for share in mapping["nodes"]], [(1, PAGES)])
        self.assertIn("prefer", mapping["policy"])

    def test_distances_are_measured_from_free_cpus_and_to_nodes_with_room(self):
        answer = self.daemon.ask("numa", "--measure")[0]
        pairs = {(pair["cpu_node"], pair["memory_node"]): pair for pair in answer["pairs"]}
        print({nodes: pair.get("load_ns", pair.get("reason")) for nodes, pair in pairs.items()})
        self.assertEqual(set(pairs), {(cpus, memory_node) for cpus in (0, 1) for memory_node in (0, 1, 2)})
        for nodes in ((0, 0), (0, 1)):
            self.assertIn(pairs[nodes].get("cpu"), (0, 1), pairs[nodes])
            self.assertGreater(pairs[nodes]["load_ns"], 0)
            self.assertGreater(pairs[nodes]["read_mb_s"], 0)
        # All of node 2 is a quarter too little.
        self.assertIn("free memory", pairs[0, 2]["reason"])
        for memory_node in (0, 1, 2):
            self.assertNotIn("load_ns", pairs[1, memory_node])
            self.assertIn("kept free of ordinary work", pairs[1, memory_node]["reason"])

    def test_an_offline_cpu_changes_its_node_and_nothing_else(self):
        holder = self.hold(PAGES, "--membind=1", "--cpunodebind=1")
        holder.act("read")
        for gone in ((3,), (2, 3)):
            for cpu in gone:
                self.addCleanup(machine.set_online, cpu, True)
                machine.set_online(cpu, False)
            answer = self.daemon.ask("numa")[0]
            nodes = {node["node"]: node["cpus"] for node in answer["nodes"]}
            self.assertEqual(nodes, {0: [0, 1], 1: [cpu for cpu in (2, 3) if cpu not in gone], 2: []})
            _, mapping = self.look(holder, holder.about["address"])
            self.assertEqual([(share["node"], share["pages"]) for share in mapping["nodes"]], [(1, PAGES)])
            for cpu in gone:
                machine.set_online(cpu, True)
        nodes = {node["node"]: node["cpus"] for node in self.daemon.ask("numa")[0]["nodes"]}
        self.assertEqual(nodes, {0: [0, 1], 1: [2, 3], 2: []})
        self.assertTrue(self.daemon.alive())


if __name__ == "__main__":
    python_cases.main("numa_test")
