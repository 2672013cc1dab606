"""This file turns "this was said here" into a citation: times, words and address by code alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.model import Citation, Passage, Segment, Video
from core.text.display import shorten
from core.text.tokens import cjk_characters, tokenise

QUOTE_CHARACTERS = 300
LONGEST = 4
"""Segments that one marker may stand for."""
REACH = 2
"""How many segments off a model's number may be."""
_SPAN = re.compile(r"(\d+)(?:\s*[-–—~]\s*(\d+))?")
_DIGITS = 9  # beyond any transcript; int() refuses thousands of them


def cite(n: int, video: Video, segments: Sequence[Segment]) -> Citation:
    """Marker `[n]` for neighbouring `segments` (at least one) of `video`, in order of time."""
    start_s, end_s = segments[0].start_s, segments[-1].end_s
    quote = shorten(" ".join(segment.text.strip() for segment in segments), QUOTE_CHARACTERS)
    return Citation(n, video.id, start_s, end_s, quote, video.url_at(start_s))


def supporting_segment(sentence: str, segments: Sequence[Segment], index: int) -> int:
    """`index`, or where the segment there has no word of the sentence, that of a neighbour with
    most of them.

    Small models miss a line by one or two. Where nothing near shares a word the sentence may be a
    fair paraphrase, so the number stays; so it does between languages, which share no words.
    """
    said = set(tokenise(sentence))

    def shared(i: int) -> int:
        alike = bool(cjk_characters(sentence)) == bool(cjk_characters(segments[i].text))
        return len(said & set(tokenise(segments[i].text))) if alike else 0

    if shared(index):
        return index
    near = range(max(index - REACH, 0), min(index + REACH + 1, len(segments)))
    best = max(near, key=lambda i: (shared(i), -abs(i - index)))
    return best if shared(best) else index


class Citations:
    """What an answer rests on. A model cites the numbers its prompt gave the passages' segments,
    counted through from 1 (`prompts.prompt`); readers see `[1]`, `[2]` … as they appear.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._places = [
            (p, i) for p, whole in enumerate(passages) for i in range(len(whole.segments))
        ]
        self._found: dict[tuple[int, int, int], Citation] = {}
        self._sentence = ""
        self._marked: set[int] = set()

    @property
    def found(self) -> tuple[Citation, ...]:
        """In order of their markers."""
        return tuple(self._found.values())

    def mark(self, numbers: str, sentence: str) -> str:
        """The markers for "12", "12, 13" or "12-14" after `sentence`; "" for unknown numbers.

        The same segments keep their marker, and a sentence has none twice. A range is one marker,
        for four segments at most. The first number of a sentence is corrected by
        `supporting_segment`; further ones may back what the sentence only implies.
        """
        if sentence != self._sentence:
            self._sentence, self._marked = sentence, set()
        markers = []
        for first, last in _SPAN.findall(numbers):
            span = self._span(first, last or first, "" if self._marked else sentence)
            n = self._number(span) if span else 0
            if n and n not in self._marked:
                self._marked.add(n)
                markers.append(f"[{n}]")
        return "".join(markers)

    def restore(self, text: str, citations: Sequence[Citation]) -> str:
        """An older answer's text with its markers as numbers of these passages, or without them."""
        numbers = {
            (self._passages[p].video.id, self._passages[p].segments[i].start_s): n
            for n, (p, i) in enumerate(self._places, 1)
        }
        for citation in citations:
            number = numbers.get((citation.video_id, citation.start_s))
            # Marked apart, so that no restored number is taken for the next marker.
            text = text.replace(f"[{citation.n}]", f"[\0{number}]" if number else "")
        return text.replace("[\0", "[")

    def _number(self, span: tuple[int, int, int]) -> int:
        if span not in self._found:
            passage, first, after = span
            source = self._passages[passage]
            number = len(self._found) + 1
            self._found[span] = cite(number, source.video, source.segments[first:after])
        return self._found[span].n

    def _span(self, first: str, last: str, sentence: str) -> tuple[int, int, int] | None:
        """(passage, first segment, the one after the last), inside one passage."""
        low, high = sorted((int(first[:_DIGITS]), int(last[:_DIGITS])))
        if not 1 <= low <= len(self._places):
            return None
        passage, start = self._places[low - 1]
        segments = self._passages[passage].segments
        if low == high:
            start = supporting_segment(sentence, segments, start)
        return passage, start, min(start + min(high - low + 1, LONGEST), len(segments))
