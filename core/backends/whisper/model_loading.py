"""Find, download and load a speech model on the best available device."""

from __future__ import annotations

import ctypes
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
from core.gpu import find_gpu
from core.model import LIGHTEST_COMPUTE

FLOAT16_MB = 6000
"""Free memory needed: large-v3 with a batch of 8 took 6.1 GB in float16, 4.5 GB in int8
(faster-whisper's README)."""


def load(speech: Speech) -> WhisperModel:
    """Load the configured model, downloading it if needed.

    Raises SpeechModelMissing, WorkerOutOfMemory, SpeechDeviceFailed, ConfigInvalid, DiskFull."""
    target, compute_type = resolve_compute(speech.device, speech.compute_type)
    folder = find_or_download(speech.model)
    ctranslate2.set_random_seed(0)  # the second pass may sample: keep it repeatable
    try:
        return WhisperModel(
            folder,
            device=target,
            compute_type=compute_type,
            cpu_threads=psutil.cpu_count(logical=False) or 4,
        )
    except Exception as error:  # tokenizers raises nothing more specific
        raise resource_error(error) or SpeechModelMissing(speech.model) from error


def resolve_compute(wanted_device: str, wanted_type: str) -> tuple[str, str]:
    """Resolve `auto` and `lightest` to the device and compute type to use now."""
    target = device(wanted_device)
    return target, best_compute_type(
        wanted_type,
        ctranslate2.get_supported_compute_types(target),
        free_mb=_free_gpu_mb() if target == "cuda" else 0,
    )


def is_downloaded(model: str) -> bool:
    """Whether the model can be loaded without a download.

    Raises SpeechModelMissing for an unknown model name."""
    if Path(model).is_dir():
        return Path(model, "model.bin").is_file()
    try:
        return Path(download_model(model, local_files_only=True), "model.bin").exists()
    except OSError:
        return False
    except ValueError as error:
        raise SpeechModelMissing(model) from error


def find_or_download(model: str) -> str:
    """Return the folder of the model's files. Raises SpeechModelMissing, DiskFull."""
    if Path(model).is_dir():
        return model
    try:
        folder = download_model(model, local_files_only=True)
        if Path(folder, "model.bin").exists():  # otherwise a download was interrupted
            return str(folder)
    except (OSError, ValueError):
        pass
    try:
        return str(download_model(model))
    except Exception as error:  # errors of the hub, the network and the disk
        if isinstance(error, OSError) and error.errno == ENOSPC:
            raise DiskFull() from error
        raise SpeechModelMissing(model) from error


def device(wanted: str) -> str:
    """Return "cpu" or "cuda". Raises ConfigInvalid if the wanted device cannot be used."""
    if wanted == "cpu":
        return "cpu"
    has_cuda = ctranslate2.get_cuda_device_count() > 0 and _load_cublas()
    if wanted == "cuda" and not has_cuda:
        raise ConfigInvalid("speech.device", "no usable GPU with CUDA 12 on this machine")
    return "cuda" if has_cuda else "cpu"


def _load_cublas() -> bool:
    """Open libcublas in advance. CTranslate2 opens it by name and does not search Python packages,
    but finds a library that is already open."""
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
    """Resolve `auto` and `lightest`; return any other supported type as it is.

    `auto` is float16 on a GPU with enough free memory, otherwise int8. Raises ConfigInvalid."""
    if wanted not in ("auto", LIGHTEST_COMPUTE, "default", *supported):
        raise ConfigInvalid("speech.compute_type", f"not one of {', '.join(sorted(supported))}")
    if wanted not in ("auto", LIGHTEST_COMPUTE):
        return wanted
    if wanted == "auto" and "float16" in supported and free_mb >= FLOAT16_MB:
        return "float16"
    return next((t for t in ("int8_float16", "int8") if t in supported), "default")


def _free_gpu_mb() -> int:
    """Free memory of the first GPU in MiB, or 0 if unknown."""
    gpu = find_gpu()
    return gpu.free_bytes // 2**20 if gpu else 0
