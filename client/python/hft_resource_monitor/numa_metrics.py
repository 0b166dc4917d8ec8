"""What get_numa_stats answers: memory nodes of the host, and where the memory of processes lies. Passive, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, NamedTuple, Optional, Tuple


@dataclass(frozen=True)
class NodeMemory:
    node: int
    cpus: Tuple[int, ...]
    memory_bytes: Optional[int]
    free_bytes: Optional[int]
    distances: Dict[int, int]  # to each node, by the firmware: 10 = itself; empty: not told


@dataclass(frozen=True)
class MappingPlacement:
    start: int
    end: int  # one past the last byte
    name: str
    kind: str
    sampled_pages: int  # looked at
    absent_pages: int  # of those: never touched, swapped out
    pages: Dict[int, int]  # by node, of those looked at
    shares: Dict[int, float]  # by node, 0 to 1, of those that are there
    exact: bool  # every page was looked at
    remote_share: Optional[float]  # on other nodes than its threads ran on; None: see ProcessMemory.unavailable["remote_share"]


class HeatMapCell(NamedTuple):
    node: Optional[int]  # where most of its pages are; of resolution node the column's; None: none was found
    pages: int
    sampled_pages: int


@dataclass(frozen=True)
class HeatMapRow:
    """A mapping, cut into 64 columns (page) or a column for each node (node)."""

    start: int
    end: int
    name: str
    cells: Tuple[HeatMapCell, ...]


@dataclass(frozen=True)
class ProcessMemory:
    """`reason` says why it was not looked at; then there is nothing else."""

    pid: int
    comm: str
    reason: str
    mappings: Tuple[MappingPlacement, ...]
    heat_map: Optional[Tuple[HeatMapRow, ...]]
    heat_map_reason: str  # why there is none
    remote_access_share: Optional[float]  # of its accesses to memory, counted by the processor
    remote_access_reason: str
    unavailable: Dict[str, str]

    @property
    def pages_by_node(self) -> Dict[int, int]:
        """Of the pages that were looked at."""
        sums: Dict[int, int] = {}
        for mapping in self.mappings:
            for node, pages in mapping.pages.items():
                sums[node] = sums.get(node, 0) + pages
        return sums


@dataclass(frozen=True)
class NumaStats:
    nodes: Tuple[NodeMemory, ...]
    processes: Tuple[ProcessMemory, ...]
    unavailable: Dict[str, str]  # by what, why; of the whole answer
