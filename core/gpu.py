"""The first NVIDIA GPU and its memory, as the driver reports them."""

from __future__ import annotations

from dataclasses import dataclass

import pynvml


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU's name and memory."""

    name: str
    total_bytes: int
    free_bytes: int


def find_gpu() -> Gpu | None:
    """The first GPU, or None without one or without a working driver. May block for seconds."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
        memory = pynvml.nvmlDeviceGetMemoryInfo(gpu)
        return Gpu(pynvml.nvmlDeviceGetName(gpu), memory.total, memory.free)
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()
