"""A validated call, as the handlers receive it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Call:
    """A Bot API call. `given`: the parsed parameters. `files`: field → (name, content). `status`: 0
    without an answer, or before it."""

    method: str
    at: float
    given: dict[str, Any] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    status: int = 0
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def chat(self) -> int:
        found = self.given.get("chat_id", 0)
        return found if isinstance(found, int) else 0
