"""Encode values as lines of JSON between processes; core/json_values.py validates them."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, SecretStr

from core.ports import Vectors


def encode(value: object) -> bytes:
    """Encode `value` as one line, without its newline. Lone surrogates in file names survive."""
    return json.dumps(value, default=_to_json, separators=(",", ":")).encode("ascii")


def decode(line: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises ValueError."""
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def read_vectors(value: Any) -> Vectors:
    """Convert decoded JSON to the array that `encode` was given."""
    flat = np.frombuffer(b64decode(value["float32"]), dtype="<f4")
    return flat.reshape(value["shape"]).astype(np.float32)


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
