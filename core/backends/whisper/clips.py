"""This file cuts speech into clips that Whisper hears in one piece, at the pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_S = 30.0
"""Whisper's window."""
PAD_S = 0.4
"""Silence kept around a clip: a voice detector clips the first and last sounds."""
LONGEST_SPEECH_S = LONGEST_S - 2 * PAD_S
_FULL_S = 25.0

Speech = tuple[float, float]
"""From, to: where somebody speaks without a pause, at most LONGEST_SPEECH_S long."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Audio to be heard in one piece. `speech_end_s`: where the last word in it ends."""

    start_s: float
    end_s: float
    speech_end_s: float


def cut(speech: Sequence[Speech], duration_s: float) -> list[Clip]:
    """Clips of at most 30 s, in order and apart, that hold all the speech.

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
    """Where the clip that begins with `first` ends: at the longest of the last pauses, which is
    most often the end of a sentence. A sentence cut in two is a sentence half lost."""
    start_s = speech[first][0]
    last = first
    while last + 1 < len(speech) and speech[last + 1][1] - start_s <= LONGEST_SPEECH_S:
        last += 1
    if last + 1 == len(speech):
        return last
    late = [i for i in range(first, last + 1) if speech[i][1] - start_s >= _FULL_S]
    return max(late or [last], key=lambda i: speech[i + 1][0] - speech[i][1])
