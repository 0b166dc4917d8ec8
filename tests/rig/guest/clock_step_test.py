"""Steps of the wall clock while a stream runs: epochs are opened, times stay ordered, and wall times are those in force when a thing began."""

import unittest

import exact_counts
import loop_lateness
import machine
import python_cases
from daemon import Daemon, SpikeStream
from workload import Workload

HOUR_NS = 3_600 * 1_000_000_000
THRESHOLD = "10ms"
HABITS = ("--period-us", "200000", "--spin-us", "30000")


class ClockStep(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.end)
        self.residents = Workload("residents", "--first-cpu", "2", "--last-cpu", "3", *HABITS)
        self.addCleanup(self.residents.end)
        self.daemon.attach(self.residents.pid, "--threshold", THRESHOLD)
        self.stream = SpikeStream("--threshold", THRESHOLD)
        self.addCleanup(self.stream.end)
        self.residents.say()
        self.stream.await_spike(lambda _: True, "the first spike comes")

    def epochs(self):
        return self.daemon.status()["clock"]["epochs"]

    def steps(self):
        return [epoch for epoch in self.epochs() if epoch["reason"] == "wall_step"]

    def step(self, change):
        """Calls change(); returns the epoch that it opened. Another spike has come since."""
        known = len(self.steps())
        before_ns = machine.mono_ns()
        change()
        after_ns = machine.mono_ns()
        epoch = machine.await_that(lambda: len(steps := self.steps()) > known and steps[-1], "the daemon opens an epoch for the step")
        self.assertEqual(len(self.steps()), known + 1, "one step is one epoch")
        self.assertLessEqual(epoch["begin_after_ns"], after_ns)
        self.assertGreaterEqual(epoch["begin_ns"], before_ns)
        self.stream.await_spike(lambda spike: spike["start_ns"] > epoch["begin_ns"], "a spike comes after the step")
        return epoch

    def assert_wall_times(self, spikes, begin_ns, end_ns, pair):
        """The wall times of the spikes that began in [begin_ns, end_ns) are those of `pair`, within what both say they may be off."""
        mono_ns, real_ns, error_ns = pair
        chosen = [spike for spike in spikes if begin_ns <= spike["start_ns"] < end_ns]
        self.assertTrue(chosen, f"no spike began between {begin_ns} and {end_ns}")
        for spike in chosen:
            off_ns = spike["start_realtime_ns"] - (real_ns + spike["start_ns"] - mono_ns)
            self.assertLessEqual(abs(off_ns), error_ns + spike["time"]["error_ns"] + 1_000, spike)
        return len(chosen)

    def assert_ordered(self):
        """A thread's waits end in the order in which they are told; no time lies ahead."""
        spikes = self.stream.read()
        ends = {}
        for spike in spikes:
            # A stretch of interrupts is told once no handler can follow any more.
            if spike["in_progress"] or spike["kind"] == "interrupted":
                continue
            # One whose record never came (a ring cell that an interrupted program left behind) is found out by later ones.
            if spike.get("inconclusive_reason", "").startswith("its end was not seen"):
                continue
            end_ns = spike["start_ns"] + spike["duration_ns"]
            self.assertGreaterEqual(end_ns, ends.get(spike["tid"], 0), spike)
            ends[spike["tid"]] = end_ns
        now_ns = machine.mono_ns()
        self.assertTrue(all(0 < spike["start_ns"] < now_ns for spike in spikes))

    def test_each_step_opens_an_epoch_of_its_size(self):
        for step_ns in (HOUR_NS, -HOUR_NS, 1_500_000_000, 40_000_000, -40_000_000, 100_000, -100_000):
            with self.subTest(step_ns=step_ns):
                epoch = self.step(lambda step_ns=step_ns: machine.step_wall_clock(step_ns))
                error_ns = 2 * epoch["time"]["error_ns"] + sum(e["time"]["error_ns"] for e in self.epochs()[-2:])
                print(f"step {step_ns}: epoch {epoch['number']} says {epoch['step_ns']}, error {epoch['time']['error_ns']}")
                self.assertLessEqual(abs(epoch["step_ns"] - step_ns), max(error_ns, 1_000))
        self.assert_ordered()

    def test_a_step_too_small_to_be_read_opens_one_too(self):
        epoch = self.step(lambda: machine.step_wall_clock(50))
        print(f"step 50: {epoch['detail']}")

    def test_a_clock_that_is_set_as_date_does_opens_one(self):
        target_ns = machine.clock_pair()[1] + 7 * HOUR_NS
        epoch = self.step(lambda: machine.set_wall_clock(target_ns))
        self.assertGreater(epoch["step_ns"], 6 * HOUR_NS)
        machine.step_wall_clock(-7 * HOUR_NS)

    def test_slewing_opens_none(self):
        known = self.epochs()
        self.addCleanup(machine.slew_wall_clock, 0)
        for ppm in (500, -500, 0):
            machine.slew_wall_clock(ppm)
            seen = len(self.stream.read())
            machine.await_that(lambda: len(self.stream.read()) >= seen + 20, "20 more spikes come")
        told = [epoch for epoch in self.epochs()[len(known):] if epoch["reason"] != "stopped"]
        self.assertEqual(told, [])
        self.assert_ordered()

    def test_wall_times_are_those_in_force_when_a_spike_began(self):
        pairs = [machine.clock_pair()]
        begins = [machine.mono_ns()]
        edges = []
        for step_ns in (HOUR_NS, -HOUR_NS):
            self.stream.await_spike(lambda spike: spike["start_ns"] > begins[-1], "a spike comes before the step")
            edges.append(self.step(lambda step_ns=step_ns: machine.step_wall_clock(step_ns)))
            pairs.append(machine.clock_pair())
            begins.append(edges[-1]["begin_ns"])
        ends = [edge["begin_after_ns"] for edge in edges] + [machine.mono_ns()]
        # As they were streamed, and as they are asked for now that the clock has been back for a while.
        answer = self.daemon.ask("spikes", "--window", "all", "--threshold", THRESHOLD)
        for what, spikes in (("streamed", self.stream.read()), ("asked for", answer)):
            told = [self.assert_wall_times(spikes, *interval) for interval in zip(begins, ends, pairs)]
            print(f"{what}: {told} spikes before, in and after the hour, wall times right")
        across = [s for s in answer for e in edges if s["start_ns"] < e["begin_after_ns"] and s["start_ns"] + s["duration_ns"] > e["begin_ns"]]
        for spike in across:
            self.assertTrue(spike["inconclusive"], spike)
        self.assert_ordered()

    def test_windows_across_a_step_hold_what_happened(self):
        before = exact_counts.compare(self, self.daemon, self.park())
        self.residents.say()
        self.step(lambda: machine.step_wall_clock(-HOUR_NS))
        self.step(lambda: machine.step_wall_clock(HOUR_NS))
        after = exact_counts.compare(self, self.daemon, self.park())
        self.assertEqual(after["window"]["begin_ns"], before["window"]["begin_ns"])
        self.assertGreater(after["window"]["end_ns"], before["window"]["end_ns"])
        # A window in which nothing ran but what has been parked for its whole length: nothing of before the steps is taken for it.
        begin_ns = machine.mono_ns()
        machine.await_that(lambda: machine.mono_ns() > begin_ns + 2_000_000_000, "two seconds pass")
        recent = self.daemon.switches(self.residents.pid, window="1s")
        self.assertGreaterEqual(recent["window"]["begin_ns"], begin_ns)
        self.assertEqual(sum(t["voluntary_count"] + t["involuntary_count"] for t in recent["threads"]), 0)

    def park(self):
        self.residents.act("park")
        return self.residents.pid

    def test_the_loop_is_not_later_after_it(self):
        before_ns = loop_lateness.best_mean_ns(self.daemon, self.stream)
        for step_ns in (HOUR_NS, -HOUR_NS) * 10:
            machine.step_wall_clock(step_ns)
        after_ns = loop_lateness.best_mean_ns(self.daemon, self.stream)
        print(f"mean lateness of the loop before 20 steps {before_ns} ns, after them {after_ns} ns; dropped {self.daemon.drops()}")
        self.assertLess(after_ns, loop_lateness.TOLERANCE * before_ns)


if __name__ == "__main__":
    python_cases.main("clock_step_test")
