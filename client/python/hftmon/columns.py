"""Columns: rows of records as named columns, for numpy and pandas.

A nested record's attributes get its name before theirs (`off_cpu_count`); those of a `thread` stand alone (`tid`, `comm`). What is a list
of named things becomes a column for each name: percentiles of durations (`off_cpu_p99_9_ns`), rates (`l3_hit_ratio`, `l3_hit_ratio_p1`),
counters by their names, maps (`kinds_yield`). Other lists stay as tuples.

An absent value is masked (numpy.ma) or None, never 0 or NaN. Without numpy columns are plain lists. Pure functions, any thread.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Tuple

INLINE = "thread"  # whose attributes stand without its name before them
INT64_MAX = 2**63 - 1
_TYPES = {"int": "int64", "float": "float64", "bool": "bool", "enum": "int64"}


def _numpy() -> Any:
    """The module; None where it is not installed. Not imported before somebody wants columns."""
    try:
        import numpy
    except ImportError:
        return None
    return numpy


def percent_name(percent: float) -> str:
    """99.9 → "p99_9"."""
    return "p" + format(percent, "g").replace(".", "_")


def table_of(answer: Any, table: Any) -> Tuple[Sequence[Any], Any]:
    """The rows of a repeated field of records, and their class."""
    tables = {field.name: field for field in answer.FIELDS if field.repeated and field.kind == "record"}
    if not tables:
        raise LookupError(f"{type(answer).__name__} has no table: read its attributes")
    name = table or ("threads" if "threads" in tables else next(iter(tables)))
    if name not in tables:
        raise LookupError(f"{type(answer).__name__} has no table '{name}': it has {', '.join(tables)}")
    return getattr(answer, name), _class_of(tables[name])


def columns_of(rows: Sequence[Any], record: Any = None) -> Dict[str, Any]:
    """Name → numpy array (masked where a value is absent), or list without numpy. `record`: the rows' class, needed where there are
    none."""
    columns = _gather(rows, record)
    numpy = _numpy()
    if numpy is None:
        return {name: values for name, (_, values) in columns.items()}
    return {name: _array(numpy, kind, values) for name, (kind, values) in columns.items()}


def frame_of(rows: Sequence[Any], record: Any = None) -> Any:
    """A pandas.DataFrame with a nullable type where a value is absent."""
    try:
        import numpy
        import pandas
    except ImportError as error:
        raise ImportError("to_pandas() needs pandas, which is not installed: apt-get install python3-pandas, or use columns()") from error
    nullable = {"int": "Int64", "bool": "boolean", "float": "Float64", "enum": "Int64", "str": "string"}
    series = {}
    for name, (kind, values) in _gather(rows, record).items():
        absent = any(value is None for value in values)
        if kind == "int" and any(value is not None and value > INT64_MAX for value in values):
            series[name] = pandas.array(values, dtype="UInt64") if absent else numpy.array(values, dtype="uint64")
        elif absent and kind in nullable:
            series[name] = pandas.array(values, dtype=nullable[kind])
        else:
            series[name] = pandas.Series(values, dtype=_TYPES.get(kind, "object"))
    return pandas.DataFrame(series)


def _class_of(field: Any) -> Any:
    from hftmon import messages  # made from the .proto files, and built on this module

    return getattr(messages, field.type_name)


def _array(numpy: Any, kind: str, values: List[Any]) -> Any:
    mask = [value is None for value in values]
    if kind in _TYPES:
        dtype = _TYPES[kind]
        if kind == "int" and any(value is not None and value > INT64_MAX for value in values):
            dtype = "uint64"
        filled = [0 if absent else value for value, absent in zip(values, mask)]
        array = numpy.array(filled, dtype=dtype)
    elif kind == "str":
        array = numpy.array(["" if absent else value for value, absent in zip(values, mask)], dtype=str)
    else:
        array = numpy.empty(len(values), dtype=object)
        array[:] = values
        return array  # absent is None there already
    return numpy.ma.MaskedArray(array, mask) if any(mask) else array


def _gather(rows: Sequence[Any], record: Any) -> Dict[str, Tuple[str, List[Any]]]:
    """Name → (kind, values), all as long as there are rows."""
    if record is None and not rows:
        return {}
    columns: Dict[str, Tuple[str, List[Any]]] = {}
    _add_record(columns, record or type(rows[0]), "", rows)
    return columns


def _add_record(columns: Dict[str, Any], record: Any, prefix: str, rows: Sequence[Any]) -> None:
    """Columns of the attributes of `rows`, records of one class or None."""
    for field in record.FIELDS:
        values = [None if row is None else getattr(row, field.name) for row in rows]
        name = prefix + field.name
        if field.kind == "record" and not field.repeated:
            _add_record(columns, _class_of(field), prefix if field.name == INLINE else name + "_", values)
        elif field.kind == "record" and field.type_name in _NAMED:
            _NAMED[field.type_name](columns, prefix, values)
        elif field.kind == "map":
            keys = _in_order(key for value in values for key in value or ())
            for key in keys:
                columns[f"{name}_{key}"] = (field.type_name, [None if value is None else value.get(key) for value in values])
        elif field.repeated or field.kind == "mask":
            columns[name] = ("object", values)
        else:
            columns[name] = (field.kind, values)


def _in_order(names: Any) -> List[Any]:
    return list(dict.fromkeys(names))


def _spread(columns: Dict[str, Any], kind: str, values: Sequence[Any], name_of: Callable[[Any], str],
            value_of: Callable[[Any], Any]) -> None:
    """A column for each name that one of the lists has."""
    for name in _in_order(name_of(one) for value in values for one in value or ()):
        columns[name] = (kind, [next((value_of(one) for one in value or () if name_of(one) == name), None) for value in values])


def _add_durations(columns: Dict[str, Any], prefix: str, values: Sequence[Any]) -> None:
    _spread(columns, "int", values, lambda one: f"{prefix}{percent_name(one.percent)}_ns", lambda one: one.value_ns)


def _add_rates(columns: Dict[str, Any], prefix: str, values: Sequence[Any]) -> None:
    _spread(columns, "float", values, lambda one: prefix + one.name, lambda one: one.mean)
    pairs = [[(rate.name, point) for rate in value or () for point in rate.percentiles] for value in values]
    _spread(columns, "float", pairs, lambda one: f"{prefix}{one[0]}_{percent_name(one[1].percent)}", lambda one: one[1].value)


def _add_counters(columns: Dict[str, Any], prefix: str, values: Sequence[Any]) -> None:
    _spread(columns, "float", values, lambda one: prefix + one.name, lambda one: one.value)


# Lists that are columns by the names in them, by the class of what is in them.
_NAMED = {"Percentile": _add_durations, "RateValue": _add_rates, "CounterValue": _add_counters}
