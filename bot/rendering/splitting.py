"""This file parts a long text into messages that each fit, without tearing a link apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# What must stay whole: a link, what stands between two tags, an escaped sign, a word, and the
# blanks between.
_UNIT = re.compile(
    r"""\[(?:\\.|[^\]\\])*\]\([^)\s]*\)
    |<[a-z]+(?:\ [^<>]*)?>[^<]*</[a-z]+>
    |\\(?!<[a-z]+[ ][^<>]*>|<[a-z]+>).|&\#?\w+;
    |[^\s\\\[<&]+|[\[\\<&]
    |\n+|[^\S\n]+""",
    re.DOTALL | re.VERBOSE,
)
_SENTENCE = re.compile(r"[.!?…。？！][\"'”’)\]]*$")
_HALF = 0.5
"""A better place to part is worth leaving so much of a message empty."""


def split(text: str, limit: int, length: Callable[[str], int] = len) -> list[str]:
    """The text in pieces of at most `limit` by `length`, none of them empty: parted between
    paragraphs, else lines, else sentences, else words. Only what is longer by itself is torn.

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
    """Where the first piece ends."""
    if length(text) <= limit:
        return len(text)
    best: dict[int, int] = {}
    fits = 0
    for end, rank in _breaks(text):
        if length(text[:end].rstrip()) > limit:
            break
        best[rank] = fits = end
    if not fits:
        return _torn(text, limit, length)
    return next(
        end for _, end in sorted(best.items()) if length(text[:end]) >= _HALF * length(text[:fits])
    )


def _breaks(text: str) -> Iterator[tuple[int, int]]:
    """Where the text may be parted, and how well: 0 is best."""
    for unit in _UNIT.finditer(text):
        said = unit[0]
        if said.isspace():
            lines = said.count("\n")
            yield unit.end(), 2 - min(lines, 2) if lines else 2 + (not _ends_sentence(text, unit))


def _ends_sentence(text: str, blank: re.Match[str]) -> bool:
    return bool(_SENTENCE.search(text, max(blank.start() - 4, 0), blank.start()))


def _torn(text: str, limit: int, length: Callable[[str], int]) -> int:
    """Within a word, but not within an escape or a link, unless that is too long by itself."""
    fits = 0
    for unit in _UNIT.finditer(text):
        if length(text[: unit.end()]) > limit:
            break
        fits = unit.end()
    end = min(limit, len(text))
    while not fits and end > 1 and length(text[:end]) > limit:
        end -= 1
    return fits or end
