"""This file says what is tried next when hearing asks more of the machine than there is."""

from __future__ import annotations

from dataclasses import replace

from core.errors import BackendError, SpeechDeviceFailed, WorkerOutOfMemory
from core.model import LIGHTEST, Effort


class Ladder:
    """The effort that this machine was found to bear, as long as the process lives: the next video
    does not begin by failing again."""

    def __init__(self) -> None:
        self.effort: Effort | None = None


def lighter(effort: Effort, error: BackendError) -> Effort | None:
    """The next rung, or None: half the batch down to one, then eight bits, then the CPU. A card
    that fails in any other way than by its memory is left at once.

    `effort`: what it means on this machine, without `auto`.

    >>> lighter(Effort("cuda", "float16", 8), WorkerOutOfMemory("speech"))
    Effort(device='cuda', compute_type='float16', batch_size=4)
    """
    if isinstance(error, SpeechDeviceFailed):
        return _on_the_cpu(effort)
    if not isinstance(error, WorkerOutOfMemory):
        return None
    if effort.batch_size > 1:
        return replace(effort, batch_size=effort.batch_size // 2)
    if effort.compute_type != LIGHTEST and "int8" not in effort.compute_type:
        return replace(effort, compute_type=LIGHTEST)
    return _on_the_cpu(effort)


def _on_the_cpu(effort: Effort) -> Effort | None:
    if effort.device == "cpu":
        return None
    return replace(effort, device="cpu", compute_type=LIGHTEST)
