"""How late the daemon's loop is, as it says itself, over spikes that come meanwhile: compared before and after an event, never with a time."""

import machine

ACCOUNTS = 3
SPIKES = 20
# An emulated CPU on a host with other work is this unsteady; a loop that hangs or spins on another thread's CPU is later by far more.
TOLERANCE = 4


def best_mean_ns(daemon, stream):
    """The best of some accounts' means."""
    means = []
    mode = daemon.status()["operation"]["mode"]
    for _ in range(ACCOUNTS):
        # Another mode begins a new account, and the one of before another.
        for name in ("economy", mode):
            daemon.ask("mode", name)
        seen = len(stream.read())
        machine.await_that(lambda seen=seen: len(stream.read()) >= seen + SPIKES, f"{SPIKES} more spikes come")
        late = daemon.status()["loop"]["lateness"]
        means.append(late["sum_ns"] // late["count"])
    return min(means)
