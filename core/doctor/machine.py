"""Check the machine: Python, GPU, data folder and disk."""

from __future__ import annotations

import asyncio
import errno
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from core.config import Core
from core.doctor.probes import open_child
from core.errors import DataUnwritable, DiskFull
from core.gpu import Gpu, find_gpu
from core.model import Check, Fact
from core.workers.limits import SPEECH

PYTHON = (3, 11)
SCARCE_GB, TOO_LITTLE_GB = 5.0, 0.5
"""Free disk space. The models to download take 2 GB, a long video's audio up to 1 GB."""

_GB = 1e9


async def python(config: Core) -> Check:
    """Check that Python is new enough."""
    version, minimum = (".".join(map(str, v)) for v in (sys.version_info[:3], PYTHON))
    facts = {"version": version, "minimum": minimum}
    if sys.version_info < PYTHON:
        return Check("python", "fail", "too_old", facts)
    return Check("python", "ok", facts=facts)


async def gpu(config: Core, find: Callable[[], Gpu | None] = find_gpu) -> Check:
    """Check the first NVIDIA GPU, its memory, and whether transcription can use it."""
    device = config.speech.device
    card = await asyncio.to_thread(find)
    if card is None and device == "cuda":
        return Check("gpu", "fail", "missing")
    if card is None:
        free_gb = round(psutil.virtual_memory().available / _GB, 1)
        return Check("gpu", "ok", "none", {"free_gb": free_gb})
    total_gb, free_gb = (round(size / _GB, 1) for size in (card.total_bytes, card.free_bytes))
    facts: dict[str, Fact] = {"card": card.name, "total_gb": total_gb, "free_gb": free_gb}
    if device == "cpu" or await _is_usable(config):
        return Check("gpu", "ok", facts=facts)
    return Check("gpu", "fail" if device == "cuda" else "warn", "unusable", facts)


async def _is_usable(config: Core) -> bool:
    """Ask the speech child: CTranslate2's device count and cuBLAS decide."""
    auto = config.speech.model_copy(update={"device": "auto"})
    async with open_child(SPEECH, config.model_copy(update={"speech": auto})) as worker:
        return bool(await worker.call("device") == "cuda")


async def data_folder(config: Core) -> Check:
    """Check that a file can be written. Raises DataUnwritable, DiskFull."""
    await asyncio.to_thread(_write, config.data_dir)
    return Check("data_folder", "ok")


def _write(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
    except OSError as error:
        raise DiskFull() if error.errno == errno.ENOSPC else DataUnwritable() from error


async def disk(config: Core) -> Check:
    """Check the free space where the data folder is or will be."""
    folder = config.data_dir.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return judge_disk(shutil.disk_usage(existing).free / _GB)


def judge_disk(free_gb: float) -> Check:
    """Too little space prevents ingest; scarce space soon will."""
    facts = {"free_gb": round(free_gb, 1)}
    if free_gb < TOO_LITTLE_GB:
        return Check("disk", "fail", "too_little", facts)
    if free_gb < SCARCE_GB:
        return Check("disk", "warn", "scarce", facts)
    return Check("disk", "ok", facts=facts)
