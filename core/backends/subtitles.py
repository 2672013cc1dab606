"""Parse subtitles: .srt and .vtt files, and YouTube's json3 captions.

We do not use pysubs2 because it takes the word times inside YouTube's cues for separate cues.
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
from core.model import Segment, Subtitles
from core.text.languages import spoken_language

MAX_BYTES = 5_000_000  # a day of speech takes about one million
_ROLLING_GAP_S = 0.1
_MAX_LINES = 4
_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_LANGUAGE = re.compile(r"^Language:\s*([A-Za-z]{2,3})\b", re.MULTILINE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}|[\u200b-\u200f\u202a-\u202e\ufeff]")
# [Music], [ __ ], ♪, >> for a new speaker; (laughs) only if it is the whole line.
_SOUND = re.compile(r"\[[^\[\]]*\]|^\s*[(（][^()（）]*[)）]\s*$|[♪♫]|^[\s-]*(?:>>+)\s*")


@dataclass(frozen=True, slots=True)
class Cue:
    """Lines shown on the screen together."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]


class _Text(BaseModel):
    text: str = Field("", alias="utf8")


class _Event(BaseModel):
    start_ms: float = Field(0, alias="tStartMs")
    duration_ms: float = Field(0, alias="dDurationMs")
    texts: list[_Text] = Field([], alias="segs")


class _Json3(BaseModel):
    events: list[_Event]


def read_subtitles(path: Path) -> Subtitles:
    """Read a .srt or .vtt file. Blocks. Raises NotMedia, or NoSpeech if it has no words.

    The language is the one that a .vtt file names, else that of the words."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotMedia(path.name) from error
    text = _decode(data) if len(data) <= MAX_BYTES else ""
    if not (cues := parse_text(text)):
        raise NotMedia(path.name)
    if not (segments := to_segments(cues)):
        raise NoSpeech()
    language = _named_language(text) or spoken_language(" ".join(s.text for s in segments))
    return Subtitles(segments, language)


def parse_text(text: str) -> list[Cue]:
    """Parse .srt or .vtt; any other text has no cues. A blank line after text ends a cue."""
    found: list[tuple[float, float, list[str]]] = []
    is_open = False
    for line in text.splitlines():
        if times := _TIMES.match(line):
            if is_open and found[-1][2] and found[-1][2][-1].strip().isdigit():
                found[-1][2].pop()  # this cue's number, not text of the previous cue
            found.append((_seconds(times.groups()[:4]), _seconds(times.groups()[4:]), []))
            is_open = True
        elif is_open and line.strip():
            found[-1][2].append(line)
        elif is_open and found[-1][2]:
            is_open = False
    return [Cue(start_s, end_s, tuple(lines)) for start_s, end_s, lines in found]


def parse_json3(data: bytes) -> list[Cue]:
    """Parse YouTube's json3. Raises ValueError for anything else."""
    return [
        Cue(
            event.start_ms / 1000,
            (event.start_ms + event.duration_ms) / 1000,
            tuple("".join(part.text for part in event.texts).split("\n")),
        )
        for event in _Json3.model_validate_json(data).events
    ]


def to_segments(cues: Sequence[Cue]) -> tuple[Segment, ...]:
    """Convert cues to segments in order of time, without markup and sound descriptions.

    A line that rolls up the screen is kept once. A segment ends where the next one starts, if not
    before."""
    segments = list(_drop_repeated_lines(sorted(cues, key=lambda cue: cue.start_s)))
    clipped = [
        replace(this, end_s=min(this.end_s, after.start_s)) for this, after in pairwise(segments)
    ]
    return (*clipped, *segments[-1:])


def _drop_repeated_lines(cues: Sequence[Cue]) -> Iterator[Segment]:
    shown: list[str] = []
    shown_until_s = 0.0
    for cue in cues:
        lines = [words for line in cue.lines if (words := _words(line))]
        is_adjacent = cue.start_s <= shown_until_s + _ROLLING_GAP_S
        new = lines[_repeated(shown, lines) :] if is_adjacent else lines
        shown, shown_until_s = lines or shown, cue.end_s
        if new:
            yield Segment(cue.start_s, max(cue.start_s, cue.end_s), " ".join(new))


def _repeated(shown: list[str], lines: list[str]) -> int:
    """Count the first `lines` that are also the last lines shown."""
    most = min(len(shown), len(lines), _MAX_LINES)
    return next((n for n in range(most, 0, -1) if shown[-n:] == lines[:n]), 0)


def _words(line: str) -> str:
    """Remove markup and sound descriptions.

    >>> _words("<c>&gt;&gt; Bees</c><00:00:01.500> [Music] dance")
    'Bees dance'
    """
    plain = html.unescape(_TAG.sub("", line))
    words = " ".join(_SOUND.sub(" ", plain).split())
    return words if any(letter.isalnum() for letter in words) else ""


def _seconds(clock: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in clock)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _named_language(text: str) -> str:
    """Return the language code in the header of WebVTT, without a region, or "".

    >>> _named_language("WEBVTT\\nKind: captions\\nLanguage: en-US\\n\\n00:01.000 --> 00:02.000")
    'en'
    """
    header, _, _ = text.replace("\r\n", "\n").partition("\n\n")
    named = _LANGUAGE.search(header) if header.startswith("WEBVTT") else None
    return named[1].lower() if named else ""


def _decode(data: bytes) -> str:
    """Detect UTF-16 by its byte order mark or zero bytes, then try UTF-8, CP949 and CP1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:2]:
        is_big_endian = data[:1] == b"\0"
        return data.decode("utf-16-be" if is_big_endian else "utf-16-le", errors="replace")
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", errors="replace")
