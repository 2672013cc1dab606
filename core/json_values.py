"""Dataclasses as JSON text, and JSON as dataclasses whose every field is checked."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import TypeAdapter

if TYPE_CHECKING:  # typeshed only
    from _typeshed import DataclassInstance

T = TypeVar("T")


def to_json(value: DataclassInstance) -> str:
    """Write a dataclass as JSON. Half a surrogate pair, which no database takes, becomes `?`."""
    return json.dumps(asdict(value), ensure_ascii=False).encode(errors="replace").decode()


def from_json(kind: type[T], text: str) -> T:
    """Read what `to_json` wrote. Raises ValueError if it is not JSON or not a `kind`."""
    return from_plain(kind, json.loads(text))


def from_plain(kind: type[T], value: object) -> T:
    """Build a `kind` from parsed JSON. Ignores unknown keys. Raises ValueError (pydantic's).

    >>> from dataclasses import make_dataclass
    >>> from_plain(make_dataclass("Point", [("x", int)]), {"x": 1, "y": 2})
    Point(x=1)
    """
    adapter: TypeAdapter[T] = _adapter(cast(Hashable, kind))
    return adapter.validate_python(value)


@cache  # building one takes up to tens of milliseconds
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))
