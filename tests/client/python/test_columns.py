"""Answers as columns: for numpy, for pandas, and without either."""

import sys

import hftmon
import pytest
from hftmon import messages

THREADS = messages.QueryContextSwitchesResponse(threads=(
    messages.ThreadSwitches(thread=messages.ThreadId(tid=1, pid=9, comm="a"), voluntary_count=2**40, run_delay_total_ns=2**60 + 1,
                            kinds={"yield": 4},
                            off_cpu=messages.DurationStatistics(count=3, sum_ns=30, max_ns=20,
                                                                percentiles=(messages.Percentile(50, 10), messages.Percentile(99.9, 20)))),
    messages.ThreadSwitches(thread=messages.ThreadId(tid=2, pid=9, comm="b"), off_cpu=messages.DurationStatistics())))
CACHE = messages.QueryCacheResponse(
    events=(messages.CounterEvent(name="l1d_misses"),),
    threads=(messages.ThreadCache(thread=messages.ThreadId(tid=1), counters=(messages.CounterValue(name="l1d_misses", value=5.0),),
                                  rates=(messages.RateValue(name="l1d_hit_ratio", mean=0.9, percentiles=(messages.RatePercentile(1, 0.5),)),
                                         )),
             messages.ThreadCache(thread=messages.ThreadId(tid=2), reason="it did not run")))


def test_nested_values_percentiles_and_maps_are_columns():
    numpy = pytest.importorskip("numpy", reason="python3-numpy is not installed")
    columns = THREADS.columns()
    assert list(columns["tid"]) == [1, 2] and list(columns["comm"]) == ["a", "b"]
    assert list(columns["off_cpu_count"]) == [3, 0]
    assert columns["voluntary_count"].dtype == numpy.int64 and columns["voluntary_count"][0] == 2**40
    assert columns["off_cpu_p50_ns"].mask.tolist() == [False, True], "a percentile with too few samples is masked, not 0"
    assert columns["off_cpu_p99_9_ns"][0] == 20
    assert columns["kinds_yield"].mask.tolist() == [False, True]
    assert columns["run_delay_total_ns"][0] == 2**60 + 1, "nanoseconds lose nothing to a float"
    assert all(len(column) == 2 for column in columns.values())


def test_rates_and_counters_are_columns_by_their_names():
    pytest.importorskip("numpy", reason="python3-numpy is not installed")
    columns = CACHE.columns()
    assert columns["l1d_hit_ratio"][0] == 0.9 and columns["l1d_hit_ratio"].mask[1]
    assert columns["l1d_hit_ratio_p1"][0] == 0.5
    assert columns["l1d_misses"][0] == 5.0
    assert list(CACHE.columns("events")["name"]) == ["l1d_misses"]


def test_an_unsigned_number_beyond_64_signed_bits_stays_itself():
    numpy = pytest.importorskip("numpy", reason="python3-numpy is not installed")
    column = hftmon.columns_of([messages.Spike(id=2**64 - 1), messages.Spike(id=1)])["id"]
    assert column.dtype == numpy.uint64 and int(column[0]) == 2**64 - 1


def test_an_empty_table_has_its_columns():
    columns = messages.DetectSpikesResponse().columns()
    assert len(columns["duration_ns"]) == 0 and "causes" in columns


def test_lists_without_names_stay_tuples():
    row = messages.Spike(causes=(messages.Cause(kind="thread"),))
    assert hftmon.columns_of([row])["causes"][0] == row.causes


def test_a_table_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(LookupError, match="no table 'spikes': it has threads, events"):
        THREADS.columns("spikes")
    with pytest.raises(LookupError, match="has no table"):
        messages.ThreadId().columns()


def test_without_numpy_columns_are_lists(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    columns = THREADS.columns()
    assert columns["tid"] == [1, 2]
    assert columns["off_cpu_p50_ns"] == [10, None]


def test_a_frame_has_nullable_columns():
    pandas = pytest.importorskip("pandas", reason="python3-pandas is not installed")
    frame = THREADS.to_pandas()
    assert frame.shape[0] == 2
    assert frame["off_cpu_p50_ns"].isna().tolist() == [False, True]
    assert frame["run_delay_total_ns"].dtype == pandas.Int64Dtype() and frame["run_delay_total_ns"][0] == 2**60 + 1
    assert frame.set_index("comm").loc["a", "voluntary_count"] == 2**40


def test_without_pandas_the_error_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="apt-get install python3-pandas"):
        THREADS.to_pandas()
