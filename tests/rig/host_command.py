"""run: a command on this host that has to work out; Unavailable is why it did not, and what helps."""

import subprocess


class Unavailable(Exception):
    """What cannot be had here, why, and what helps. A run that needs it is skipped, and says so."""


def run(*command, cwd=None, timeout_s=600, name=None):
    """Its standard output. Unavailable, with the command's last words, when it fails; `name` is what the reason then calls it."""
    called = name or " ".join(map(str, command))
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=timeout_s, stdin=subprocess.DEVNULL)
    except (subprocess.TimeoutExpired, OSError) as error:
        raise Unavailable(f"{called}: {error}") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-500:]
        raise Unavailable(f"{called} ended with {done.returncode}: {words}")
    return done.stdout
