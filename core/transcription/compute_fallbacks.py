"""Choose lighter compute settings after transcription ran out of memory or the GPU failed."""

from __future__ import annotations

from dataclasses import replace

from core.errors import BackendError, SpeechDeviceFailed, WorkerOutOfMemory
from core.model import LIGHTEST_COMPUTE, SpeechCompute


class Fallback:
    """Lighter settings that worked on this machine, so that the next video starts with them.

    `compute` is None while the configured settings work. Kept until the process ends."""

    def __init__(self) -> None:
        self.compute: SpeechCompute | None = None


def lighter(compute: SpeechCompute, error: BackendError) -> SpeechCompute | None:
    """Return the next lighter settings to try after `error`, or None if none can help.

    Out of memory: halve the batch down to one, then use eight bits, then the CPU. Any other GPU
    failure: use the CPU at once. `compute` must not contain `auto` when memory ran out.

    >>> lighter(SpeechCompute("cuda", "float16", 8), WorkerOutOfMemory("speech"))
    SpeechCompute(device='cuda', compute_type='float16', batch_size=4)
    """
    if isinstance(error, SpeechDeviceFailed):
        return _on_cpu(compute)
    if not isinstance(error, WorkerOutOfMemory):
        return None
    if compute.batch_size > 1:
        return replace(compute, batch_size=compute.batch_size // 2)
    if compute.compute_type != LIGHTEST_COMPUTE and "int8" not in compute.compute_type:
        return replace(compute, compute_type=LIGHTEST_COMPUTE)
    return _on_cpu(compute)


def _on_cpu(compute: SpeechCompute) -> SpeechCompute | None:
    if compute.device == "cpu":
        return None
    return replace(compute, device="cpu", compute_type=LIGHTEST_COMPUTE)
