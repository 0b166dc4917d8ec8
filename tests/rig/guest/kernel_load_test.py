"""The BPF programs on this guest's kernel: which load, which are left out and why, and that their counts are the kernel's."""

import unittest

import exact_counts
import machine
import python_cases
from daemon import Daemon
from workload import Workload

SWITCHES = 20_000
LINES = 200  # that are written to the serial line
SLEEPS = 200
TURNS = 5  # of the priority inversion
LOW, HIGH = 89, 69  # the kernel's priorities of its threads: FIFO 10 and 30


class KernelLoad(unittest.TestCase):
    def start(self, *flags):
        daemon = Daemon(*flags)
        self.addCleanup(daemon.end)
        return daemon

    def count_switches(self, *flags):
        daemon = self.start(*flags)
        game = Workload("ping_pong", "--cpu", "2")
        self.addCleanup(game.end)
        daemon.attach(game.pid)
        result = game.act(str(SWITCHES))
        answer = exact_counts.compare(self, daemon, game.pid)
        players = {thread["tid"] for thread in result["threads"]}
        counted = sum(thread["voluntary_count"] + thread["involuntary_count"] for thread in answer["threads"] if thread["tid"] in players)
        print(f"{' '.join(flags) or 'by default'}: {counted} switches of {SWITCHES} turns counted; dropped: {daemon.drops()}")
        self.assertGreaterEqual(counted, SWITCHES)
        return daemon

    def test_every_program_runs_or_says_why_it_does_not(self):
        status = self.start().status()
        left_out = {probe["name"]: probe["left_out_reason"] for probe in status["probes"] if "left_out_reason" in probe}
        running = [probe for probe in status["probes"] if "left_out_reason" not in probe]
        print(f"{len(running)} programs run through {running[0]['attach_point'].split('/')[0]}; left out: {left_out or 'none'}")
        self.assertGreater(next(probe["run_count"] for probe in running if probe["name"] == "on_switch"), 0)
        for probe in running:
            self.assertGreater(probe["instruction_count"], 0, probe)
        for name, reason in left_out.items():
            self.assertIn("tracepoint", reason, name)

    def test_doctor_finds_all_that_the_daemon_needs(self):
        for capability in self.start().ask("doctor")[0]["capabilities"]:
            if not capability["available"]:
                print(f"not available: {capability['name']}: {capability['reason']}")
            self.assertTrue(capability["available"] or not capability["required"], capability)

    def test_switch_counts_are_the_kernels(self):
        daemon = self.count_switches()
        self.assertEqual(daemon.end(), 0, "the daemon's end was not clean")

    def test_switch_counts_are_the_kernels_through_raw_tracepoints(self):
        self.count_switches("--kernel-access", "raw")

    def put_off(self, *flags):
        """What interrupts put off, while the serial line makes interrupts for what is written to it."""
        daemon = self.start(*flags)
        asker = Workload("ping_pong", "--cpu", "2")
        self.addCleanup(asker.end)
        daemon.attach(asker.pid, "--probes", "irq")
        with open("/dev/ttyS0", "w", encoding="ascii") as terminal:
            for number in range(LINES):
                print(f"line {number} of {LINES}", file=terminal, flush=True)
        deferred = daemon.ask("irqs")[0]["deferred"]
        self.assertTrue(deferred["collecting"], deferred)
        softirqs = [row for cpu in deferred["cpus"] for row in cpu["softirqs"]]
        begun = sum(row["begin_count"] for cpu in deferred["cpus"] for row in cpu["works"])
        woken = sum(thread["wake_count"] for thread in deferred["threads"])
        waited = sum(thread["delay_count"] + thread["running_count"] + thread["waiting_count"] for thread in deferred["threads"])
        print(f"{' '.join(flags) or 'by default'}: {sum(row['run_count'] for row in softirqs)} softirqs, {begun} works, "
              f"{[(thread['irq'], thread['name'], thread['wake_count'], thread['delay_count']) for thread in deferred['threads']]}; "
              f"not told: {deferred['missing'] or 'nothing'}")
        for row in softirqs:
            self.assertEqual(row["delay"]["count"] + row["unraised_count"], row["run_count"], row)
            self.assertLessEqual(abs(row["duration"]["count"] - row["run_count"]), 3, row)
        handled = sum(row["duration"]["count"] for cpu in deferred["cpus"] for row in cpu["handlers"])
        self.assertGreaterEqual(handled, woken, "a handler that leaves work to a thread ran")
        self.assertGreater(begun, 0)
        self.assertGreater(woken, 0, "threadirqs gives the serial line's interrupt a thread")
        # One wake may be on its way, for each of the threads.
        self.assertLessEqual(abs(woken - waited), len(deferred["threads"]))

    def test_what_interrupts_put_off_is_told_their_threads_too(self):
        self.put_off()

    def test_what_interrupts_put_off_is_told_through_raw_tracepoints(self):
        self.put_off("--kernel-access", "raw")

    def be_punctual(self, *flags):
        """A thread sleeps until times that it gives: each return is told, and none is later than it measured itself."""
        daemon = self.start(*flags)
        sleeper = Workload("punctual", "--cpu", "2", "--count", str(SLEEPS), "--period-us", "5000", "--interrupt-every", "20")
        self.addCleanup(sleeper.end)
        daemon.attach(sleeper.pid, "--probes", "returns")
        truth = sleeper.act("go")
        late_ns = truth["late_ns"]

        def answer():
            return daemon.ask("threads", "-p", str(sleeper.pid), "--window", "all", "--percentiles", "50,90")[0]["threads"][0]
        # An answer is of buckets that have closed.
        machine.await_that(lambda: answer().get("to_return", {}).get("count", 0) >= len(late_ns), lambda: f"all returns are told: {answer()}")
        told = answer()["to_return"]
        print(f"{' '.join(flags) or 'by default'}: {told}; the thread's own p50: {late_ns[len(late_ns) // 2]}")
        self.assertEqual((told["count"], told["interrupted_count"], told["time_lost_count"]), (len(late_ns), truth["interrupted_count"], 0))
        self.assertLessEqual(told["max_ns"], late_ns[-1])
        self.assertLessEqual(told["p50_ns"], late_ns[(len(late_ns) + 1) // 2 - 1])
        self.assertGreater(told["p50_ns"], 0)

    def test_returns_from_sleeps_are_told(self):
        self.be_punctual()

    def test_returns_from_sleeps_are_told_through_raw_tracepoints(self):
        self.be_punctual("--kernel-access", "raw")

    def count_events(self, *flags):
        """What threads count is read at their switches: their own share of the CPUs' context-switches is the kernel's count of theirs."""
        daemon = self.start(*flags)
        game = Workload("ping_pong", "--cpu", "2")
        self.addCleanup(game.end)
        daemon.attach(game.pid, "--counters", "context-switches,page-faults,cpu-clock")
        before = machine.blocked_counts(game.pid)
        players = {thread["tid"] for thread in game.act(str(SWITCHES))["threads"]}
        after = machine.blocked_counts(game.pid)
        answer = daemon.ask("cache", "-p", str(game.pid), "--window", "all", "--counts")[0]
        self.assertTrue(answer["available"], answer)
        threads = {thread["tid"]: thread for thread in answer["threads"]}
        counted = {tid: threads[tid]["counters"]["context-switches"]["total"] for tid in players}
        print(f"{' '.join(flags) or 'by default'}: {counted} switches counted in {SWITCHES} turns; {answer['lost_span_count']} spans lost; dropped: {daemon.drops()}")
        for tid in players:
            switches = sum(after[tid][:2]) - sum(before.get(tid, (0, 0, 0))[:2])
            # Of the switch by which it came: the first was before it was watched, or the last is yet to come.
            self.assertLessEqual(abs(counted[tid] - switches), 1, (tid, switches))
            # Read one after the other, which takes an emulated CPU its time.
            self.assertTrue(0.5 < threads[tid]["counters"]["cpu-clock"]["total"] / threads[tid]["on_cpu_ns"] < 1.5, threads[tid])

    def test_counted_switches_are_the_kernels(self):
        self.count_events()

    def test_counted_switches_are_the_kernels_through_raw_tracepoints(self):
        self.count_events("--kernel-access", "raw")

    def invert(self, *flags):
        """Real-time threads wait for a lock that inherits: the boosts and inversions that are told, and what the threads know."""
        daemon = self.start(*flags)
        game = Workload("inverted", "--cpu", "2", "--scenario", "pi", "--count", str(TURNS))
        self.addCleanup(game.end)
        daemon.attach(game.pid, "--probes", "locks", "--blocked", "200us")
        truth = game.act("go")
        answer = daemon.ask("inversions", "-p", str(game.pid), "--window", "all")[0]
        self.assertNotIn("boosts_unavailable", answer)
        # With PREEMPT_RT the kernel's own locks inherit too.
        boosts = [boost for boost in answer["boosts"] if boost["thread"]["tid"] == truth["low"] and boost["donor"]["tid"] == truth["high"]]
        inversions = [one for one in answer["inversions"] if one["waiter"]["tid"] == truth["high"] and one["inherited"]]
        print(f"{' '.join(flags) or 'by default'}: {len(boosts)} boosts and {len(inversions)} inversions in {TURNS} turns; "
              f"{answer['unknown_owner_count']} waits for what is not known; dropped: {daemon.drops()}")
        for boost in boosts:
            self.assertEqual((boost["own_priority"], boost["boosted_priority"], boost["donor"]["comm"]), (LOW, HIGH, "high"), boost)
            self.assertIn("duration_ns", boost)
        missing = [turn for turn in truth["turns"] if not any(turn["ask_ns"] <= boost["start_ns"] <= turn["got_ns"] for boost in boosts)]
        # A CPU that is emulated may stand still for so long that its record is given up: counted, and a boost has two.
        self.assertLessEqual(len(missing), sum(daemon.drops().values()), (missing, boosts))
        self.assertLess(len(missing), TURNS)
        return inversions

    def test_boosts_are_told_and_the_inversions_that_they_shorten(self):
        for inversion in self.invert():
            self.assertEqual((inversion["chain"][0]["owner_priority"], inversion["chain"][0]["owner_policy"]), (LOW, "fifo"), inversion)

    def test_boosts_are_told_through_raw_tracepoints(self):
        self.invert("--kernel-access", "raw")


if __name__ == "__main__":
    python_cases.main("kernel_load_test")
