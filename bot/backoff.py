"""How long to wait before the next retry: twice as long after each failure, up to a limit."""

from __future__ import annotations

_MAX_DOUBLINGS = 30
"""An outage of a day can cause more retries than a float can double."""


def backoff_s(failures: int, longest_s: float, first_s: float = 1.0) -> float:
    """Return the seconds to wait after a failure, given the number of failures before it.

    >>> backoff_s(0, 60.0), backoff_s(3, 60.0), backoff_s(5000, 60.0)
    (1.0, 8.0, 60.0)
    """
    return min(first_s * 2.0 ** min(failures, _MAX_DOUBLINGS), longest_s)
