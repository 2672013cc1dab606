"""Split a long text into messages that fit, without breaking a link."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# Units that stay whole: a link, an element with its tags, an escaped character, a word, white
# space.
_UNIT = re.compile(
    r"""\[(?:\\.|[^\]\\])*\]\([^)\s]*\)
    |<[a-z]+(?:\ [^<>]*)?>[^<]*</[a-z]+>
    |\\(?!<[a-z]+[ ][^<>]*>|<[a-z]+>).|&\#?\w+;
    |[^\s\\\[<&]+|[\[\\<&]
    |\n+|[^\S\n]+""",
    re.DOTALL | re.VERBOSE,
)
_MARKER = re.compile(
    r"""\[\\\[\d+\\\]\]\([^)\s]*\)|\\\[\d+\\\]
    |<a\ [^<>]*>\[\d+\]</a>|\[\d+\]""",
    re.VERBOSE,
)
"""A citation, as either platform writes it, with and without a link. It belongs to the sentence
before it."""
_SENTENCE = re.compile(r"[.!?…。？！][\"'”’)\]]*$")
_HALF = 0.5
"""The share of a message that may stay empty to split at a better place."""


def split(text: str, limit: int, length: Callable[[str], int] = len) -> list[str]:
    """Split `text` into non-empty pieces of at most `limit` by `length`: between paragraphs, else
    lines, else sentences, else words. Only a unit longer than the limit is cut.

    >>> split("One two. Three four.", 12)
    ['One two.', 'Three four.']
    """
    pieces: list[str] = []
    rest = text.strip()
    while rest:
        end = _end(rest, limit, length)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return pieces


def _end(text: str, limit: int, length: Callable[[str], int]) -> int:
    """The end of the first piece."""
    if length(text) <= limit:
        return len(text)
    best: dict[int, int] = {}
    fits = 0
    for end, rank in _breaks(text):
        if length(text[:end].rstrip()) > limit:
            break
        best[rank] = fits = end
    if not fits:
        return _cut(text, limit, length)
    return next(
        end for _, end in sorted(best.items()) if length(text[:end]) >= _HALF * length(text[:fits])
    )


def _breaks(text: str) -> Iterator[tuple[int, int]]:
    """Places to split at, with a rank: 0 is best."""
    words_end = marker_end = 0
    for unit in _UNIT.finditer(text):
        said = unit[0]
        if not said.isspace():
            if marker := _MARKER.match(text, unit.start()):
                marker_end = marker.end()
            if unit.end() > marker_end:
                words_end = unit.end()
        elif lines := said.count("\n"):
            yield unit.end(), 2 - min(lines, 2)
        elif not _MARKER.match(text, unit.end()):
            yield unit.end(), 2 + (not _ends_sentence(text, words_end))


def _ends_sentence(text: str, end: int) -> bool:
    return bool(_SENTENCE.search(text, max(end - 4, 0), end))


def _cut(text: str, limit: int, length: Callable[[str], int]) -> int:
    """The end of a piece cut within a word; within an escape or a link only if that is too long."""
    fits = 0
    for unit in _UNIT.finditer(text):
        if length(text[: unit.end()]) > limit:
            break
        fits = unit.end()
    end = min(limit, len(text))
    while not fits and end > 1 and length(text[:end]) > limit:
        end -= 1
    return fits or end
