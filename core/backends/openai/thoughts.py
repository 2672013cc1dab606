"""Drop the thoughts that some servers leave in front of a reply."""

from __future__ import annotations

_OPENING, _CLOSING = "<think>", "</think>"


class Thoughts:
    """Reads a reply piece by piece, without a leading `<think>…</think>`."""

    def __init__(self) -> None:
        self._held = ""
        self._is_over = False

    def feed(self, piece: str) -> str:
        """Return what can be shown now, or ""."""
        if self._is_over:
            return piece
        self._held += piece
        begun = self._held.lstrip()
        if _OPENING.startswith(begun):
            return ""
        if not begun.startswith(_OPENING):
            self._is_over = True
            return self._held
        reply = begun.partition(_CLOSING)[2].lstrip()
        self._is_over = bool(reply)
        return reply

    def close(self) -> str:
        """Return the rest at the end: a reply as short as "<th"."""
        is_reply = not self._is_over and not self._held.lstrip().startswith(_OPENING)
        return self._held if is_reply else ""
