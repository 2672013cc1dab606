"""The check of a video's length against the settings."""

from __future__ import annotations

from core.config import Limits
from core.errors import VideoTooLong


def check_length(duration_s: float, limits: Limits) -> None:
    """Raise VideoTooLong if the video, in whole minutes, is longer than `limits.max_minutes`."""
    minutes = round(duration_s / 60)
    if minutes > limits.max_minutes:
        raise VideoTooLong(minutes, limits.max_minutes)
