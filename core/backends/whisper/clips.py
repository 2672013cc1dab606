"""Cut speech at pauses into clips of at most 30 s, Whisper's window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_CLIP_S = 30.0
"""Whisper's window."""
PAD_S = 0.4
"""Silence kept around speech, because a voice detector cuts off its first and last sounds."""
MAX_SPEECH_S = MAX_CLIP_S - 2 * PAD_S
_EARLIEST_CUT_S = 25.0

Speech = tuple[float, float]
"""Start and end, in seconds, of speech without a pause, at most MAX_SPEECH_S long."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Audio to transcribe in one go. `speech_end_s`: where its last word ends."""

    start_s: float
    end_s: float
    speech_end_s: float


def cut(speech: Sequence[Speech], duration_s: float) -> list[Clip]:
    """Return clips of at most 30 s, in order and without overlap, that cover all speech.

    >>> [(s.start_s, s.end_s) for s in cut([(1, 20), (21, 25.5), (26, 40)], 60)]
    [(0.6, 25.75), (25.75, 40.4)]
    """
    clips: list[Clip] = []
    first = 0
    while first < len(speech):
        last = _last(speech, first)
        start_s, end_s = speech[first][0], speech[last][1]
        before = 0.0 if first == 0 else (speech[first - 1][1] + start_s) / 2
        after = duration_s if last + 1 == len(speech) else (end_s + speech[last + 1][0]) / 2
        clips.append(
            Clip(max(start_s - PAD_S, before), min(end_s + PAD_S, after), speech_end_s=end_s)
        )
        first = last + 1
    return clips


def _last(speech: Sequence[Speech], first: int) -> int:
    """Index of the last speech in the clip that starts with `first`.

    Cuts at the longest pause after 25 s, most often a sentence's end: Whisper often loses half
    of a sentence that is cut in two."""
    start_s = speech[first][0]
    last = first
    while last + 1 < len(speech) and speech[last + 1][1] - start_s <= MAX_SPEECH_S:
        last += 1
    if last + 1 == len(speech):
        return last
    late = [i for i in range(first, last + 1) if speech[i][1] - start_s >= _EARLIEST_CUT_S]
    return max(late or [last], key=lambda i: speech[i + 1][0] - speech[i][1])
