"""AttachedProcess: what a monitor asks of the daemon for one process. Options only grow: what one question needed stays for the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Tuple

from hftmon import messages

JITTER_BLOCKED_NS = 20_000  # sleeps from there on are recorded, of which lateness is made
THRESHOLD_NS_MIN = 1000  # of the daemon


def lower(one_ns: int, other_ns: int) -> int:
    """The lower of two thresholds, of which 0 is none."""
    return min(one_ns, other_ns) if one_ns and other_ns else one_ns or other_ns


@dataclass(frozen=True)
class AttachedProcess:
    pid: int
    track_cache: bool = False
    track_numa: bool = False
    track_jitter: bool = False
    spike_threshold_ns: int = 0  # 0: the daemon's default
    blocked_threshold_ns: int = 0  # 0: none
    stacks: bool = False
    cache_refusal: str = ""  # why its counters are not read, though track_cache

    def options(self, sampling_interval_us: Optional[float]) -> messages.TargetOptions:
        jitter_ns = JITTER_BLOCKED_NS if self.track_jitter else 0
        groups: Tuple[str, ...] = ("locks",) if self.track_jitter else ()
        return messages.TargetOptions(
            spike_threshold_ns=self.spike_threshold_ns, blocked_threshold_ns=lower(self.blocked_threshold_ns, jitter_ns),
            sampling_interval_ns=round((sampling_interval_us or 0) * 1000), probe_groups=groups,
            cache=self.track_cache and not self.cache_refusal,
            stacks=messages.StackChoice.BOTH if self.stacks else messages.StackChoice.UNSPECIFIED)

    def asking(self, *, spike_threshold_ns: int = 0, blocked_threshold_ns: int = 0, stacks: bool = False) -> AttachedProcess:
        """The same with what a question needs: itself where it has that already."""
        return replace(self, spike_threshold_ns=lower(self.spike_threshold_ns, spike_threshold_ns),
                       blocked_threshold_ns=lower(self.blocked_threshold_ns, blocked_threshold_ns), stacks=self.stacks or stacks)
