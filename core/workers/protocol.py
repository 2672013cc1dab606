"""Encode values as lines of JSON between processes, and decode them with validation."""

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
    """Encode `value` as one line, without its newline. Lone surrogates in file names survive."""
    return json.dumps(value, default=_to_json, separators=(",", ":")).encode("ascii")


def decode(line: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises ValueError."""
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def read(kind: type[T], value: object) -> T:
    """Convert decoded JSON to a `kind`, validating every field. Raises pydantic's ValueError."""
    adapter: TypeAdapter[T] = _adapter(cast(Hashable, kind))
    return adapter.validate_python(value)


def read_vectors(value: Any) -> Vectors:
    """Convert decoded JSON to the array that `encode` was given."""
    flat = np.frombuffer(b64decode(value["float32"]), dtype="<f4")
    return flat.reshape(value["shape"]).astype(np.float32)


@cache  # one entry per type that is sent
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def _to_json(value: object) -> object:
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
    raise TypeError(f"{type(value).__name__} cannot be sent")
