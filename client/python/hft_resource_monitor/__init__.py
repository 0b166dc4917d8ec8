"""hft_resource_monitor: cache behaviour, context switches, memory placement, latency spikes and scheduling of live processes, over hftmon.

    with HFTResourceMonitor() as monitor:
        monitor.attach_process(4711, track_cache=True)
        monitor.start_monitoring()
        ...
        spikes = monitor.detect_latency_spikes(threshold_us=50)

Times and durations are microseconds here (floats: nothing is rounded away); event times are CLOCK_MONOTONIC. What the host cannot measure
is None, and beside it stands why.
"""

from hft_resource_monitor.configuration import MonitorConfiguration, Placement
from hft_resource_monitor.exceptions import (
    ConfigurationError,
    DaemonUnavailableError,
    HFTMonitorError,
    InsufficientPrivilegesError,
    MonitoringStateError,
    ProcessNotFoundError,
    QueryError,
)
from hft_resource_monitor.metrics import (
    CacheMetrics,
    CacheRate,
    ContextSwitchEvent,
    ContextSwitchMetrics,
    Durations,
    LatencySpike,
    LatencySpikes,
    SpikeCause,
    ThreadCacheMetrics,
    ThreadContextSwitches,
    ThreadSchedulingInfo,
    TimeWindow,
)
from hft_resource_monitor.monitor import HFTResourceMonitor
from hft_resource_monitor.numa_metrics import HeatMapRow, MappingPlacement, NodeMemory, NumaStats, ProcessMemory

__all__ = [
    "CacheMetrics", "CacheRate", "ConfigurationError", "ContextSwitchEvent", "ContextSwitchMetrics", "DaemonUnavailableError", "Durations",
    "HFTMonitorError", "HFTResourceMonitor", "HeatMapRow", "InsufficientPrivilegesError", "LatencySpike", "LatencySpikes",
    "MappingPlacement",
    "MonitorConfiguration", "MonitoringStateError", "NodeMemory", "NumaStats", "Placement", "ProcessMemory", "ProcessNotFoundError",
    "QueryError",
    "SpikeCause", "ThreadCacheMetrics", "ThreadContextSwitches", "ThreadSchedulingInfo", "TimeWindow",
]
