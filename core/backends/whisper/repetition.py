"""Detect where a speech model repeated itself in a loop, and keep one round of it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.model import Segment

_MIN_ROUNDS, _MIN_BYTES = 3, 48
"""A shorter repetition is speech: "no, no, no, no". In bytes of UTF-8, so that a Korean or Chinese
character, which says more, counts 3. Only letters and digits count."""
_MAX_COMPRESSION = 3.0
"""A text's bytes / its compressed bytes. Whisper's own limit, 2.4, rejects repetitive lectures."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter or digit in lower case and its position. `opens`: whether it starts a segment (2),
    a word (1) or neither (0)."""

    text: str
    segment: int
    at: int
    opens: int


@dataclass(frozen=True, slots=True)
class _Loop:
    """Letter indexes: where it starts, and the lengths of one round and of the whole loop."""

    start: int
    period: int
    length: int


def is_looping(segments: Sequence[Segment]) -> bool:
    """Whether the segments repeat one text, exactly or nearly."""
    text = " ".join(segment.text for segment in segments).encode()
    is_repetitive = len(text) > _MAX_COMPRESSION * len(zlib.compress(text))
    return is_repetitive or _find_loop(_letters(segments)) is not None


def collapse(segments: Sequence[Segment]) -> list[Segment]:
    """Keep one round of every loop and change nothing else.

    >>> [s.text for s in collapse([Segment(0, 20, "Bees dance. " + "I see. " * 20 + "They sing.")])]
    ['Bees dance. I see. They sing.']
    """
    kept = list(segments)
    while loop := _find_loop(letters := _letters(kept)):
        kept = _without_rounds(kept, letters, loop)
    return kept


def _letters(segments: Sequence[Segment]) -> list[_Letter]:
    return [
        _Letter(text.lower()[0], number, at, _opens(segment.text[:at]))
        for number, segment in enumerate(segments)
        for at, text in enumerate(segment.text)
        if text.isalnum()
    ]


def _opens(before: str) -> int:
    if not any(map(str.isalnum, before)):
        return 2
    return int(not before[-1].isalnum() and before[-1] not in "'’")


def _find_loop(letters: Sequence[_Letter]) -> _Loop | None:
    """Find the longest loop of the shortest round that repeats often enough."""
    text = "".join(letter.text for letter in letters)
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    for period in range(1, len(codes) // _MIN_ROUNDS + 1):
        same = codes[period:] == codes[:-period]
        edges = np.flatnonzero(np.diff(same, prepend=False, append=False))
        if not len(edges):
            continue
        runs = edges[1::2] - edges[::2]
        longest = int(runs.argmax())
        start, length = int(edges[2 * longest]), int(runs[longest]) + period
        is_long = len(text[start : start + length].encode()) >= _MIN_BYTES
        if length >= _MIN_ROUNDS * period and is_long:
            return _Loop(start, period, length)
    return None


def _without_rounds(
    segments: Sequence[Segment], letters: Sequence[_Letter], loop: _Loop
) -> list[Segment]:
    """Drop all rounds but the first. Any letter could start the round: choose one that starts a
    segment or a word."""
    first = max(range(loop.start, loop.start + loop.period), key=lambda i: letters[i].opens)
    rounds = (loop.start + loop.length - first) // loop.period
    dropped = letters[first + loop.period : first + rounds * loop.period]
    following = letters[first + rounds * loop.period :][:1]
    kept = []
    for number, segment in enumerate(segments):
        begin = next((letter.at for letter in dropped if letter.segment == number), None)
        if begin is not None:
            rest = "".join(segment.text[n.at :] for n in following if n.segment == number)
            text = f"{segment.text[:begin]}{rest}".strip(" ,;")
            segment = replace(segment, text=text)
        if any(map(str.isalnum, segment.text)):
            kept.append(segment)
    return kept
