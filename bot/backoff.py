"""This file tells how long to wait before trying again: longer each time, and never for ever."""

from __future__ import annotations

_MOST_DOUBLINGS = 30
"""An outage of a day may bring more tries than a float can double."""


def pause_s(failures: int, longest_s: float, first_s: float = 1.0) -> float:
    """After so many failures before this one.

    >>> pause_s(0, 60.0), pause_s(3, 60.0), pause_s(5000, 60.0)
    (1.0, 8.0, 60.0)
    """
    return min(first_s * 2.0 ** min(failures, _MOST_DOUBLINGS), longest_s)
