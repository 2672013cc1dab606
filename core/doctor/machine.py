"""This file checks the machine: Python, the GPU, the data folder and the disk below it."""

from __future__ import annotations

import asyncio
import errno
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from core.config import Core
from core.doctor.probes import ask_program, child
from core.errors import DataUnwritable, DiskFull
from core.model import Check, Fact
from core.workers.limits import SPEECH

PYTHON = (3, 11)
SCARCE_GB, TOO_LITTLE_GB = 5.0, 0.5
"""The models to download are 2 GB, one long video's audio up to 1 GB."""

_GB, _MIB = 1e9, 1024 * 1024
_NVIDIA = (
    "nvidia-smi",
    "--query-gpu=name,memory.total,memory.free",
    "--format=csv,noheader,nounits",
)


async def python(config: Core) -> Check:
    """New enough for the program."""
    version, minimum = (".".join(map(str, v)) for v in (sys.version_info[:3], PYTHON))
    facts = {"version": version, "minimum": minimum}
    if sys.version_info < PYTHON:
        return Check("python", "fail", "too_old", facts)
    return Check("python", "ok", facts=facts)


async def gpu(config: Core) -> Check:
    """The first NVIDIA card with its memory, and whether hearing can use it."""
    device = config.speech.device
    card = read_card(await ask_program(*_NVIDIA) or "")
    if card is None and device == "cuda":
        return Check("gpu", "fail", "missing")
    if card is None:
        free_gb = round(psutil.virtual_memory().available / _GB, 1)
        return Check("gpu", "ok", "none", {"free_gb": free_gb})
    if device == "cpu" or await _hearing_can_use_it(config):
        return Check("gpu", "ok", facts=card)
    return Check("gpu", "fail" if device == "cuda" else "warn", "unusable", card)


def read_card(told: str) -> dict[str, Fact] | None:
    """The first card's name, whole and free memory in gigabytes, of what nvidia-smi prints.

    >>> read_card("NVIDIA H100 80GB HBM3, 81559, 80994")
    {'card': 'NVIDIA H100 80GB HBM3', 'total_gb': 85.5, 'free_gb': 84.9}
    """
    name, *sizes = (part.strip() for part in told.strip().partition("\n")[0].rsplit(",", 2))
    if len(sizes) != 2 or not all(size.isdecimal() for size in sizes):
        return None  # no card, or a driver that does not answer
    total_gb, free_gb = (round(int(size) * _MIB / _GB, 1) for size in sizes)
    return {"card": name, "total_gb": total_gb, "free_gb": free_gb}


async def _hearing_can_use_it(config: Core) -> bool:
    """The child has CTranslate2: its own count of devices, and cuBLAS, decide."""
    auto = config.speech.model_copy(update={"device": "auto"})
    async with child(SPEECH, config.model_copy(update={"speech": auto})) as worker:
        return bool(await worker.call("device") == "cuda")


async def data_folder(config: Core) -> Check:
    """A file can be written there, and goes again. Raises DataUnwritable, DiskFull."""
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
    """Space left where the data folder is, or will be."""
    folder = config.data_dir.absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return judge_disk(shutil.disk_usage(there).free / _GB)


def judge_disk(free_gb: float) -> Check:
    """Too little: nothing more can be taken in. Scarce: it will be soon."""
    facts = {"free_gb": round(free_gb, 1)}
    if free_gb < TOO_LITTLE_GB:
        return Check("disk", "fail", "too_little", facts)
    if free_gb < SCARCE_GB:
        return Check("disk", "warn", "scarce", facts)
    return Check("disk", "ok", facts=facts)
