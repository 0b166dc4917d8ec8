"""MonitorConfiguration: what configure() was told; and Placement: what of it is in force.

Pure but for the look at this process's own CPU mask. Nothing here is an effect: daemon_choice.py has those.
"""

from __future__ import annotations

import os
from typing import Iterable, NamedTuple, Optional, Tuple, Union

from hft_resource_monitor.exceptions import ConfigurationError

SAMPLING_INTERVAL_US_MIN = 100
SAMPLING_INTERVAL_US_MAX = 60_000_000
REALTIME_PRIORITY_MAX = 99


class MonitorConfiguration(NamedTuple):
    sampling_interval_us: Optional[float] = None  # None: the daemon's default
    cpu_affinity: Tuple[int, ...] = ()  # of the monitor itself; empty: where it may run now
    realtime_priority: int = 0  # of the monitor's own loop, SCHED_FIFO; 0: ordinary


class Placement(NamedTuple):
    """The monitor's loop, as it is."""

    private: bool  # a daemon of this monitor's own
    cpu: int  # the loop's
    allowed_cpus: Tuple[int, ...]  # where the private daemon may run; empty: not known, of a shared one
    scheduling: str  # "SCHED_FIFO priority 50", "SCHED_OTHER nice -20": as read back where it is private, else as the daemon says
    sampling_interval_us: Optional[float]  # as asked for; each target's own is in its list


def make_configuration(sampling_interval_us: Optional[float], cpu_affinity: Union[None, int, Iterable[int]],
                       realtime_priority: Optional[int]) -> MonitorConfiguration:
    """ConfigurationError names what is wrong and what is allowed."""
    return MonitorConfiguration(_interval(sampling_interval_us), _cpus(cpu_affinity), _priority(realtime_priority))


def _interval(value: Optional[float]) -> Optional[float]:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not SAMPLING_INTERVAL_US_MIN <= value <= SAMPLING_INTERVAL_US_MAX:
        raise ConfigurationError(f"sampling_interval_us is {value!r}: hftmond keeps buckets of {SAMPLING_INTERVAL_US_MIN} to "
                                 f"{SAMPLING_INTERVAL_US_MAX} us: choose one of these")
    return value


def _cpus(value: Union[None, int, Iterable[int]]) -> Tuple[int, ...]:
    if value is None:
        return ()
    numbers = (value,) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(numbers, (str, bytes, bool)) or not hasattr(numbers, "__iter__"):
        raise ConfigurationError(f"cpu_affinity is {value!r}: give numbers of CPUs, such as [2, 3]")
    cpus = tuple(sorted(set(numbers)))
    if any(isinstance(cpu, bool) or not isinstance(cpu, int) for cpu in cpus):
        raise ConfigurationError(f"cpu_affinity is {value!r}: give numbers of CPUs, such as [2, 3]")
    allowed = os.sched_getaffinity(0)
    missing = [cpu for cpu in cpus if cpu not in allowed]
    if missing:
        raise ConfigurationError(f"cpu_affinity names CPU {', '.join(map(str, missing))}: this process may run on "
                                 f"{', '.join(map(str, sorted(allowed)))} alone: choose of these")
    return cpus


def _priority(value: Optional[int]) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= REALTIME_PRIORITY_MAX:
        raise ConfigurationError(f"realtime_priority is {value!r}: choose 1 (lowest) to {REALTIME_PRIORITY_MAX}, or 0 for none")
    return value
