"""Answers of hftmon as metrics of this module: pure functions, messages in, dataclasses out, nanoseconds to microseconds."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Tuple

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
from hftmon import messages

JITTER_PERCENT = 99.0


def us(value_ns: int) -> float:
    return value_ns / 1000


def maybe_us(value_ns: Optional[int]) -> Optional[float]:
    return None if value_ns is None else value_ns / 1000


def time_window(window: Optional[messages.Window]) -> TimeWindow:
    window = window or messages.Window()
    return TimeWindow(us(window.begin_monotonic_ns), us(window.end_monotonic_ns), window.truncated, window.late, us(window.off_ns))


def durations(statistics: Optional[messages.DurationStatistics]) -> Durations:
    if statistics is None:
        return Durations(0, 0.0, None)
    return Durations(statistics.count, us(statistics.sum_ns), maybe_us(statistics.max_ns),
                     {one.percent: us(one.value_ns) for one in statistics.percentiles})


def _thread(thread: Optional[messages.ThreadId]) -> messages.ThreadId:
    return thread or messages.ThreadId()


def unavailable_parts(parts: Iterable[messages.UnavailablePart]) -> Dict[str, str]:
    return {one.part: one.reason for one in parts}


def cache_metrics(answer: messages.QueryCacheResponse, refusals: Dict[int, str]) -> CacheMetrics:
    """`refusals`: pid → why nothing is counted of that process."""
    units = {rate.name: rate.unit for rate in answer.rates}
    reason = "; ".join(sorted({*refusals.values()})) or answer.reason
    return CacheMetrics(
        window=time_window(answer.window), available=answer.available, reason=reason,
        threads=tuple(_cache_thread(one, units, refusals) for one in answer.threads),
        formulas={rate.name: rate.formula for rate in answer.rates}, unavailable=unavailable_parts(answer.unavailable),
        lost_spans=answer.lost_span_count)


def _cache_thread(one: messages.ThreadCache, units: Dict[str, str], refusals: Dict[int, str]) -> ThreadCacheMetrics:
    thread = _thread(one.thread)
    rates = {rate.name: CacheRate(rate.mean, rate.lowest, rate.highest, units.get(rate.name, ""),
                                  {point.percent: point.value for point in rate.percentiles}, rate.estimated, rate.doubtful)
             for rate in one.rates}
    counters = {counter.name: counter.value for counter in one.counters if counter.value is not None}
    return ThreadCacheMetrics(thread.pid, thread.tid, thread.comm, one.available, one.reason or refusals.get(thread.pid, ""),
                              us(one.on_cpu_ns), rates,
                              counters)


def context_switches(answer: messages.QueryContextSwitchesResponse, notes: List[str], stack_note: str) -> ContextSwitchMetrics:
    """`notes`: what is done about missing events; `stack_note`: why an event without a stack may have none, empty: none was asked for."""
    reasons = list(notes)
    if answer.events_incomplete:
        if answer.events_floor_ns is None:
            reasons.append("in a part of the window none was recorded but after a wait for a CPU above the threshold")
        else:
            reasons.append(f"in a part of the window intervals below {us(answer.events_floor_ns):g} us were not recorded, or older ones "
                           "were overwritten")
    if answer.lost_records:
        reasons.append(f"{answer.lost_records} records were lost")
    if answer.unslotted_thread_count:
        reasons.append(f"{answer.unslotted_thread_count} threads found no place in the daemon's tables")
    return ContextSwitchMetrics(
        window=time_window(answer.window), threads=tuple(_switches(one) for one in answer.threads),
        events=tuple(_switch_event(one, stack_note) for one in answer.events), incomplete=bool(reasons),
        incomplete_reason="; ".join(reasons),
        lost_records=answer.lost_records)


def _switches(one: messages.ThreadSwitches) -> ThreadContextSwitches:
    thread = _thread(one.thread)
    return ThreadContextSwitches(thread.pid, thread.tid, thread.comm, one.voluntary_count, one.involuntary_count, one.migration_count,
                                 durations(one.run_queue_latency), durations(one.off_cpu), dict(one.kinds))


def _switch_event(one: messages.SwitchEvent, stack_note: str) -> ContextSwitchEvent:
    thread = _thread(one.thread)
    frames, reason = stack_frames(one.stack)
    return ContextSwitchEvent(
        thread.pid, thread.tid, thread.comm, us(one.start_monotonic_ns), maybe_us(one.duration_ns), us(one.run_queue_ns), one.kind,
        one.voluntary,
        one.syscall, one.cpu_out, one.cpu_in, one.preemptor_tid, one.preemptor_comm, frames,
        reason if one.stack is not None else stack_note or "not asked for: include_stack_trace=True has them")


def stack_frames(stack: Optional[messages.Stack]) -> Tuple[Optional[Tuple[str, ...]], str]:
    """symbol+0xoffset of each frame, and why some are missing."""
    if stack is None:
        return None, ""
    frames, reasons = [], []
    for name, part in (("kernel", stack.kernel), ("user", stack.user)):
        if part is None:
            continue
        frames += [_frame(one) for one in part.frames]
        if part.state != "complete":
            reasons.append(f"{name} frames are {part.state}: {part.reason}")
    return (tuple(frames) or None), "; ".join(reasons)


def _frame(frame: messages.StackFrame) -> str:
    if frame.symbol:
        return f"{frame.symbol}+{frame.symbol_offset:#x}"
    return f"{frame.module}+{frame.module_offset:#x}" if frame.module else f"{frame.address:#x}"


def latency_spikes(answer: messages.DetectSpikesResponse, include_causes: bool, notes: List[str]) -> LatencySpikes:
    reasons = list(notes)
    if answer.incomplete:
        floor = "" if answer.floor_ns is None else f"waits below {us(answer.floor_ns):g} us were not recorded in a part of the window, or "
        reasons.append(floor + "older spikes were overwritten")
    if answer.older_left_out:
        reasons.append("there are older ones beyond max_spikes")
    if answer.lost_records:
        reasons.append(f"{answer.lost_records} records were lost")
    if answer.unslotted_thread_count:
        reasons.append(f"{answer.unslotted_thread_count} threads found no place in the daemon's tables")
    return LatencySpikes(time_window(answer.window), tuple(spike(one, include_causes) for one in answer.spikes), bool(reasons),
                         "; ".join(reasons),
                         answer.lost_records)


def spike(one: messages.Spike, include_causes: bool) -> LatencySpike:
    thread = _thread(one.thread)
    causes = tuple(SpikeCause(cause.kind, us(cause.duration_ns), cause.share, cause.estimated, actor_text(cause.actor), cause.evidence)
                   for cause in one.causes)
    return LatencySpike(one.id, thread.pid, thread.tid, thread.comm, one.cpu, us(one.start_monotonic_ns), us(one.duration_ns), one.kind,
                        one.in_progress, one.inconclusive, one.inconclusive_reason, causes if include_causes else None,
                        us(one.unexplained_ns) if include_causes else None)


def actor_text(actor: Optional[messages.Actor]) -> str:
    if actor is None:
        return ""
    if not actor.tid:
        return actor.name or (f"irq {actor.irq}" if actor.irq else "")
    who = f"{actor.comm}[{actor.pid}/{actor.tid}]"
    return f"{actor.name} of {who}" if actor.name else who


def scheduling_info(one: messages.ScheduledThread) -> ThreadSchedulingInfo:
    thread, scheduling = _thread(one.thread), one.scheduling
    lateness = durations(one.jitter.lateness) if one.jitter is not None else None
    jitter, is_maximum, reason = _jitter(lateness, one.jitter_unavailable)
    return ThreadSchedulingInfo(
        pid=thread.pid, tid=thread.tid, comm=thread.comm, alive=one.alive, policy=_of(scheduling, "policy"),
        priority=_of(scheduling, "priority"),
        nice=_of(scheduling, "nice"), realtime_priority=_of(scheduling, "realtime_priority"), cpus_allowed=_of(scheduling, "cpus_allowed"),
        cpu_time_us=us(one.cpu_time_ns), run_queue_wait_us=us(one.run_queue_wait_ns), blocked_us=us(one.blocked_ns),
        interrupted_us=us(one.interrupted_ns), migrations=one.migration_count, scheduling_jitter_us=jitter,
        scheduling_jitter_is_maximum=is_maximum,
        scheduling_jitter_reason=reason, jitter=lateness, jitter_period_us=None if one.jitter is None else us(one.jitter.period_ns))


def _of(scheduling: Optional[messages.Scheduling], name: str) -> Any:
    return None if scheduling is None else getattr(scheduling, name)


def _jitter(lateness: Optional[Durations], unavailable: str) -> Tuple[Optional[float], bool, str]:
    if lateness is None or not lateness.count:
        return None, False, unavailable or "no wake-up of it is known in the window"
    value = lateness.percentiles.get(JITTER_PERCENT)
    return (value, False, unavailable) if value is not None else (lateness.max_us, True, unavailable)
