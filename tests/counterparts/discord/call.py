"""A validated request, as the handlers receive it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.counterparts.discord.openapi_check import Operation


@dataclass
class Call:
    method: str
    operation: Operation
    path: dict[str, str]
    query: dict[str, str]
    body: Any
    files: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    """Number → (name, content)."""
