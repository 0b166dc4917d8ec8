"""Record: what all messages of hftmon.messages have in common: the way to protobuf and back, and their tables as columns.

Records are passive and frozen; any thread may read them.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from enum import IntEnum
from typing import Any, ClassVar, Dict, NamedTuple, Optional, Sequence, Tuple, Type, Union

from hftmon import columns as _columns


class Field(NamedTuple):
    """One attribute of a record, as the .proto file has it."""

    name: str
    proto_name: str
    kind: str  # int, float, bool, str, bytes, enum, record, map, mask
    type_name: str  # of a record or enum its class; of a map the kind of its values
    repeated: bool
    optional: bool


def enum_value(kind: Type[IntEnum], number: int) -> Union[IntEnum, int]:
    """The member; the number itself where a newer daemon knows one that this package does not."""
    try:
        return kind(number)
    except ValueError:
        return number


class Record:
    """Base of the messages: compared by what is in them, and not to be changed (dataclasses.replace makes another)."""

    PROTO: ClassVar[Any] = None
    FIELDS: ClassVar[Tuple[Field, ...]] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}: dataclasses.replace() makes another {type(self).__name__}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(tuple(sorted(value.items())) if isinstance(value, dict) else value for value in self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def to_proto(self) -> Any:
        """TypeError or ValueError, of protobuf, for a value that the field cannot hold."""
        message = self.PROTO()
        for field in self.FIELDS:
            value = getattr(self, field.name)
            if value is None:
                continue
            target = getattr(message, field.proto_name)
            if field.kind == "mask":
                target.paths.extend(value)
            elif field.kind == "map":
                target.update(value)
            elif field.kind == "record" and field.repeated:
                target.extend(one.to_proto() for one in value)
            elif field.kind == "record":
                target.CopyFrom(value.to_proto())
            elif field.repeated:
                target.extend(value)
            else:
                setattr(message, field.proto_name, value)
        return message

    def columns(self, table: Optional[str] = None) -> Dict[str, Sequence[Any]]:
        """A repeated field (default: `threads`, else the first that holds records) as columns: see hftmon.columns.columns_of.

        LookupError: there is no such table; it names those that there are.
        """
        rows, record = _columns.table_of(self, table)
        return _columns.columns_of(rows, record)

    def to_pandas(self, table: Optional[str] = None) -> Any:
        """The same as a pandas.DataFrame, with nullable types where a value may be absent. ImportError without pandas."""
        rows, record = _columns.table_of(self, table)
        return _columns.frame_of(rows, record)
