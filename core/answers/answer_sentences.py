"""Cut a streamed answer into sentences, each with the segments that its model cited, and notice
those that only repeat others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.text.sentence_splitting import is_abbreviation
from core.text.tokens import tokenise

_MARKER = re.compile(r"\s*\[([^\]]*)\]")
_END = re.compile(
    r"(?:[.?!…]+[”’\"')]*|[。？！]+[”’」』]*)(?:\s*\[[^\]]*\])*(?=\s|(?<=[。？！])\S)|(?<=\S)(?=\n)"
)
_WORD = re.compile(r"[^\W\d_]{2,}|[\u3041-\ud7a3]")
_SPAN = re.compile(r"(\d{1,9})(?:\s*[-–—~]\s*(\d{1,9}))?")
_MAX_SPAN = 4
_LOOP = 2  # repeated sentences in a row
_OPENING, _ALIKE = 6, 3
"""So many words at the start of so many sentences in a row are a loop that only changes its end:
"The participants also discuss the need for a …"."""


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """`before`: the blanks that part it from the previous one. `cited`: segment numbers, from 1."""

    before: str
    text: str
    cited: tuple[int, ...]


class SentenceStream:
    """Collects safe text with the model's markers, and releases whole sentences.

    A sentence is whole once more text follows it, because its markers may. One that claims nothing
    by itself ("There are two:") is released with the next."""

    def __init__(self) -> None:
        self._buffer = ""

    def feed(self, text: str) -> list[AnswerSentence]:
        """Add text; return the sentences that are now whole."""
        self._buffer += text
        return list(self._take())

    def close(self) -> list[AnswerSentence]:
        """Return the rest."""
        rest, self._buffer = self._buffer, ""
        return [_read(rest)] if rest.strip() else []

    def _take(self) -> Iterator[AnswerSentence]:
        start = 0
        for end in _END.finditer(self._buffer):
            whole, rest = self._buffer[start : end.end()], self._buffer[end.end() :]
            if rest.strip() and _is_sentence(whole, rest):
                yield _read(whole)
                start = end.end()
        self._buffer = self._buffer[start:]


class RepeatedSentences:
    """Notices what an answer has said before, and a model that no longer says anything else."""

    def __init__(self) -> None:
        self._said: list[set[str]] = []
        self._openings: list[list[str]] = []
        self._in_a_row = 0

    @property
    def is_loop(self) -> bool:
        """Whether the last two sentences or more were repeated."""
        return self._in_a_row >= _LOOP

    def holds(self, sentence: str) -> bool:
        """Whether every word of the sentence is in one earlier sentence, or it begins as those
        before it; if not, remember it."""
        spoken = re.findall(r"\w+", sentence.casefold())
        if any(set(spoken) <= earlier for earlier in self._said) or self._begins_again(spoken):
            self._in_a_row += 1
            return True
        self._said.append(set(spoken))
        self._in_a_row = 0
        return False

    def _begins_again(self, spoken: list[str]) -> bool:
        self._openings = [*self._openings, spoken[:_OPENING]][-_ALIKE:]
        last = self._openings[-1]
        return len(last) == _OPENING and self._openings == [last] * _ALIKE


def _is_sentence(text: str, following: str) -> bool:
    said = _MARKER.sub("", text).strip()
    if following.strip().startswith("["):  # a marker that still belongs to it
        return False
    if said.endswith(":") or not tokenise(said) or not _WORD.search(said):
        return False
    if following.startswith("\n"):
        return True
    return not is_abbreviation(said.split()[-1]) and not following.strip()[0].islower()


def _read(text: str) -> AnswerSentence:
    cited = [
        number
        for numbers in _MARKER.findall(text)
        for first, last in _SPAN.findall(numbers)
        for number in _numbers(int(first), int(last or first))
    ]
    said = _MARKER.sub("", text)
    before = said[: len(said) - len(said.lstrip())]
    return AnswerSentence(before, " ".join(said.split()), tuple(cited))


def _numbers(first: int, last: int) -> range:
    low, high = sorted((first, last))
    return range(low, min(high, low + _MAX_SPAN - 1) + 1)
