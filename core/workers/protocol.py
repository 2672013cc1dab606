"""This file turns values into lines of JSON between processes, and back into checked values."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Hashable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from pydantic import BaseModel, SecretStr, TypeAdapter

from core.ports import Vectors

T = TypeVar("T")


def encode(value: object) -> bytes:
    """One line without its end. Any text survives, even half a character of a file's name."""
    return json.dumps(value, default=_plain, separators=(",", ":")).encode("ascii")


def decode(line: bytes) -> dict[str, Any]:
    """An object of JSON. Raises ValueError."""
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def read(kind: type[T], value: object) -> T:
    """`value` as a `kind`, every field checked. Raises ValueError (pydantic's)."""
    adapter: TypeAdapter[T] = _adapter(cast(Hashable, kind))
    return adapter.validate_python(value)


def read_vectors(value: Any) -> Vectors:
    """What `encode` made of an array."""
    flat = np.frombuffer(b64decode(value["float32"]), dtype="<f4")
    return flat.reshape(value["shape"]).astype(np.float32)


@cache  # one entry for each kind that travels
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        raw = np.ascontiguousarray(value, dtype="<f4").tobytes()
        return {"shape": value.shape, "float32": b64encode(raw).decode("ascii")}
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, BaseModel):
        return dict(value)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not travel")
