"""HFTResourceMonitor: watches processes from Python, with a hftmond that runs or with one of its own.

Threads: one at a time. Watched are the processes that were attached here, and no others of the daemon's. What one question needs that was
not recorded until then (lower thresholds, stacks) is asked of the daemon from that question on, and the answer says what is missing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterable, List, Optional, Tuple, Union

import hftmon
from hft_resource_monitor import answers
from hft_resource_monitor.attached_process import THRESHOLD_NS_MIN, AttachedProcess
from hft_resource_monitor.configuration import MonitorConfiguration, Placement, make_configuration
from hft_resource_monitor.daemon_choice import MonitorDaemon
from hft_resource_monitor.exceptions import ConfigurationError, MonitoringStateError, ProcessNotFoundError, from_hftmon
from hft_resource_monitor.metrics import CacheMetrics, ContextSwitchMetrics, LatencySpikes, ThreadSchedulingInfo
from hft_resource_monitor.numa_answers import numa_stats
from hft_resource_monitor.numa_metrics import NumaStats
from hftmon import messages

PERCENTILES = (50.0, 95.0, 99.0)
CACHE_PERCENTILES = (1.0, 50.0, 99.0)
JITTER_PERCENTILES = (50.0, 99.0, 99.9)
RESOLUTIONS = {"node": messages.HeatMapResolution.NODE, "page": messages.HeatMapResolution.PAGE,
               "cache_line": messages.HeatMapResolution.CACHE_LINE}
_NO_NUMA = "attached without track_numa=True: looking at a process costs it something"
_NO_CACHE = "attached without track_cache=True"


class HFTResourceMonitor:
    """`address`: the daemon to use, and no other. Without: HFTMON_SERVER, else the packaged service, else a private daemon, which ends with
    this object. `private`: True a private one in any case, False none. `hftmond`: the program of a private one."""

    def __init__(self, address: Optional[str] = None, *, private: Optional[bool] = None, hftmond: Optional[str] = None,
                 deadline_s: float = 5.0) -> None:
        self._choice = {"address": address, "private": private, "hftmond": hftmond, "deadline_s": deadline_s}
        self._configuration = MonitorConfiguration()
        self._processes: Dict[int, AttachedProcess] = {}
        self._daemon: Optional[MonitorDaemon] = None

    def configure(self, sampling_interval_us: Optional[float] = None, cpu_affinity: Union[None, int, Iterable[int]] = None,
                  realtime_priority: Optional[int] = None) -> None:
        """Before start_monitoring(); what is not given has its default. The interval is that of the processes attached here. Affinity and
        priority are the monitor's own: of a private daemon they are set and read back (`placement`); of a shared one start_monitoring()
        raises ConfigurationError where it is not so already, with the setting that its operator may change."""
        if self._daemon is not None:
            raise MonitoringStateError("monitoring runs: call configure() before start_monitoring(), or after stop_monitoring()")
        self._configuration = make_configuration(sampling_interval_us, cpu_affinity, realtime_priority)

    def attach_process(self, pid: int, track_cache: bool = False, track_numa: bool = False, *, track_jitter: bool = False,
                       spike_threshold_us: float = 0, blocked_threshold_us: float = 0) -> None:
        """Before or after start_monitoring(), any number of processes; threads and children follow. `track_cache` opens counters, where the
        host has them; `track_numa` lets get_numa_stats() look at its memory; `track_jitter` records its sleeps from 20 us on, some 0.2 us
        each. ProcessNotFoundError: there is none."""
        if isinstance(pid, bool) or not isinstance(pid, int) or pid < 1:
            raise ProcessNotFoundError(f"pid is {pid!r}: give the number of a process")
        process = AttachedProcess(pid, track_cache, track_numa, track_jitter, _threshold_ns("spike_threshold_us", spike_threshold_us),
                                  _threshold_ns("blocked_threshold_us", blocked_threshold_us))
        if self._daemon is not None:
            process = self._attach(self._daemon, process)
        self._processes[pid] = process

    def detach_process(self, pid: int) -> None:
        """Watches it no longer; what was recorded of it cannot be asked for any more, unless others watch it."""
        self._own([pid])
        if self._daemon is not None:
            self._call(self._daemon.client.detach, pids=[pid])
        del self._processes[pid]

    @property
    def attached_pids(self) -> Tuple[int, ...]:
        return tuple(self._processes)

    def start_monitoring(self) -> None:
        """Finds or starts the daemon (2 to 10 s) and attaches the processes. When one cannot be, monitoring has not begun."""
        if self._daemon is not None:
            raise MonitoringStateError("monitoring runs already: call stop_monitoring() first")
        daemon = MonitorDaemon(self._configuration, **self._choice)  # type: ignore[arg-type]
        try:
            attached = {pid: self._attach(daemon, process) for pid, process in self._processes.items()}
        except BaseException:
            daemon.close()
            raise
        self._daemon, self._processes = daemon, attached

    def stop_monitoring(self) -> None:
        """Ends what this monitor asked for, and a private daemon. The processes stay known: start_monitoring() attaches them anew."""
        daemon, self._daemon = self._running(), None
        daemon.close()

    @property
    def monitoring(self) -> bool:
        return self._daemon is not None

    @property
    def client(self) -> hftmon.Client:
        """The connection, for whatever else the daemon answers."""
        return self._running().client

    @property
    def placement(self) -> Placement:
        """Where and how the daemon's loop runs."""
        return self._running().placement

    def __enter__(self) -> HFTResourceMonitor:
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._daemon is not None:
            self.stop_monitoring()

    def get_cache_metrics(self, time_window_us: float = 0, percentiles: Iterable[float] = CACHE_PERCENTILES, *,
                          pids: Optional[Iterable[int]] = None) -> CacheMetrics:
        """Hit rates and misses of the window that ends now (0: all that is kept). Of a hit rate the bad end is percentile 1."""
        chosen = self._own(pids)
        answer = self._ask("query_cache", pids=chosen, window_ns=_ns(time_window_us), percentiles=tuple(percentiles))
        processes = [self._processes[pid] for pid in chosen]
        refusals = {one.pid: one.cache_refusal or _NO_CACHE for one in processes if one.cache_refusal or not one.track_cache}
        return answers.cache_metrics(answer, refusals)

    def get_context_switches(self, include_stack_trace: bool = False, min_duration_us: float = 0, *, time_window_us: float = 0,
                             percentiles: Iterable[float] = PERCENTILES, max_events: int = 1000,
                             pids: Optional[Iterable[int]] = None) -> ContextSwitchMetrics:
        """Counts (exact) and latencies by thread; with `min_duration_us` also each off-CPU interval at least that long, with
        `include_stack_trace` where the thread was meanwhile (about 25 us of each such interval, and a copy of 2 KiB at each switch)."""
        chosen = self._own(pids)
        wanted_ns = _threshold_ns("min_duration_us", min_duration_us)
        asked_stacks = include_stack_trace and self._require(chosen, stacks=True)
        answer = self._ask("query_context_switches", pids=chosen, window_ns=_ns(time_window_us), percentiles=tuple(percentiles),
                           min_duration_ns=wanted_ns or (THRESHOLD_NS_MIN if include_stack_trace else 0), max_events=max_events)
        notes = []
        if wanted_ns and (answer.events_floor_ns is None or answer.events_floor_ns > wanted_ns):
            notes = self._note(self._require(chosen, blocked_threshold_ns=wanted_ns))
        stack_note = ""
        if include_stack_trace:
            stack_note = ("they are taken from now on, of intervals above the thresholds" if asked_stacks else
                          "none was taken of it, it is not unwound yet, or no longer kept (the latest 1,024 are)")
        return answers.context_switches(answer, notes, stack_note)

    def get_numa_stats(self, include_heatmap: bool = False, resolution: str = "node", *, exact: bool = False,
                       pids: Optional[Iterable[int]] = None) -> NumaStats:
        """On which nodes the memory of the processes attached with track_numa lies; `resolution` of the heat map: node, page,
        cache_line."""
        if resolution not in RESOLUTIONS:
            raise ConfigurationError(f"resolution is {resolution!r}: choose {', '.join(RESOLUTIONS)}")
        chosen = self._own(pids)
        looked_at = [pid for pid in chosen if self._processes[pid].track_numa]
        left_out = {pid: _NO_NUMA for pid in chosen if pid not in looked_at}
        if not looked_at:
            # No pid would mean every target of the daemon.
            return numa_stats(messages.QueryNumaResponse(unavailable=(messages.UnavailablePart("nodes", _NO_NUMA),)), include_heatmap,
                              left_out)
        wanted = RESOLUTIONS[resolution] if include_heatmap else messages.HeatMapResolution.UNSPECIFIED
        return numa_stats(self._ask("query_numa", pids=looked_at, resolution=wanted, exact=exact), include_heatmap, left_out)

    def detect_latency_spikes(self, threshold_us: float = 50, include_cause_analysis: bool = True, *, time_window_us: float = 0,
                              blocked_threshold_us: float = 0, max_spikes: int = 1000,
                              pids: Optional[Iterable[int]] = None) -> LatencySpikes:
        """Stalls above the threshold that ended in the window (0: all that are kept) or go on, each with its causes. Sleeps count only with
        `blocked_threshold_us`."""
        chosen = self._own(pids)
        threshold_ns = _threshold_ns("threshold_us", threshold_us)
        blocked_ns = _threshold_ns("blocked_threshold_us", blocked_threshold_us)
        answer = self._ask("detect_spikes", pids=chosen, window_ns=_ns(time_window_us), threshold_ns=threshold_ns,
                           blocked_threshold_ns=blocked_ns,
                           max_spikes=max_spikes)
        notes = []
        if threshold_ns and answer.floor_ns is not None and answer.floor_ns > threshold_ns:
            notes = self._note(self._require(chosen, spike_threshold_ns=threshold_ns))
        if blocked_ns:
            notes += self._note(self._require(chosen, blocked_threshold_ns=blocked_ns))
        return answers.latency_spikes(answer, include_cause_analysis, notes)

    def get_thread_scheduling_info(self, pid: int, *, time_window_us: float = 0, period_us: float = 0) -> List[ThreadSchedulingInfo]:
        """Its threads, by CPU time, largest first. Jitter is that of threads that wake up periodically, of processes attached with
        track_jitter; `period_us`: their period, where it is known."""
        self._own([pid])
        answer = self._ask("query_threads", pids=[pid], window_ns=_ns(time_window_us), period_ns=_ns(period_us),
                           percentiles=JITTER_PERCENTILES)
        return [answers.scheduling_info(one) for one in answer.threads]

    def _running(self) -> MonitorDaemon:
        if self._daemon is None:
            raise MonitoringStateError("monitoring does not run: call start_monitoring() first")
        return self._daemon

    def _own(self, pids: Optional[Iterable[int]]) -> List[int]:
        """Those, or all; each is attached here. Without one a question would be about every target of the daemon."""
        chosen = list(self._processes) if pids is None else list(pids)
        strange = [pid for pid in chosen if pid not in self._processes]
        if strange:
            names = ", ".join(map(str, strange))
            raise ProcessNotFoundError(f"process {names} is not attached to this monitor: call attach_process() first")
        if not chosen:
            raise MonitoringStateError("no process is attached to this monitor: call attach_process() first")
        return chosen

    def _ask(self, method: str, **fields: Any) -> Any:
        return self._call(getattr(self._running().client, method), **fields)

    @staticmethod
    def _call(method: Any, **fields: Any) -> Any:
        try:
            return method(**fields)
        except hftmon.HftmonError as error:
            raise from_hftmon(error) from error

    def _attach(self, daemon: MonitorDaemon, process: AttachedProcess) -> AttachedProcess:
        """As it could be attached: without counters where they are refused."""
        process = replace(process, cache_refusal="")
        interval_us = self._configuration.sampling_interval_us
        refusal: Optional[hftmon.HftmonError] = None
        if process.track_cache:
            try:
                daemon.client.attach(pids=[process.pid], options=process.options(interval_us))
                return process
            except (hftmon.FailedPreconditionError, hftmon.ResourceExhaustedError) as error:
                refusal = error
            except hftmon.HftmonError as error:
                raise from_hftmon(error) from error
            process = replace(process, cache_refusal=refusal.message)
        self._call(daemon.client.attach, pids=[process.pid], options=process.options(interval_us))
        return process

    def _require(self, pids: List[int], **needs: Any) -> List[int]:
        """Asks the daemon to record from now on what a question needs; the processes of which it did not until now."""
        daemon, changed = self._running(), []
        for pid in pids:
            before = self._processes[pid]
            after = before.asking(**needs)
            if after != before:
                self._processes[pid] = self._attach(daemon, after)
                changed.append(pid)
        return changed

    @staticmethod
    def _note(changed: List[int]) -> List[str]:
        return [f"intervals this short are recorded of process {', '.join(map(str, changed))} from now on only"] if changed else []


def _ns(value_us: float) -> int:
    return round(value_us * 1000)


def _threshold_ns(name: str, value_us: float) -> int:
    if isinstance(value_us, bool) or not isinstance(value_us, (int, float)) or value_us != 0 and not value_us * 1000 >= THRESHOLD_NS_MIN:
        raise ConfigurationError(f"{name} is {value_us!r}: choose 1 us or more, or 0 for the daemon's default")
    return _ns(value_us)
