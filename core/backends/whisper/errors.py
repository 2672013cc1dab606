"""This file tells from CTranslate2's words what is wrong: memory, the card, or something else."""

from __future__ import annotations

import re

from core.errors import BackendError, SpeechDeviceFailed, WorkerOutOfMemory

# As libctranslate2 4.8 has them, "failed to allocated" too.
_MEMORY = re.compile("out of memory|failed to allocate|ALLOC_FAILED|bad_alloc", re.IGNORECASE)
_DEVICE = re.compile(r"(CUDA|cuBLAS|cuDNN) failed|cudaError|Library libcu\w+")


def resource_error(error: Exception) -> BackendError | None:
    """What a lighter effort may help against; None for all else.

    >>> resource_error(RuntimeError("CUDA failed with error out of memory"))
    WorkerOutOfMemory(role='speech', detail='CUDA failed with error out of memory')
    """
    told = str(error)
    if isinstance(error, MemoryError) or _MEMORY.search(told):
        return WorkerOutOfMemory("speech", told)
    return SpeechDeviceFailed(told) if _DEVICE.search(told) else None
