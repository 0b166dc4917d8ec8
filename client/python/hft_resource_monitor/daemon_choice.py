"""MonitorDaemon: the hftmond that a monitor uses, one that runs or one of its own, and what of its placement the monitor may choose.

Owner: one HFTResourceMonitor. The connection and a private daemon end with close().
"""

from __future__ import annotations

import os
from typing import List, Optional, Tuple

import hftmon
from hft_resource_monitor.configuration import MonitorConfiguration, Placement
from hft_resource_monitor.exceptions import (
    ConfigurationError,
    DaemonUnavailableError,
    HFTMonitorError,
    InsufficientPrivilegesError,
    from_hftmon,
)
from hftmon.address import connect_error, default_address, parse_address

LOOP_THREAD_NAME = "hftmon_loop"
SHARED_FIFO_PRIORITY = 10  # the one that hftmond gives its loop itself
CONFIG_FILE = "/etc/hftmon/hftmond.conf"


def somebody_listens(address: str) -> bool:
    """Of a Unix socket: whether it accepts. Of TCP True: the first call tells."""
    path = parse_address(address).socket_path
    return not path or connect_error(path) == 0


class MonitorDaemon:
    """`address`: that daemon and no other. `private`: True one of its own, False none, None one of its own if none runs at `address`'
    default."""

    def __init__(self, configuration: MonitorConfiguration, *, address: Optional[str] = None, private: Optional[bool] = None,
                 hftmond: Optional[str] = None, deadline_s: float = 5.0) -> None:
        self._configuration = configuration
        self._private: Optional[hftmon.PrivateDaemon] = None
        named = address or default_address()
        if address and private:
            raise ConfigurationError(f"address is {address} and private is True: a daemon of its own has its own address: leave one out")
        if private or (private is None and address is None and "HFTMON_SERVER" not in os.environ and not somebody_listens(named)):
            self._private = self._start(hftmond)
            named = self._private.address
        try:
            self.client = hftmon.Client(named, deadline_s=deadline_s)
            self.placement = self._place()
        except BaseException:
            self.close()
            raise

    @property
    def private(self) -> bool:
        return self._private is not None

    @property
    def pid(self) -> Optional[int]:
        """Of the private one."""
        return self._private.pid if self._private is not None else None

    def close(self) -> None:
        client, self.client = getattr(self, "client", None), None
        if client is not None:
            client.close()
        if self._private is not None:
            self._private.stop()

    def _start(self, hftmond: Optional[str]) -> hftmon.PrivateDaemon:
        arguments: List[str] = []
        if self._configuration.sampling_interval_us is not None:
            arguments += ["--sampling-interval", f"{round(self._configuration.sampling_interval_us * 1000)}ns"]
        if self._configuration.realtime_priority:
            arguments += ["--scheduling", "fifo"]
        try:
            return hftmon.PrivateDaemon(hftmond, arguments=arguments, cpus=self._configuration.cpu_affinity).start()
        except hftmon.PermissionDeniedError as error:
            raise InsufficientPrivilegesError(error.message, mend=error.mend) from error
        except hftmon.HftmonError as error:
            raise DaemonUnavailableError(f"no hftmond runs, and none could be started: {error.message}", mend=error.mend) from error

    def _place(self) -> Placement:
        try:
            status = self.client.get_status()
        except hftmon.HftmonError as error:
            raise from_hftmon(error) from error
        if self._private is None:
            return self._shared_placement(status)
        cpus, scheduling = place_loop(self._private.pid, self._configuration.realtime_priority)
        return Placement(True, status.loop.cpu, cpus, scheduling or status.loop.scheduling, self._configuration.sampling_interval_us)

    def _shared_placement(self, status: hftmon.messages.GetStatusResponse) -> Placement:
        """What a daemon that others use too already has may be asked for; what it has not, an operator changes, and no call does."""
        loop, wanted = status.loop, self._configuration
        if wanted.cpu_affinity and loop.cpu not in wanted.cpu_affinity:
            raise ConfigurationError(
                f"cpu_affinity is {list(wanted.cpu_affinity)} and the loop of the shared daemon at {self.client.address} is on CPU "
                f"{loop.cpu}: its operator sets `cpu: {wanted.cpu_affinity[0]}` in {_config_file(status)} and restarts it; or use a "
                "daemon of your own (private=True)")
        if wanted.realtime_priority and loop.scheduling != _fifo(wanted.realtime_priority):
            loop = self._ask_for_fifo(status)
        return Placement(False, loop.cpu, (), loop.scheduling, wanted.sampling_interval_us)

    def _ask_for_fifo(self, status: hftmon.messages.GetStatusResponse) -> hftmon.messages.LoopStatus:
        """An operator's call: it changes the loop for everybody, and stays when this monitor ends. There is one priority that it can
        give."""
        wanted = self._configuration.realtime_priority
        if wanted != SHARED_FIFO_PRIORITY:
            raise ConfigurationError(
                f"realtime_priority is {wanted} and the loop of the shared daemon at {self.client.address} is {status.loop.scheduling}: "
                f"`scheduling: \"fifo\"` in {_config_file(status)} makes it {_fifo(SHARED_FIFO_PRIORITY)}, and there is no other: ask for "
                f"{SHARED_FIFO_PRIORITY}, or use a daemon of your own (private=True)")
        try:
            self.client.set_mode(mode=status.operation.asked_mode, scheduling="fifo")
            loop = self.client.get_status().loop
        except hftmon.HftmonError as error:
            raise from_hftmon(error) from error
        if loop.scheduling != _fifo(wanted):
            raise ConfigurationError(f"realtime_priority is {wanted}, and the loop of the shared daemon at {self.client.address} could not "
                                     f"be made real time: it is {loop.scheduling}")
        return loop


