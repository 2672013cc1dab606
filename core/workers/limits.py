"""Limits of each child process: time, memory, and how long it is kept.

They are constants, not settings: memory is a share of the machine's, and time is counted in the
child's own heartbeats, which a busy machine slows down as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import psutil

ChildName = Literal["fetch", "speech", "index", "models"]

HEARTBEAT_S = 1
"""How often a child that works on a request sends a heartbeat."""
_MINUTE = 60
_HOUR = 60 * _MINUTE


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Limits of one kind of child."""

    name: ChildName
    reply_timeout_s: int
    """A child that sends heartbeats but no reply for this long hangs."""
    disposable: bool
    """Whether to kill the child when the caller abandons its request. Otherwise the request may
    finish within `drain_s`."""
    memory_share: float
    """Share of the machine's memory. A container's own limit is enforced by the kernel."""
    max_requests: int
    """Replace the child after this many requests, because libraries leak."""
    drain_s: float = 5.0
    """A program that is asked to stop has ten seconds in all."""
    start_timeout_s: int = 60
    """Until the first heartbeat, which comes once the libraries are imported."""
    heartbeat_timeout_s: int = 60  # no heartbeat passes while a large model loads from a slow disk
    """A child that works but sends no heartbeat for this long is stuck."""
    idle_timeout_s: float | None = None
    """End the child after this long without a request, to free its memory."""
    packages: tuple[str, ...] = ()
    """Distributions that are updated while the program runs: the next request gets a new child."""
    method_timeouts_s: Mapping[str, int] = field(default_factory=dict)
    """Total time for a request, by method. Methods that are not listed have no such limit."""

    @property
    def memory_bytes(self) -> int:
        """Maximum for the child and all processes it started."""
        return int(_machine_bytes() * self.memory_share)

    @property
    def replace_above_bytes(self) -> int:
        """Replace the child before the next request when it holds more than this."""
        return int(self.memory_bytes * 0.75)


@cache  # asked after every request
def _machine_bytes() -> int:
    return int(psutil.virtual_memory().total)


FETCH = ChildLimits(
    "fetch",
    reply_timeout_s=180,
    disposable=True,
    memory_share=0.25,
    max_requests=500,
    packages=("yt-dlp", "yt-dlp-ejs"),
    method_timeouts_s={"look_up": 180, "captions": 180, "download": 4 * _HOUR},
)
SPEECH = ChildLimits(
    "speech",
    reply_timeout_s=1800,  # a batch of a large model on a slow CPU
    disposable=True,
    memory_share=0.75,
    max_requests=50,
    idle_timeout_s=5 * _MINUTE,
    method_timeouts_s={"device": _MINUTE, "resolve_compute": _MINUTE, "is_downloaded": _MINUTE},
)
INDEX = ChildLimits(
    "index",
    reply_timeout_s=600,  # a large model on a slow CPU
    disposable=False,  # Chroma must close
    memory_share=0.5,
    max_requests=20_000,
    method_timeouts_s={"vectors.nearest": _MINUTE, "keywords.matching": _MINUTE},
)
MODELS = ChildLimits(
    "models",
    reply_timeout_s=4 * _HOUR,  # a large model over a slow line
    disposable=True,
    memory_share=0.5,
    max_requests=50,
    idle_timeout_s=_MINUTE,
)
