"""This file notices a model that says the same over and over."""

from __future__ import annotations

MOST_REPEATS = 30
_SHORTEST, _LONGEST = 4, 200


class Repetition:
    """Listens to an answer piece by piece."""

    def __init__(self) -> None:
        self._last = ""
        self._times = 0
        self._tail = ""

    def goes_on(self, piece: str) -> bool:
        """Whether the last piece, or a phrase or line of up to 200 characters at the end of the
        answer, has now come more than 30 times in a row."""
        if not piece:
            return False
        self._times = self._times + 1 if piece == self._last else 1
        self._last = piece
        self._tail = (self._tail + piece)[-_LONGEST * (MOST_REPEATS + 1) :]
        return self._times > MOST_REPEATS or _is_repeated(self._tail)


def _is_repeated(tail: str) -> bool:
    """Rulers and blanks do not count: tables are full of them, and they come in few pieces."""
    for length in range(_SHORTEST, min(_LONGEST, len(tail) // (MOST_REPEATS + 1)) + 1):
        phrase = tail[-length:]
        if tail.endswith(phrase * (MOST_REPEATS + 1)) and any(map(str.isalnum, phrase)):
            return True
    return False
