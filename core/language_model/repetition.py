"""Detect a model that repeats itself endlessly."""

from __future__ import annotations

MAX_REPEATS = 30
_MIN_PHRASE, _MAX_PHRASE = 4, 200


class Repetition:
    """Watches a reply piece by piece."""

    def __init__(self) -> None:
        self._last = ""
        self._times = 0
        self._tail = ""

    def is_endless(self, piece: str) -> bool:
        """Whether the last piece, or a phrase or line of up to 200 characters at the reply's end,
        has now occurred more than 30 times in a row."""
        if not piece:
            return False
        self._times = self._times + 1 if piece == self._last else 1
        self._last = piece
        self._tail = (self._tail + piece)[-_MAX_PHRASE * (MAX_REPEATS + 1) :]
        return self._times > MAX_REPEATS or _is_repeated(self._tail)


def _is_repeated(tail: str) -> bool:
    """Ignore rulers and blanks, of which tables are full."""
    for length in range(_MIN_PHRASE, min(_MAX_PHRASE, len(tail) // (MAX_REPEATS + 1)) + 1):
        phrase = tail[-length:]
        if tail.endswith(phrase * (MAX_REPEATS + 1)) and any(map(str.isalnum, phrase)):
            return True
    return False
