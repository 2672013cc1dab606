"""Join segments, which break anywhere, and cut their text into sentences with times.

Whisper's segments and caption cues end where a window or a line ends. Points, citations and chunks
are made of sentences instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.model import Segment

LONG_PAUSE_S = 2.0
"""A pause that ends a sentence even in the middle of a line."""
MAX_CHARACTERS, MAX_CJK_CHARACTERS, MAX_S = 320, 160, 40.0
"""Longer sentences are cut at their best border: most speakers never stop for a full stop."""
_PUNCTUATED = 1 / 250
"""Sentence ends per character from which on a text counts as punctuated."""

# A unit is what stands between blanks; Chinese and Japanese have none, so "。" ends one as well.
_UNIT = re.compile(r"[^\s。！？]*[。！？]+[”’」』\"')\]]*|\S+")
_END = re.compile(r"(?:[.?!…]+|[。！？]+)[”’」』\"')\]]*$")
_ABBREVIATION = re.compile(
    r"""(?:\W*(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|Mt|Gen|Col|Lt|Sgt|Capt|Rev|Hon|Gov|Sen|Rep|vs|etc|approx
    |cf|Fig|fig|No|no|pp|Vol|vol|Inc|Ltd|Co|Corp|Dept|Ave|Blvd|Jan|Feb|Apr|Aug|Sept|Oct|Nov|Dec)
    |(?:[A-Za-z]\.)*[A-Za-z])\.$""",
    re.VERBOSE,
)
_KOREAN_FORMAL_END = re.compile(r"[가-힣]니다$")  # ends a sentence with or without a full stop
_KOREAN_END = re.compile(
    r"(?:니다|[어아여에예해세네]요|[까군]요|죠|지요|거든요|는데요|인데요|잖아요|래요)[.?!…]*$"
)
_FIRST_PERSON = ("I", "I'm", "I've", "I'll", "I'd")  # capital letters anywhere in a sentence
_CLAUSE_END = re.compile(r"[,;:、，；][”’\"')]*$|(?:고|데|서|면|니까|지만)$")
_CJK = re.compile("[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]")
_UNSPACED = re.compile("[\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff！？]")


@dataclass(frozen=True, slots=True)
class _Word:
    """A word with its time. `pause_s`: silence before it; `is_first`: whether a segment starts with
    it; `glued`: whether no blank stands before it."""

    text: str
    start_s: float
    end_s: float
    pause_s: float
    is_first: bool
    glued: bool


def split_sentences(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Return the same words in the same order, one sentence per segment.

    A word's time is interpolated within its segment by characters. Text without punctuation is cut
    at Korean sentence endings, lines that begin with a capital letter, and pauses.

    >>> halves = (Segment(0, 2, "Bees dance. They"), Segment(2, 4, "cost $3.50, says Dr. May."))
    >>> [(s.start_s, s.end_s, s.text) for s in split_sentences(halves)][1]
    (1.5, 4, 'They cost $3.50, says Dr. May.')
    """
    words = list(_words(segments))
    characters = sum(len(word.text) for word in words)
    ends = sum(bool(_END.search(word.text)) for word in words)
    is_punctuated = ends >= characters * _PUNCTUATED
    sentences: list[Segment] = []
    first = 0
    for after in range(1, len(words) + 1):
        if after == len(words) or _ends_sentence(words[after - 1], words[after], is_punctuated):
            sentences += map(_join, _cut(words[first:after]))
            first = after
    return tuple(sentences)


def is_abbreviation(word: str) -> bool:
    """Whether the full stop at the end of `word` may belong to it: "Dr.", "e.g.", "J."."""
    return bool(_ABBREVIATION.fullmatch(word))


def _words(segments: Sequence[Segment]) -> Iterator[_Word]:
    """Yield all words with interpolated times, which never run backward."""
    end_s, glue = segments[0].start_s if segments else 0.0, False
    for segment in segments:
        text = segment.text.strip()
        rate = max(segment.end_s - segment.start_s, 0.0) / max(len(text), 1)
        previous = 0
        for unit in _UNIT.finditer(text):
            start_s = max(segment.start_s + unit.start() * rate, end_s)
            pause_s = start_s - end_s if unit.start() == 0 else 0.0
            is_last = unit.end() == len(text)
            unit_end_s = segment.end_s if is_last else segment.start_s + unit.end() * rate
            glued = glue if unit.start() == 0 else unit.start() == previous
            end_s = max(unit_end_s, start_s)
            yield _Word(unit.group(), start_s, end_s, pause_s, unit.start() == 0, glued)
            previous = unit.end()
        glue = bool(text) and bool(_UNSPACED.fullmatch(text[-1]))


def _ends_sentence(word: _Word, following: _Word, is_punctuated: bool) -> bool:
    if following.pause_s >= LONG_PAUSE_S or _KOREAN_FORMAL_END.search(word.text):
        return True
    if _END.search(word.text):
        if re.search("[。！？]", word.text):
            return True
        return not is_abbreviation(word.text) and not following.text[:1].islower()
    if is_punctuated:
        return False
    starts_line = following.is_first and following.text[:1].isupper()
    return bool(_KOREAN_END.search(word.text)) or (
        starts_line and following.text not in _FIRST_PERSON
    )


def _cut(words: Sequence[_Word]) -> Iterator[Sequence[_Word]]:
    """Cut what is too long in two, at the best border near its middle, until it fits."""
    if _fits(words) or len(words) < 2:
        yield words
        return
    length = sum(len(word.text) for word in words)
    before, best, best_score = 0, len(words) // 2, -1.0
    for i in range(1, len(words)):
        before += len(words[i - 1].text)
        score = _border(words[i - 1], words[i]) * min(before, length - before) / length
        if score > best_score:
            best, best_score = i, score
    yield from _cut(words[:best])
    yield from _cut(words[best:])


def _border(word: _Word, following: _Word) -> float:
    """Score how natural it is to cut between two words."""
    ending = 4.0 * bool(_KOREAN_END.search(word.text) or _END.search(word.text))
    clause = 2.0 * bool(_CLAUSE_END.search(word.text))
    return 0.1 + ending + clause + 4.0 * min(following.pause_s, 1.0) + 0.5 * following.is_first


def _fits(words: Sequence[_Word]) -> bool:
    text = "".join(word.text for word in words)
    limit = MAX_CJK_CHARACTERS if 2 * len(_CJK.findall(text)) > len(text) else MAX_CHARACTERS
    return len(text) <= limit and words[-1].end_s - words[0].start_s <= MAX_S


def _join(words: Sequence[_Word]) -> Segment:
    text = words[0].text + "".join(w.text if w.glued else f" {w.text}" for w in words[1:])
    return Segment(words[0].start_s, words[-1].end_s, text)
