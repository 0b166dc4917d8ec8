"""`hftmon top` in a terminal: a real daemon, a thread that is preempted over and over, keys pressed and screens read."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import host
import python_cases
from pane import PROMPT, Pane

SPINNER = host.BUILD / "bin" / "tests" / "preempted_spinner"
# A spike's line: when, how long, what, whose; the name may be cut.
SPIKE = re.compile(r"^[ >]\d\d:\d\d:\d\d\.\d+ +[\d.]+(?:us|ms|s)[ +?] preempted +spinner\[(\d+)\] +\d+ % (\S+)", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*\b(?:3[0-7]|4[0-7]|9[0-7]|38;5;\d+|48;5;\d+)m")


def rows(screen):
    """Names of the table's rows, in their order: the lines between its titles and the spikes."""
    table = re.search(r"^ +tid name[^\n]*\n(.*?)^\S*[─-]{2}", screen, re.MULTILINE | re.DOTALL)
    return re.findall(r"^[ >] *\d+ (\S+)", table.group(1), re.MULTILINE) if table else []


def own_cause(screen):
    """Which of the spikes on the screen, from 0 on, is the first that fifo_bully had most of; None where there is none."""
    spikes = [line for line in screen.splitlines() if SPIKE.match(line)]
    return next((i for i, line in enumerate(spikes) if " fifo_bully[" in line), None)


class Daemon:
    def __init__(self, folder):
        self._notify = host.NotifySocket(pathlib.Path(folder) / "notify")
        self.address = f"unix:{folder}/hftmond.sock"
        self._process = subprocess.Popen([host.HFTMOND, "--listen", self.address], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, env={**os.environ, "NOTIFY_SOCKET": self._notify.path})
        try:
            self._notify.wait_for("READY", "1")
        except TimeoutError:
            self.end(signal.SIGKILL)
            raise

    def end(self, number=signal.SIGTERM):
        self._process.send_signal(number)
        self._process.wait(timeout=host.PATIENCE_S)
        self._notify.close()
        pathlib.Path(self._notify.path).unlink()


class Spinner:
    """preempted_spinner for a minute; `ready` is what it says of itself."""

    def __init__(self):
        self._process = subprocess.Popen([SPINNER, "--interactive", "--count", "3000", "--duration-us", "2000", "--period-us", "20000"],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self._process.stdout.readline())
        self.pid = self._process.pid

    def begin(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self):
        self._process.kill()
        self._process.communicate()


class TopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        host.need_bpf()
        host.need_tool("tmux", "tmux")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.shared_daemon = Daemon(folder.name)
        cls.addClassCleanup(cls.shared_daemon.end)

    def setUp(self):
        self.daemon = self.shared_daemon
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.spinner = Spinner()
        self.addCleanup(self.spinner.end)
        if self.spinner.ready["refused"]:
            self.skipTest(f"no thread can preempt another here: {self.spinner.ready['refused']}")

    def hftmon(self, *words):
        return subprocess.run([host.HFTMON, "--server", self.daemon.address, *words], capture_output=True, text=True, check=False,
                              timeout=host.PATIENCE_S)

    def watch(self):
        attached = self.hftmon("attach", str(self.spinner.pid))
        self.assertEqual(attached.returncode, 0, attached.stderr)
        self.spinner.begin()

    def pane(self, width=100, height=30):
        pane = Pane(self.folder, width, height, {"HFTMON_SERVER": self.daemon.address})
        self.addCleanup(pane.close)
        return pane

    def top(self, pane, prefix="", words=""):
        """Starts it and waits for its first spike."""
        pane.run(f"{prefix} {host.HFTMON} top --period 500ms {words}; echo code $?")
        return pane.wait_for(lambda screen: SPIKE.search(screen) and "spinner" in rows(screen))

    def end(self, pane):
        pane.type("q")
        pane.wait_for("code 0")

    def test_the_targets_threads_and_its_spikes_are_shown(self):
        self.watch()
        pane = self.pane()
        screen = self.top(pane)
        self.assertIn("fifo_bully", rows(screen))
        self.assertRegex(screen, r"^hftmon top +hftmond \S+\[\d+\]")
        self.assertRegex(screen, r"(?m)^\d+ targets?  ")
        self.assertEqual({int(tid) for tid, _ in SPIKE.findall(screen)}, {self.spinner.ready["spinner_tid"]})
        self.assertTrue(any(cause.startswith("fifo_bully[") for _, cause in SPIKE.findall(screen)), screen)
        # As many as the kernel counted while it looked, whatever the daemon streamed: the row's number rises.
        count = re.compile(rf"^[ >] *{self.spinner.ready['spinner_tid']} spinner .* (\d+)\+?$", re.MULTILINE)
        first = int(count.search(pane.wait_for(count.search)).group(1))
        pane.wait_for(lambda text: count.search(text) and int(count.search(text).group(1)) > first)
        self.end(pane)

    def test_enter_shows_what_a_spike_was_made_of(self):
        self.watch()
        pane = self.pane()
        self.top(pane)
        # Of a screen that stands still one whose largest cause is the workload's own doing: on a busy host there are others.
        own = None
        while own is None:
            pane.wait_for(lambda text: own_cause(text) is not None)
            pane.type("p")
            own = own_cause(pane.wait_for("PAUSED, "))
            if own is None:
                pane.type("p")
                pane.wait_for(lambda text: "PAUSED, " not in text)
        pane.press(*["Down"] * own, "Enter")
        screen = pane.wait_for("where its time went")
        self.assertIn("preempted", screen)
        self.assertRegex(screen, rf"#+\.* +[\d.]+ % +[\d.]+(us|ms) +fifo_bully\[\d+/{self.spinner.ready['fifo_tid']}\]: ")
        pane.press("Escape")
        pane.wait_for("largest cause")
        self.end(pane)

    def test_sorting_changes_the_order_of_the_rows(self):
        self.watch()
        pane = self.pane()
        self.top(pane)
        pane.type("<<")
        screen = pane.wait_for("threads by name")
        self.assertEqual(rows(screen), ["fifo_bully", "preempted_spinn", "spinner"])
        pane.type("s")
        screen = pane.wait_for("threads by number")
        self.assertEqual(rows(screen)[0], "preempted_spinn")
        self.end(pane)

    def test_a_filter_leaves_what_it_names(self):
        self.watch()
        pane = self.pane()
        self.top(pane)
        pane.type("/bully")
        screen = pane.wait_for(lambda text: "filter: bully_" in text and rows(text) == ["fifo_bully"])
        self.assertIn("none so far", screen)
        pane.press("Enter")
        pane.wait_for("filter: bully (c clears)")
        pane.type("c")
        pane.wait_for(lambda text: len(rows(text)) == 3 and SPIKE.search(text))
        self.end(pane)

    def test_a_pause_holds_back_what_comes_and_shows_it_afterwards(self):
        self.watch()
        pane = self.pane()
        self.top(pane)
        pane.type("p")
        held = re.compile(r"PAUSED, (\d+) spikes? and (\d+) snapshots? held back")
        screen = pane.wait_for(lambda text: held.search(text) and int(held.search(text).group(1)) > 1 and int(held.search(text).group(2)) > 0)
        newest = SPIKE.search(screen).group()
        later = pane.wait_for(lambda text: held.search(text) and held.search(text).group() != held.search(screen).group())
        self.assertEqual(SPIKE.search(later).group(), newest)
        pane.type(" ")
        pane.wait_for(lambda text: "PAUSED" not in text and SPIKE.search(text) and SPIKE.search(text).group() != newest)
        self.end(pane)

    def test_targets_and_help_have_their_pages(self):
        self.watch()
        pane = self.pane()
        self.top(pane)
        pane.type("t")
        pane.wait_for(re.compile(rf"^[ >] *{self.spinner.pid} preempted_spinn +running +3 ", re.MULTILINE).search)
        pane.type("?")
        pane.wait_for("filter both lists by a part of the name")
        self.end(pane)

    def test_a_new_size_leaves_nothing_of_the_old_page(self):
        self.watch()
        pane = self.pane()
        self.top(pane)
        for width, height in ((60, 15), (120, 40), (40, 8), (100, 30)):
            pane.resize(width, height)
            screen = pane.wait_for(lambda text, lines=height: len(text.splitlines()) == lines and self.is_whole(text))
            self.assertTrue(all(len(line) <= width for line in screen.splitlines()), screen)
        self.end(pane)

    def is_whole(self, screen):
        """Each line is one of those that a page has, and those that it has once are there once."""
        once = [r"hftmon top ", r"threads by ", r" +tid name", r"── \d+ spikes?, newest first ─+$", r" began +took "]
        known = [*once, r"\d+ targets? ", r"[ >] *\d+ \S+", r"[ >]\d\d:\d\d:\d\d", r"q quit ", r"$"]
        lines = screen.splitlines()
        return all(any(re.match(each, line) for each in known) for line in lines) and all(
            sum(re.match(each, line) is not None for line in lines) == 1 for each in once)

    def test_q_gives_the_shells_screen_back(self):
        self.watch()
        pane = self.pane()
        pane.run("stty -a | md5sum; echo before")
        before = pane.wait_for("\nbefore")
        self.top(pane)
        self.assertNotIn("md5sum", pane.screen())
        pane.type("q")
        screen = pane.wait_for("code 0")
        self.assertIn(before.split(PROMPT)[1].splitlines()[1], screen)
        self.assertNotIn("largest cause", screen)
        pane.run("clear; stty -a | md5sum")
        pane.wait_for(before.split(PROMPT)[1].splitlines()[1])

    def test_signals_that_end_it_leave_the_terminal_as_it_was(self):
        self.watch()
        pane = self.pane()
        pane.run("ulimit -c 0; stty -a | md5sum")
        modes = pane.wait_for(re.compile(r"^[0-9a-f]{32} ", re.MULTILINE).search)
        modes = re.search(r"^[0-9a-f]{32} ", modes, re.MULTILINE).group()
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGABRT, 134), (signal.SIGHUP, 129)):
            pane.run("clear")
            self.top(pane)
            os.kill(pane.child(), number)
            screen = pane.wait_for(f"code {code}")
            self.assertNotIn("largest cause", screen)
            pane.run("clear; stty -a | md5sum")
            pane.wait_for(modes)

    def test_it_can_be_stopped_and_goes_on(self):
        self.watch()
        pane = self.pane()
        self.top(pane)
        pane.press("C-z")
        screen = pane.wait_for("Stopped")
        self.assertNotIn("largest cause", screen)
        pane.resize(90, 20)
        pane.run("fg; echo code $?")
        pane.wait_for(lambda text: len(text.splitlines()) == 20 and "Stopped" not in text and SPIKE.search(text))
        self.end(pane)

    def test_it_works_without_colours(self):
        self.watch()
        for prefix in ("TERM=vt100", "NO_COLOR=1"):
            pane = self.pane()
            self.top(pane, prefix)
            self.assertIsNone(COLOUR.search(pane.screen(escapes=True)), prefix)
            self.assertIn("\x1b[7m", pane.screen(escapes=True))  # what is selected is in reverse
            self.assertRegex(pane.screen(), r"(?m)^>\d\d:\d\d:\d\d")  # and bears a sign
            pane.press("Down")
            pane.press("Enter")
            pane.wait_for("where its time went")
            self.end(pane)
        pane = self.pane()
        self.top(pane)
        self.assertIsNotNone(COLOUR.search(pane.screen(escapes=True)), "with colours it has some")
        self.end(pane)

    def test_a_process_that_is_no_target_is_watched_for_as_long_as_it_runs(self):
        self.spinner.begin()
        pane = self.pane()
        self.top(pane, words=f"-p {self.spinner.pid}")
        self.assertIn(str(self.spinner.pid), self.hftmon("targets").stdout)
        self.end(pane)
        targets = json.loads(self.hftmon("targets", "--json").stdout)["targets"]
        self.assertEqual([t["pid"] for t in targets if t["state"] == "running"], [])

    def test_a_daemon_that_goes_away_is_told_and_found_again(self):
        self.daemon = Daemon(self.folder)
        self.addCleanup(lambda: self.daemon.end())
        self.spinner.begin()
        pane = self.pane()
        self.top(pane, words=f"-p {self.spinner.pid}")
        self.daemon.end(signal.SIGKILL)
        pane.wait_for("NO ANSWER, trying again")
        self.daemon = Daemon(self.folder)
        # Held anew: the session ended with the daemon that it was of.
        pane.wait_for(re.compile(r"^1 target  ", re.MULTILINE).search)
        pane.wait_for(lambda text: "NO ANSWER" not in text)
        self.end(pane)

    def test_one_page_needs_no_terminal(self):
        self.watch()
        run = self.hftmon("top", "--once", "--period", "500ms", "--width", "100", "--height", "30")
        self.assertIn(run.returncode, (0, 1), run.stderr)  # 1: this host lost records meanwhile
        self.assertEqual(len(run.stdout.splitlines()), 30)
        self.assertIn("spinner", rows(run.stdout))
        self.assertIsNotNone(SPIKE.search(run.stdout), run.stdout)
        refused = self.hftmon("top")
        self.assertEqual(refused.returncode, 3)
        self.assertIn("use --once", refused.stderr)


if __name__ == "__main__":
    python_cases.main("top_test")
