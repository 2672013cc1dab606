"""Measure how long an answer takes, split by what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.model import Timings
from core.ports import Clock


@dataclass(slots=True)
class Stopwatch:
    """A stopwatch that starts when it is made. Loading a model counts only as loading."""

    clock: Clock
    _began: float = field(init=False)
    _load_s: float = 0.0
    _retrieval_s: float = 0.0
    _first_token_s: float | None = None

    def __post_init__(self) -> None:
        self._began = self.clock()

    @contextmanager
    def loading(self) -> Iterator[None]:
        began = self.clock()
        yield
        self._load_s += self.clock() - began

    @contextmanager
    def retrieving(self) -> Iterator[None]:
        began = self.clock()
        yield
        self._retrieval_s += self.clock() - began

    def text(self) -> None:
        """Record that text is sent; the first call counts."""
        if self._first_token_s is None:
            self._first_token_s = self._elapsed_s()

    def timings(self) -> Timings:
        total_s = self._elapsed_s()
        first_s = total_s if self._first_token_s is None else self._first_token_s
        return Timings(
            *(round(1000 * s) for s in (self._load_s, self._retrieval_s, first_s, total_s))
        )

    def _elapsed_s(self) -> float:
        return self.clock() - self._began - self._load_s
