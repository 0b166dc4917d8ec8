"""CPUs go offline and come back while threads that are at home there are watched: all are served meanwhile, counts stay exact, nothing leaks."""

import unittest

import exact_counts
import loop_lateness
import machine
import python_cases
from daemon import Daemon, SpikeStream
from workload import Workload

WARM_UP = 4  # rounds in which allocators and connections reach their size
ROUNDS = 5
# The residents keep each other waiting three times as long as the threshold; what an emulated CPU takes for itself is mostly less.
THRESHOLD = "10ms"
HABITS = ("--period-us", "200000", "--spin-us", "30000")
LOOP = "hftmon_loop"


class HotUnplug(unittest.TestCase):
    def setUp(self):
        # Histories that are soon full: what grows later is no history.
        self.daemon = Daemon("--spike-history", "256", "--switch-history", "256")
        self.addCleanup(self.daemon.end)
        self.residents = Workload("residents", "--first-cpu", "1", "--last-cpu", "3", *HABITS)
        self.addCleanup(self.residents.end)
        self.homes = {thread["tid"]: thread["home"] for thread in self.residents.about["threads"]}
        self.daemon.attach(self.residents.pid, "--threshold", THRESHOLD)
        self.stream = SpikeStream("--threshold", THRESHOLD)
        self.addCleanup(self.stream.end)
        for cpu in (1, 2, 3):
            self.addCleanup(machine.set_online, cpu, True)
        self.loop_tid = machine.thread_named(self.daemon.pid, LOOP)
        self.loop_cpu = self.daemon.status()["loop"]["cpu"]
        self.residents.say()

    def await_spikes(self, homes, on_cpu, since_ns, what):
        """A spike of a resident of each of these homes that began after since_ns; on_cpu says on which CPUs it may have ended."""
        for home in homes:
            self.stream.await_spike(lambda spike, home=home: self.homes.get(spike["tid"]) == home and spike["start_ns"] > since_ns and
                                    on_cpu(spike["cpu"], home), f"{what}: a spike of CPU {home}'s residents comes")

    def take_away_and_give_back(self, *cpus):
        for cpu in cpus:
            machine.set_online(cpu, False)
        gone_ns = machine.mono_ns()
        self.await_spikes((1, 2, 3), lambda cpu, _: cpu not in cpus, gone_ns, f"without CPU {cpus}")
        for cpu in cpus:
            machine.set_online(cpu, True)
        back_ns = machine.mono_ns()
        self.await_spikes(cpus, lambda cpu, home: cpu == home, back_ns, f"with CPU {cpus} again")

    def compare_counts(self):
        """Parks the residents; their counts are the kernel's."""
        result = self.residents.act("park")
        answer = exact_counts.compare(self, self.daemon, self.residents.pid)
        return result, answer

    def assert_nothing_leaked(self, before):
        """Against what the daemon held when it was warm."""
        # A connection that has just been closed is gone in a moment.
        machine.await_that(lambda: machine.belongings(self.daemon.pid)["fds"] <= before["fds"], f"there are {before['fds']} open files again")
        after = machine.belongings(self.daemon.pid)
        print(f"held when warm {before}, after {ROUNDS} more rounds {after}")
        self.assertLessEqual(after["threads"], before["threads"] + 4)
        self.assertLess(after["rss_bytes"] - before["rss_bytes"], 1 << 20)

    def test_isolated_cpus_come_and_go(self):
        late_before_ns = loop_lateness.best_mean_ns(self.daemon, self.stream)
        before = None
        for number in range(WARM_UP + ROUNDS):
            self.take_away_and_give_back(3)
            self.take_away_and_give_back(2, 3)
            if number == WARM_UP - 1:
                before = machine.belongings(self.daemon.pid)
        late_after_ns = loop_lateness.best_mean_ns(self.daemon, self.stream)
        result, answer = self.compare_counts()
        print(f"{len(self.stream.spikes)} spikes, {sum(t['turn_count'] for t in result['threads'])} turns, "
              f"{sum(t['migration_count'] for t in answer['threads'])} moves; dropped {self.daemon.drops()}")
        print(f"mean lateness of the loop before {late_before_ns} ns, after {late_after_ns} ns")
        self.assert_nothing_leaked(before)
        # The loop was never on these CPUs.
        loop = self.daemon.status()["loop"]
        self.assertEqual((loop["cpu"], loop["move_count"]), (self.loop_cpu, 0))
        self.assertEqual(machine.allowed_cpus(self.daemon.pid, self.loop_tid), str(self.loop_cpu))
        self.assertLess(late_after_ns, loop_lateness.TOLERANCE * late_before_ns)

    def test_the_loops_own_cpu_comes_and_goes(self):
        others = machine.allowed_cpus(self.daemon.pid, self.daemon.pid)
        for number in range(WARM_UP + ROUNDS):
            machine.set_online(self.loop_cpu, False)
            gone_ns = machine.mono_ns()
            moved = machine.await_that(lambda: (loop := self.daemon.status()["loop"])["cpu"] != self.loop_cpu and loop,
                                       "the daemon says that its loop has moved")
            self.assertEqual(machine.allowed_cpus(self.daemon.pid, self.loop_tid), str(moved["cpu"]))
            self.assertNotIn(moved["cpu"], (2, 3), "these are isolated")
            self.await_spikes((1, 2, 3), lambda cpu, _: cpu != self.loop_cpu, gone_ns, "without the loop's CPU")
            machine.set_online(self.loop_cpu, True)
            back_ns = machine.mono_ns()
            machine.await_that(lambda: self.daemon.status()["loop"]["cpu"] == self.loop_cpu, "the daemon says that its loop is back")
            self.assertEqual(machine.allowed_cpus(self.daemon.pid, self.loop_tid), str(self.loop_cpu))
            self.await_spikes((1, 2, 3), lambda cpu, home: cpu == home, back_ns, "with the loop's CPU again")
            if number == WARM_UP - 1:
                print(f"the loop on CPU {moved['cpu']}: {moved['cpu_reason']}")
                before = machine.belongings(self.daemon.pid)
        self.compare_counts()
        print(f"{len(self.stream.spikes)} spikes; dropped {self.daemon.drops()}")
        self.assert_nothing_leaked(before)
        self.assertEqual(self.daemon.status()["loop"]["move_count"], 2 * (WARM_UP + ROUNDS))
        self.assertEqual(machine.allowed_cpus(self.daemon.pid, self.daemon.pid), others)

    def test_a_wait_that_begins_on_a_cpu_that_goes_ends_in_its_time_budget(self):
        """Causes and what is unexplained sum to the duration, also of waits that a hot-unplug moved."""
        self.take_away_and_give_back(3)
        moved = [spike for spike in self.stream.read() if spike["migrations"]]
        for spike in self.stream.spikes:
            claimed_ns = sum(cause["duration_ns"] for cause in spike["causes"])
            self.assertEqual(claimed_ns + spike["unexplained_ns"], spike["duration_ns"], spike)
        print(f"{len(self.stream.spikes)} spikes, {len(moved)} of them moved while they waited")


if __name__ == "__main__":
    python_cases.main("hot_unplug_test")
