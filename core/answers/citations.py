"""Resolve citation markers to real segments: times, quotes and links come from code alone."""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Citation, Passage, Segment, Video
from core.text.display import shorten
from core.text.tokens import cjk_characters, tokenise

QUOTE_CHARACTERS = 300
MAX_OFFSET = 2
"""How many segments a model's number may be off."""


def cite(n: int, video: Video, segments: Sequence[Segment]) -> Citation:
    """Build the citation `[n]` of adjacent `segments` (at least one) of `video`, in order."""
    start_s, end_s = segments[0].start_s, segments[-1].end_s
    quote = shorten(" ".join(segment.text.strip() for segment in segments), QUOTE_CHARACTERS)
    return Citation(n, video.id, start_s, end_s, quote, video.url_at(start_s))


def supporting_segment(sentence: str, segments: Sequence[Segment], index: int) -> int:
    """Return `index`, or, if that segment shares no word with the sentence, the best neighbour's.

    Small models miss a line by one or two. If no neighbour shares a word either, `index` stays: the
    sentence may be a paraphrase, or in another language.
    """
    sentence_tokens = set(tokenise(sentence))

    def shared(i: int) -> int:
        alike = bool(cjk_characters(sentence)) == bool(cjk_characters(segments[i].text))
        return len(sentence_tokens & set(tokenise(segments[i].text))) if alike else 0

    if shared(index):
        return index
    near = range(max(index - MAX_OFFSET, 0), min(index + MAX_OFFSET + 1, len(segments)))
    best = max(near, key=lambda i: (shared(i), -abs(i - index)))
    return best if shared(best) else index


class Citations:
    """The citations of one answer.

    Readers see `[1]`, `[2]` … in order of appearance.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._places = [
            (p, i) for p, passage in enumerate(passages) for i in range(len(passage.segments))
        ]
        self._found: dict[int, Citation] = {}

    @property
    def found(self) -> tuple[Citation, ...]:
        """The citations in order of their markers."""
        return tuple(self._found.values())

    def cite(self, place: int) -> str:
        """Return the marker of a segment, numbered from 0 over all passages."""
        if place not in self._found:
            passage, i = self._places[place]
            source = self._passages[passage]
            number = len(self._found) + 1
            self._found[place] = cite(number, source.video, source.segments[i : i + 1])
        return f"[{self._found[place].n}]"

    def restore(self, text: str, citations: Sequence[Citation]) -> str:
        """Turn an earlier answer's markers into numbers of these passages, or remove them."""
        numbers = {
            (self._passages[p].video.id, self._passages[p].segments[i].start_s): n
            for n, (p, i) in enumerate(self._places, 1)
        }
        for citation in citations:
            number = numbers.get((citation.video_id, citation.start_s))
            # \0 keeps a restored number from being replaced as the next marker.
            text = text.replace(f"[{citation.n}]", f"[\0{number}]" if number else "")
        return text.replace("[\0", "[")
