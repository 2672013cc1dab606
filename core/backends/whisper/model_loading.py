"""This file brings a speech model into memory, on the best device there is, or tells beforehand."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Collection
from errno import ENOSPC
from importlib.util import find_spec
from pathlib import Path

import ctranslate2
import psutil
from faster_whisper import WhisperModel, download_model

from core.backends.whisper.errors import resource_error
from core.config import Speech
from core.errors import ConfigInvalid, DiskFull, SpeechModelMissing
from core.model import LIGHTEST

FLOAT16_MB = 6000
"""large-v3 with a batch of 8 took 6.1 GB in float16, 4.5 GB in int8 (faster-whisper's README)."""


def load(speech: Speech) -> WhisperModel:
    """Raises SpeechModelMissing, WorkerOutOfMemory, SpeechDeviceFailed, ConfigInvalid, DiskFull."""
    target, compute_type = settle(speech.device, speech.compute_type)
    folder = _folder(speech.model)
    ctranslate2.set_random_seed(0)  # a second hearing may draw lots; the same file, the same words
    try:
        return WhisperModel(
            folder,
            device=target,
            compute_type=compute_type,
            cpu_threads=psutil.cpu_count(logical=False) or 4,
        )
    except Exception as error:  # tokenizers throws nothing more special
        raise resource_error(error) or SpeechModelMissing(speech.model) from error


def settle(wanted_device: str, wanted_type: str) -> tuple[str, str]:
    """The device and the compute type that are taken here and now."""
    target = device(wanted_device)
    return target, best_compute_type(
        wanted_type,
        ctranslate2.get_supported_compute_types(target),
        free_mb=_free_gpu_mb() if target == "cuda" else 0,
    )


def is_downloaded(model: str) -> bool:
    """Whether it can be loaded without a download.

    Raises SpeechModelMissing for a name that no download knows."""
    if Path(model).is_dir():
        return Path(model, "model.bin").is_file()
    try:
        return Path(download_model(model, local_files_only=True), "model.bin").exists()
    except OSError:
        return False
    except ValueError as error:
        raise SpeechModelMissing(model) from error


def _folder(model: str) -> str:
    """Where the model's files lie; downloaded if they are not here yet."""
    if Path(model).is_dir():
        return model
    try:
        folder = download_model(model, local_files_only=True)
        if Path(folder, "model.bin").exists():  # else a download was interrupted
            return str(folder)
    except (OSError, ValueError):
        pass
    try:
        return str(download_model(model))
    except Exception as error:  # the hub's, the network's and the disk's errors
        if isinstance(error, OSError) and error.errno == ENOSPC:
            raise DiskFull() from error
        raise SpeechModelMissing(model) from error


def device(wanted: str) -> str:
    """cpu or cuda. Raises ConfigInvalid where the one that is wanted cannot be used."""
    if wanted == "cpu":
        return "cpu"
    is_there = ctranslate2.get_cuda_device_count() > 0 and _find_cublas()
    if wanted == "cuda" and not is_there:
        raise ConfigInvalid("speech.device", "no GPU with CUDA 12 that can be used here")
    return "cuda" if is_there else "cpu"


def _find_cublas() -> bool:
    """CTranslate2 opens libcublas by name and does not look into Python's packages; a library that
    is open already is found."""
    package = find_spec("nvidia.cublas") if find_spec("nvidia") else None
    folders = package.submodule_search_locations if package else None
    names = [str(Path(folder, "lib", "libcublas.so.12")) for folder in folders or ()]
    for name in (*names, "libcublas.so.12", "cublas64_12.dll"):
        try:
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        return True
    return False


def best_compute_type(wanted: str, supported: Collection[str], free_mb: int) -> str:
    """The one that is wanted, else the fastest that fits: int8 on the CPU, on a GPU float16 if
    there is room for it and not the lightest is wanted."""
    if wanted not in ("auto", LIGHTEST, "default", *supported):
        raise ConfigInvalid("speech.compute_type", f"not one of {', '.join(sorted(supported))}")
    if wanted not in ("auto", LIGHTEST):
        return wanted
    if wanted == "auto" and "float16" in supported and free_mb >= FLOAT16_MB:
        return "float16"
    return next((t for t in ("int8_float16", "int8") if t in supported), "default")


def _free_gpu_mb() -> int:
    """Free memory of the first GPU; 0 where nvidia-smi does not tell."""
    command = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return int(told.stdout.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0
