"""Refuse videos that are longer than the settings allow."""

from __future__ import annotations

from core.config import Limits
from core.errors import VideoTooLong


def check_length(duration_s: float, limits: Limits) -> None:
    """Raises VideoTooLong. Compares whole minutes, rounded."""
    minutes = round(duration_s / 60)
    if minutes > limits.max_minutes:
        raise VideoTooLong(minutes, limits.max_minutes)
