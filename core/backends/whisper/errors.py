"""Recognise CTranslate2's out-of-memory and GPU errors by their messages."""

from __future__ import annotations

import re

from core.errors import BackendError, SpeechDeviceFailed, WorkerOutOfMemory

# Messages of libctranslate2 4.8, including its "failed to allocated".
_MEMORY = re.compile("out of memory|failed to allocate|ALLOC_FAILED|bad_alloc", re.IGNORECASE)
_DEVICE = re.compile(r"(CUDA|cuBLAS|cuDNN) failed|cudaError|Library libcu\w+")


def resource_error(error: Exception) -> BackendError | None:
    """Return the error that lighter compute settings may avoid, or None for any other.

    >>> resource_error(RuntimeError("CUDA failed with error out of memory"))
    WorkerOutOfMemory(role='speech', detail='CUDA failed with error out of memory')
    """
    message = str(error)
    if isinstance(error, MemoryError) or _MEMORY.search(message):
        return WorkerOutOfMemory("speech", message)
    return SpeechDeviceFailed(message) if _DEVICE.search(message) else None
