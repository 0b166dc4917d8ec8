"""Advisor: what `hftmon recommend` says of one rule, its commands run as they are given, and the window that begins with a moment."""

import json
import subprocess

import machine

QUIET_NS = 3_000_000_000  # a window of silence is at least as long: the daemon's sums are of one second and the next


def shell(command):
    """A command of a recommendation, as it is given. It has to work out."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=machine.PATIENCE_S)
    if done.returncode != 0:
        raise AssertionError(f"'{command}' ended with {done.returncode}: {done.stdout.strip()} {done.stderr.strip()}")


class Advisor:
    def __init__(self, daemon, *flags):
        """flags: of every question, as --look-at-memory."""
        self._daemon = daemon
        self._flags = flags

    def answer(self, rule, since_ns=None):
        """The whole answer. Its window begins with since_ns, or is the default one."""
        window = () if since_ns is None else ("--window", f"{max(machine.mono_ns() - since_ns, 1)}ns")
        # 2: there are recommendations.
        return self._daemon.ask("recommend", "--rule", rule, *self._flags, *window, codes=(0, 1, 2))[0]

    def await_advice(self, rule, matches, since_ns=None, act=lambda: None):
        """The first that matches(its evidence's values). act() is what makes the evidence: before each question."""
        last = None

        def found():
            nonlocal last
            act()
            last = self.answer(rule, since_ns)
            return next((one for one in last["recommendations"] if matches(one["evidence"]["values"])), None)

        return machine.await_that(found, lambda: f"{rule} is advised; the last answer: {json.dumps(last)[:2000]}")

    def silent_since(self, rule, matches, since_ns, act=lambda: None):
        """Whether the rule is silent of it in a window that is long enough, and judged; act() as above."""
        last = None

        def judged():
            nonlocal last
            act()
            last = self.answer(rule, since_ns)
            window = last["window"]
            return window["end_ns"] - window["begin_ns"] >= QUIET_NS and not [one for one in last["not_judged"] if one["rule"] == rule]

        machine.await_that(judged, lambda: f"{rule} is judged of {QUIET_NS} ns: {json.dumps(last)[:2000]}")
        advised = [one for one in last["recommendations"] if matches(one["evidence"]["values"])]
        if advised:
            print(f"{rule} still: {json.dumps(advised[0])[:1500]}")
        return not advised
