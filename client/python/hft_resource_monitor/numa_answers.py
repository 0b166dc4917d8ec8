"""QueryNuma's answer as NumaStats: pure functions."""

from __future__ import annotations

from typing import Dict, Iterable, Optional, Tuple

from hft_resource_monitor.answers import unavailable_parts
from hft_resource_monitor.numa_metrics import HeatMapCell, HeatMapRow, MappingPlacement, NodeMemory, NumaStats, ProcessMemory
from hftmon import messages

_NOT_COUNTED = "its accesses to memory are not counted"


def numa_stats(answer: messages.QueryNumaResponse, include_heat_map: bool, not_looked_at: Dict[int, str]) -> NumaStats:
    """`not_looked_at`: pid → why this monitor did not ask for it."""
    whole = unavailable_parts(answer.unavailable)
    processes = [process_memory(one, include_heat_map, whole) for one in answer.processes]
    processes += [ProcessMemory(pid, "", reason, (), None, reason, None, reason, {}) for pid, reason in sorted(not_looked_at.items())]
    return NumaStats(tuple(node_memory(one) for one in answer.nodes), tuple(processes), whole)


def node_memory(one: messages.NumaNode) -> NodeMemory:
    return NodeMemory(one.node, one.cpus, one.memory_bytes, one.free_bytes, {far.node: far.distance for far in one.distances})


def process_memory(one: messages.ProcessPlacement, include_heat_map: bool, whole: Dict[str, str]) -> ProcessMemory:
    unavailable = {**whole, **unavailable_parts(one.unavailable)}
    rows, rows_reason = _heat_map(one.heat_map, include_heat_map, unavailable)
    accesses = one.accesses
    return ProcessMemory(
        pid=one.pid, comm=one.comm, reason=one.error, mappings=tuple(_mapping(each) for each in one.mappings), heat_map=rows,
        heat_map_reason=one.error or rows_reason, remote_access_share=None if accesses is None else accesses.remote_share,
        remote_access_reason="" if accesses is not None else unavailable.get("accesses") or one.error or _NOT_COUNTED,
        unavailable=unavailable)


def _mapping(one: messages.MappingPlacement) -> MappingPlacement:
    return MappingPlacement(one.start, one.end, one.name, one.kind, one.sampled_count, one.absent_count,
                            {each.node: each.pages for each in one.nodes},
                            {each.node: each.share for each in one.nodes}, one.exact, one.remote_share)


def _heat_map(heat_map: Optional[messages.HeatMap], wanted: bool, unavailable: Dict[str, str]) -> Tuple[Optional[Tuple[HeatMapRow, ...]],
                                                                                                        str]:
    if not wanted:
        return None, "not asked for: include_heatmap=True has it"
    if heat_map is None:
        return None, unavailable.get("heat_map") or "no page of it was found on a node"
    nodes = heat_map.column_nodes
    return tuple(HeatMapRow(row.start, row.end, row.name,
                            tuple(_cells(row.cells, nodes))) for row in heat_map.rows), unavailable.get("heat_map", "")


def _cells(cells: Iterable[messages.HeatCell], column_nodes: Tuple[int, ...]) -> Iterable[HeatMapCell]:
    for index, cell in enumerate(cells):
        node = column_nodes[index] if column_nodes and index < len(column_nodes) else cell.node
        yield HeatMapCell(node, cell.pages, cell.sampled_count)
