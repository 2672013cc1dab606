"""A call that has passed the checks, as the handlers receive it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Call:
    """`given`: the parameters as what they are. `files`: field → name and content. `status`: 0
    where nothing was answered, or nothing yet."""

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
