"""This file says what each kind of child process may take: time, memory, and how long it is kept.

These are no settings: nobody could choose them better by knowing the machine, for memory is a share
of the machine's, and time is counted in the child's own beats, which a busy machine slows down too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import psutil

ChildName = Literal["fetch", "speech", "index"]

BEAT_S = 1
"""A child that works says so as often."""
_MINUTE = 60
_HOUR = 60 * _MINUTE


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """`disposable`: a request nobody waits for any more is ended with its process; otherwise it is
    let run to its end, if that comes within `leave_s`: a program that is told to stop has ten
    seconds.

    `start_s`: a new child's first beat comes when its libraries are imported. `beatless_s`: one
    that works but does not beat is stuck, whatever it does. `silence_s`: one that beats but has no
    word for its request hangs. `longest_s`: what the requests named may take in all.

    `memory_share`: of the machine's; a container's own limit is the kernel's to watch. A child that
    holds three quarters of it, or has served `requests`, is replaced between two: libraries leak.
    `idle_s`: nobody having asked for so long, it ends, and its memory is free."""

    name: ChildName
    silence_s: int
    disposable: bool
    memory_share: float
    requests: int
    leave_s: float = 5.0
    start_s: int = 60
    beatless_s: int = 60  # loading a large library or model from a slow disk lets no beat through
    idle_s: float | None = None
    longest_s: Mapping[str, int] = field(default_factory=dict)

    @property
    def memory_bytes(self) -> int:
        """More is never held by the child and all it started."""
        return int(psutil.virtual_memory().total * self.memory_share)

    @property
    def worn_bytes(self) -> int:
        """More is not kept for the next request."""
        return int(self.memory_bytes * 0.75)


FETCH = ChildLimits(
    "fetch",
    silence_s=180,
    disposable=True,
    memory_share=0.25,
    requests=500,
    longest_s={"look_up": 180, "captions": 180, "download": 4 * _HOUR},
)
SPEECH = ChildLimits(
    "speech",
    silence_s=1800,  # a batch of a large model on a slow CPU
    disposable=True,
    memory_share=0.75,
    requests=50,
    idle_s=5 * _MINUTE,
    longest_s={"device": _MINUTE, "settle": _MINUTE, "is_here": _MINUTE},
)
INDEX = ChildLimits(
    "index",
    silence_s=600,  # it may download its model
    disposable=False,  # Chroma must close
    memory_share=0.5,
    requests=20_000,
    longest_s={"vectors.nearest": _MINUTE, "keywords.matching": _MINUTE},
)
