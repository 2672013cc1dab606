"""This file finds where a speech model ran into a loop, and leaves one round of it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.model import Segment

_FEWEST_ROUNDS, _FEWEST_BYTES = 3, 48
"""Below, it is speech: "no, no, no, no". Bytes of UTF-8, in which a Korean or Chinese character,
that says more, counts 3. Only letters and digits count."""
_DENSEST = 3.0
"""Bytes of a text / its bytes compressed. Whisper's own limit, 2.4, calls dull lectures loops."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter or digit in small, where it stands, and whether it opens a segment (2), a word (1)
    or nothing (0)."""

    text: str
    segment: int
    at: int
    opens: int


@dataclass(frozen=True, slots=True)
class _Loop:
    """Indexes of letters: the first, and how many make one round and the whole."""

    start: int
    period: int
    length: int


def is_looping(segments: Sequence[Segment]) -> bool:
    """Whether the same thing is said over and over, to the letter or nearly so."""
    text = " ".join(segment.text for segment in segments).encode()
    dense = len(text) > _DENSEST * len(zlib.compress(text))
    return dense or _find_loop(_letters(segments)) is not None


def collapse(segments: Sequence[Segment]) -> list[Segment]:
    """The segments with one round left of every loop, and nothing else changed.

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
    """A loop with the shortest possible round."""
    text = "".join(letter.text for letter in letters)
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    for period in range(1, len(codes) // _FEWEST_ROUNDS + 1):
        same = codes[period:] == codes[:-period]
        edges = np.flatnonzero(np.diff(same, prepend=False, append=False))
        if not len(edges):
            continue
        runs = edges[1::2] - edges[::2]
        longest = int(runs.argmax())
        start, length = int(edges[2 * longest]), int(runs[longest]) + period
        is_long = len(text[start : start + length].encode()) >= _FEWEST_BYTES
        if length >= _FEWEST_ROUNDS * period and is_long:
            return _Loop(start, period, length)
    return None


def _without_rounds(
    segments: Sequence[Segment], letters: Sequence[_Letter], loop: _Loop
) -> list[Segment]:
    """A loop can be read from any of its letters: read it from where a segment or a word opens."""
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