def _config_file(status: hftmon.messages.GetStatusResponse) -> str:
    return status.config.path if status.config is not None and status.config.path else CONFIG_FILE


def _fifo(priority: int) -> str:
    """As the daemon words it."""
    return f"SCHED_FIFO priority {priority}"


def place_loop(pid: int, realtime_priority: int) -> Tuple[Tuple[int, ...], str]:
    """Gives the loop of the private daemon `pid` its priority; the CPUs that it may use and the scheduling, both as read back. hftmond
    itself knows one priority of SCHED_FIFO. ConfigurationError: it did not become what was asked for."""
    cpus = tuple(sorted(os.sched_getaffinity(pid)))
    tid = loop_thread(pid)
    if not realtime_priority:
        return cpus, ""
    try:
        if os.sched_getscheduler(tid) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO:
            os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(realtime_priority))
    except PermissionError as error:
        raise InsufficientPrivilegesError(f"realtime_priority is {realtime_priority}: it takes CAP_SYS_NICE or RLIMIT_RTPRIO: run as root",
                                          mend="run as root") from error
    policy, priority = os.sched_getscheduler(tid) & ~os.SCHED_RESET_ON_FORK, os.sched_getparam(tid).sched_priority
    if policy != os.SCHED_FIFO or priority != realtime_priority:
        raise ConfigurationError(f"realtime_priority is {realtime_priority}, but the daemon's loop has policy {policy}, priority "
                                 f"{priority}: a group of the cgroup cpu controller without real-time time refuses it: see "
                                 "cpu.rt_runtime_us")
    return cpus, _fifo(priority)


def loop_thread(pid: int) -> int:
    """The tid of a daemon's housekeeping loop."""
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8", errors="replace") as file:
                if file.read().strip() == LOOP_THREAD_NAME:
                    return int(tid)
        except FileNotFoundError:  # it ended meanwhile
            continue
    raise HFTMonitorError(f"process {pid} has no thread {LOOP_THREAD_NAME}: it is another release of hftmond: use its own package")
