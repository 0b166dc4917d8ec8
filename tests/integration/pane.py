"""A shell in a terminal that the test sees and types into: one window of a tmux server of its own."""

import os
import pathlib
import select
import subprocess
import time
import uuid

import host

CONFIGURATION = """set -g status off
set -g default-terminal screen-256color
set -s escape-time 0
"""
PROMPT = "ready>"


class Pane:
    def __init__(self, folder, width, height, environment=None):
        """`folder`: for its socket and files. `environment`: of the shell, beside a UTF-8 locale."""
        self._tmux = [host.need_tool("tmux", "tmux"), "-u", "-L", f"hftmon-{uuid.uuid4().hex[:8]}"]
        self._environment = {"PATH": os.environ["PATH"], "TMUX_TMPDIR": str(folder), "LC_ALL": "C.UTF-8", "HISTFILE": "", **(environment or {})}
        profile = pathlib.Path(folder) / "profile"
        profile.write_text(f"PS1='{PROMPT}'\n", encoding="utf-8")
        configuration = pathlib.Path(folder) / "tmux.conf"
        configuration.write_text(CONFIGURATION, encoding="utf-8")
        # Whatever the terminal is sent comes here too, after tmux has taken it in: something to await, whatever it is.
        fifo = str(pathlib.Path(folder) / f"output-{uuid.uuid4().hex[:8]}")
        os.mkfifo(fifo)
        self._output = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self._keep_open = os.open(fifo, os.O_WRONLY)
        self._call("-f", str(configuration), "new-session", "-d", "-x", str(width), "-y", str(height), f"exec bash --rcfile {profile} -i")
        try:
            self._call("pipe-pane", f"exec cat >'{fifo}'")
            self.wait_for(PROMPT)
        except BaseException:
            self.close()
            raise

    def close(self):
        subprocess.run([*self._tmux, "kill-server"], env=self._environment, capture_output=True, check=False)
        os.close(self._output)
        os.close(self._keep_open)

    def _call(self, *arguments):
        run = subprocess.run([*self._tmux, *arguments], env=self._environment, capture_output=True, text=True, check=False, timeout=host.PATIENCE_S)
        assert run.returncode == 0, f"tmux {' '.join(arguments)}: {run.stderr}"
        return run.stdout

    def screen(self, escapes=False):
        """Its lines as they stand; with `escapes` those that make colours and attributes are in it."""
        return self._call("capture-pane", "-p", *(["-e"] if escapes else []))

    def type(self, text):
        self._call("send-keys", "-l", text)

    def press(self, *names):
        self._call("send-keys", *names)

    def run(self, command):
        self.type(command)
        self.press("Enter")

    def child(self):
        """The process that its shell runs now."""
        shell = self._call("display-message", "-p", "#{pane_pid}").strip()
        children = pathlib.Path(f"/proc/{shell}/task/{shell}/children").read_text(encoding="ascii").split()
        assert len(children) == 1, children
        return int(children[0])

    def resize(self, width, height):
        self._call("resize-window", "-x", str(width), "-y", str(height))

    def wait_for(self, wanted):
        """Until a text is on the screen, or a function of the screen's text says so; returns that text."""
        is_so = wanted if callable(wanted) else lambda text: wanted in text
        deadline = time.monotonic() + host.PATIENCE_S
        while True:
            screen = self.screen()
            if is_so(screen):
                return screen
            left = deadline - time.monotonic()
            assert left > 0, f"not seen within {host.PATIENCE_S} s: {wanted}; the screen:\n{screen}"
            if select.select([self._output], [], [], left)[0]:
                os.read(self._output, 1 << 20)
