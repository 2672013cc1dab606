"""This file reads words that are already written: .srt and .vtt files, and YouTube's json3.

Our own few lines, because pysubs2 takes the word times inside YouTube's cues for cues of their own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, Field

from core.errors import NoSpeech, NotMedia
from core.model import Segment

MAX_BYTES = 20_000_000  # a day of speech has about one million
_ROLLING_GAP_S = 0.1
_MOST_LINES = 4
_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}|[\u200b-\u200f\u202a-\u202e\ufeff]")
# [Music], [ __ ], ♪, >> for a new speaker; (laughs) only where it is all there is.
_SOUND = re.compile(r"\[[^\[\]]*\]|^\s*[(（][^()（）]*[)）]\s*$|[♪♫]|^[\s-]*(?:>>+)\s*")


@dataclass(frozen=True, slots=True)
class Cue:
    """What stands on the screen for a while, line by line."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]


class _Piece(BaseModel):
    text: str = Field("", alias="utf8")


class _Event(BaseModel):
    start_ms: float = Field(0, alias="tStartMs")
    duration_ms: float = Field(0, alias="dDurationMs")
    pieces: list[_Piece] = Field([], alias="segs")


class _Json3(BaseModel):
    events: list[_Event]


def read_subtitles(path: Path) -> tuple[Segment, ...]:
    """What a .srt or .vtt file says. Blocks. Raises NotMedia, and NoSpeech if no word is in it."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotMedia(path.name) from error
    cues = parse_text(_decode(data)) if len(data) <= MAX_BYTES else []
    if not cues:
        raise NotMedia(path.name)
    if not (segments := to_segments(cues)):
        raise NoSpeech()
    return segments


def parse_text(text: str) -> list[Cue]:
    """The cues of .srt or .vtt; what is neither has none. A blank line after words ends a cue."""
    found: list[tuple[float, float, list[str]]] = []
    is_open = False
    for line in text.splitlines():
        if times := _TIMES.match(line):
            if is_open and found[-1][2] and found[-1][2][-1].strip().isdigit():
                found[-1][2].pop()  # the number of this cue, not words of the one before
            found.append((_seconds(times.groups()[:4]), _seconds(times.groups()[4:]), []))
            is_open = True
        elif is_open and line.strip():
            found[-1][2].append(line)
        elif is_open and found[-1][2]:
            is_open = False
    return [Cue(start_s, end_s, tuple(lines)) for start_s, end_s, lines in found]


def parse_json3(data: bytes) -> list[Cue]:
    """The cues of YouTube's json3. Raises ValueError if it is something else."""
    return [
        Cue(
            event.start_ms / 1000,
            (event.start_ms + event.duration_ms) / 1000,
            tuple("".join(piece.text for piece in event.pieces).split("\n")),
        )
        for event in _Json3.model_validate_json(data).events
    ]


def to_segments(cues: Sequence[Cue]) -> tuple[Segment, ...]:
    """The words alone, in order of time: no markup, no sounds, and each line of captions that roll
    up the screen once. A segment ends where the next one starts, if not before."""
    segments = list(_unroll(sorted(cues, key=lambda cue: cue.start_s)))
    clipped = [
        replace(this, end_s=min(this.end_s, after.start_s)) for this, after in pairwise(segments)
    ]
    return (*clipped, *segments[-1:])


def _unroll(cues: Sequence[Cue]) -> Iterator[Segment]:
    shown: list[str] = []
    shown_until_s = 0.0
    for cue in cues:
        lines = [words for line in cue.lines if (words := _words(line))]
        is_next = cue.start_s <= shown_until_s + _ROLLING_GAP_S
        fresh = lines[_repeated(shown, lines) :] if is_next else lines
        shown, shown_until_s = lines or shown, cue.end_s
        if fresh:
            yield Segment(cue.start_s, max(cue.start_s, cue.end_s), " ".join(fresh))


def _repeated(shown: list[str], lines: list[str]) -> int:
    """How many of the first `lines` are the last ones shown."""
    most = min(len(shown), len(lines), _MOST_LINES)
    return next((n for n in range(most, 0, -1) if shown[-n:] == lines[:n]), 0)


def _words(line: str) -> str:
    """The line without markup and sounds.

    >>> _words("<c>&gt;&gt; Bees</c><00:00:01.500> [Music] dance")
    'Bees dance'
    """
    plain = html.unescape(_TAG.sub("", line))
    words = " ".join(_SOUND.sub(" ", plain).split())
    return words if any(letter.isalnum() for letter in words) else ""


def _seconds(clock: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in clock)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _decode(data: bytes) -> str:
    """Unicode by its mark or its zero bytes, else UTF-8, else Korean Windows, else Western."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:2]:
        big = data[:1] == b"\0"
        return data.decode("utf-16-be" if big else "utf-16-le", errors="replace")
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", errors="replace")
