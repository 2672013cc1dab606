"""The checks of a video's length against the settings, and of its text against its length."""

from __future__ import annotations

from collections.abc import Iterable

from core.config import Limits
from core.errors import TooMuchText, VideoTooLong
from core.model import Segment

_CHARACTERS_PER_S = 40
"""Twice what the fastest of 62 real talks has."""
_ANY_LENGTH = 5_000
"""Characters that a video of any length may have: subtitles end before it does."""


def check_length(duration_s: float, limits: Limits) -> None:
    """Raise VideoTooLong if the video, in whole minutes, is longer than `limits.max_minutes`."""
    minutes = round(duration_s / 60)
    if minutes > limits.max_minutes:
        raise VideoTooLong(minutes, limits.max_minutes)


def check_text(segments: Iterable[Segment], duration_s: float) -> None:
    """Raise TooMuchText for more characters than can be said in the time. A small file of them
    would cost hours of embedding."""
    characters = sum(len(segment.text) for segment in segments)
    if characters > _ANY_LENGTH + _CHARACTERS_PER_S * duration_s:
        raise TooMuchText(round(duration_s / 60), characters)
