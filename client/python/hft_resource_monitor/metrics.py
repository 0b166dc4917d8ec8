"""What HFTResourceMonitor answers: passive frozen dataclasses, in microseconds.

Every answer says what time it covers, and what is missing. None is "cannot be told", and a `reason` beside it says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple

from hft_resource_monitor.rate_formula import evaluate


@dataclass(frozen=True)
class TimeWindow:
    """The true edges of what was used, CLOCK_MONOTONIC."""

    begin_us: float
    end_us: float
    truncated: bool  # a part of what was asked for is older than what is kept, or than the attachment
    late: bool  # the newest part is missing: the daemon's loop is stuck or starved
    off_us: float  # of it the programs were off

    @property
    def length_us(self) -> float:
        return self.end_us - self.begin_us


@dataclass(frozen=True)
class Durations:
    """`percentiles`: percent → us, those of which there are enough samples."""

    count: int
    sum_us: float
    max_us: Optional[float]
    percentiles: Dict[float, float] = field(default_factory=dict)

    @property
    def mean_us(self) -> Optional[float]:
        return self.sum_us / self.count if self.count else None


@dataclass(frozen=True)
class CacheRate:
    """`mean` over the window; percentiles over the time on a CPU. Of a hit ratio the bad end is the low one."""

    mean: float
    lowest: float
    highest: float
    unit: str  # ratio (0 to 1), per_cycle, per_1000_instructions, per_second
    percentiles: Dict[float, float] = field(default_factory=dict)
    estimated: bool = False  # the events took turns on the counters
    doubtful: bool = False


class CacheRates:
    """The usual rates by name, of whatever has rate(name)."""

    def rate(self, name: str) -> Optional[float]:
        raise NotImplementedError

    @property
    def l1_hit_rate(self) -> Optional[float]:
        return self.rate("l1d_hit_ratio")

    @property
    def l2_hit_rate(self) -> Optional[float]:
        return self.rate("l2_hit_ratio")

    @property
    def l3_hit_rate(self) -> Optional[float]:
        return self.rate("l3_hit_ratio")

    @property
    def tlb_misses_per_1000_instructions(self) -> Optional[float]:
        return self.rate("dtlb_mpki")

    @property
    def instructions_per_cycle(self) -> Optional[float]:
        return self.rate("instructions_per_cycle")


@dataclass(frozen=True)
class ThreadCacheMetrics(CacheRates):
    pid: int
    tid: int
    comm: str
    available: bool
    reason: str  # why not
    on_cpu_us: float
    rates: Dict[str, CacheRate]
    counters: Dict[str, float]  # in the window

    def rate(self, name: str) -> Optional[float]:
        """The mean of a rate by the daemon's name; None where it is not told."""
        found = self.rates.get(name)
        return found.mean if found is not None else None


@dataclass(frozen=True)
class CacheMetrics(CacheRates):
    """`unavailable`: by metric, why there is none. Rates of all threads together are those of their summed counters."""

    window: TimeWindow
    available: bool
    reason: str  # why not, and the mend
    threads: Tuple[ThreadCacheMetrics, ...]
    formulas: Dict[str, str]  # what the rates are made of
    unavailable: Dict[str, str]
    lost_spans: int

    def rate(self, name: str) -> Optional[float]:
        """Of all threads together; None where it cannot be told."""
        if name not in self.formulas:
            return None
        sums: Dict[str, float] = {}
        for thread in self.threads:
            for counter, value in thread.counters.items():
                sums[counter] = sums.get(counter, 0.0) + value
        return evaluate(self.formulas[name], sums)

    def why_unavailable(self, name: str) -> str:
        """Why rate(name) is None; empty where it is not."""
        if self.rate(name) is not None:
            return ""
        return self.unavailable.get(name) or self.reason or ("no thread ran in the window" if name in self.formulas else
                                                             f"what {name} is made of is not counted")


@dataclass(frozen=True)
class ThreadContextSwitches:
    pid: int
    tid: int
    comm: str
    voluntary: int
    involuntary: int
    migrations: int
    run_queue_latency: Durations  # waiting for a CPU
    off_cpu: Durations  # switch-out to switch-in
    kinds: Dict[str, int]  # by why it left its CPU

    @property
    def total(self) -> int:
        return self.voluntary + self.involuntary


@dataclass(frozen=True)
class ContextSwitchEvent:
    """One off-CPU interval, or one migration (no duration)."""

    pid: int
    tid: int
    comm: str
    start_us: float
    duration_us: Optional[float]  # None: it was not seen leaving its CPU, or a migration
    run_queue_us: float
    kind: str
    voluntary: bool
    syscall: str
    cpu_out: int
    cpu_in: int
    preemptor_tid: int  # 0: the idle task
    preemptor_comm: str
    stack: Optional[Tuple[str, ...]]  # innermost frame first, the kernel's frames before the program's
    stack_reason: str  # why there is none, or it is not whole


@dataclass(frozen=True)
class ContextSwitchMetrics:
    window: TimeWindow
    threads: Tuple[ThreadContextSwitches, ...]
    events: Tuple[ContextSwitchEvent, ...]  # newest last; empty unless min_duration_us was given
    incomplete: bool  # of events
    incomplete_reason: str
    lost_records: int

    @property
    def voluntary(self) -> int:
        return sum(thread.voluntary for thread in self.threads)

    @property
    def involuntary(self) -> int:
        return sum(thread.involuntary for thread in self.threads)

    @property
    def total(self) -> int:
        return self.voluntary + self.involuntary


@dataclass(frozen=True)
class SpikeCause:
    kind: str
    duration_us: float
    share: float  # of the spike, 0 to 1
    estimated: bool
    actor: str  # "matcher[4711/4712]", "eth0-rx", empty: nobody acted
    evidence: str


@dataclass(frozen=True)
class LatencySpike:
    """`causes` (where asked for, else None) and `unexplained_us` sum to `duration_us`."""

    id: int
    pid: int
    tid: int
    comm: str
    cpu: int
    start_us: float
    duration_us: float
    kind: str
    in_progress: bool
    inconclusive: bool
    inconclusive_reason: str
    causes: Optional[Tuple[SpikeCause, ...]]
    unexplained_us: Optional[float]


@dataclass(frozen=True)
class LatencySpikes:
    window: TimeWindow
    spikes: Tuple[LatencySpike, ...]  # newest last
    incomplete: bool
    incomplete_reason: str
    lost_records: int

    def __len__(self) -> int:
        return len(self.spikes)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.spikes)


@dataclass(frozen=True)
class ThreadSchedulingInfo:
    """`priority` is the kernel's as in effect (0 to 139, lower is more urgent; -1 deadline); None where the thread ended before it was
    read."""

    pid: int
    tid: int
    comm: str
    alive: bool
    policy: Optional[str]
    priority: Optional[int]
    nice: Optional[int]
    realtime_priority: Optional[int]
    cpus_allowed: Optional[str]
    cpu_time_us: float
    run_queue_wait_us: float
    blocked_us: float
    interrupted_us: float
    migrations: int
    # How late the thread woke up, at the 99th percentile, or at the most where fewer than 1,000 wake-ups are known. None: see the reason.
    scheduling_jitter_us: Optional[float]
    scheduling_jitter_is_maximum: bool
    scheduling_jitter_reason: str
    jitter: Optional[Durations]
    jitter_period_us: Optional[float]
