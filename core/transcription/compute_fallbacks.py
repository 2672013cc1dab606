"""This file says what is tried next when hearing asks more of the machine than there is."""

from __future__ import annotations

from dataclasses import replace

from core.errors import BackendError, SpeechDeviceFailed, WorkerOutOfMemory
from core.model import LIGHTEST, SpeechCompute


class Fallback:
    """The effort that this machine was found to bear, as long as the process lives: the next video
    does not begin by failing again."""

    def __init__(self) -> None:
        self.compute: SpeechCompute | None = None


def lighter(compute: SpeechCompute, error: BackendError) -> SpeechCompute | None:
    """The next rung, or None: half the batch down to one, then eight bits, then the CPU. A card
    that fails in any other way than by its memory is left at once.

    `compute`: what it means on this machine, without `auto`.

    >>> lighter(Effort("cuda", "float16", 8), WorkerOutOfMemory("speech"))
    Effort(device='cuda', compute_type='float16', batch_size=4)
    """
    if isinstance(error, SpeechDeviceFailed):
        return _on_the_cpu(compute)
    if not isinstance(error, WorkerOutOfMemory):
        return None
    if compute.batch_size > 1:
        return replace(compute, batch_size=compute.batch_size // 2)
    if compute.compute_type != LIGHTEST and "int8" not in compute.compute_type:
        return replace(compute, compute_type=LIGHTEST)
    return _on_the_cpu(compute)


def _on_the_cpu(compute: SpeechCompute) -> SpeechCompute | None:
    if compute.device == "cpu":
        return None
    return replace(compute, device="cpu", compute_type=LIGHTEST)
