"""Exit codes.

0 done · 1 a check of `doctor` failed · 2 the request or the video · 75 try again later ·
78 configuration · 130 interrupted
"""

from __future__ import annotations

from core.errors import ConfigError, RequestError, VideoError

NO_CLONE = 2
INTERRUPTED = 130


def exit_code(error: Exception) -> int:
    """The exit code for the error, by its branch of the error tree."""
    if isinstance(error, RequestError | VideoError):
        return 2
    return 78 if isinstance(error, ConfigError) else 75
