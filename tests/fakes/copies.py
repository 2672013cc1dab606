"""Copies of the store that are only counted."""

from __future__ import annotations


class FakeCopies:
    """Fulfils `Copies`. `held`: how many there are."""

    def __init__(self, held: int = 0) -> None:
        self.held = held

    def count(self) -> int:
        return self.held

    async def replace(self) -> bool:
        is_any, self.held = self.held > 0, min(self.held, 1)
        return is_any
