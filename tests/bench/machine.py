"""Describe the machine on which figures were measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import psutil

PACKAGES = ("faster-whisper", "ctranslate2", "sentence-transformers", "torch", "chromadb")


def machine() -> dict[str, str]:
    """Return its hardware, installed packages and current load."""
    cores = f"{os.cpu_count()} (physical {psutil.cpu_count(logical=False)})"
    return {
        "cores": cores,
        "memory": f"{psutil.virtual_memory().total / 1024**3:.0f} GB",
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }
