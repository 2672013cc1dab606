"""`make update` in an environment of its own, with releases of yt-dlp in a folder and the recorded
YouTube behind them. Starts the whole program twice: what pip really does to files is its subject.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.counterparts.youtube.recorded_videos import LECTURE
from tests.harness.terminal import REPLAY, ROOT

PACKAGE = Path(str(metadata.distribution("yt-dlp").locate_file("yt_dlp")))
WORKS = f"__path__ = [{str(PACKAGE)!r}]\nexec(open({str(PACKAGE / '__init__.py')!r}).read())\n"
"""A release whose modules are those of the installed yt-dlp."""
BROKEN = "raise ImportError('a broken release')\n"


def release(folder: Path, version: str, code: str) -> Path:
    """Write a wheel."""
    info = f"yt_dlp-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: yt-dlp\nVersion: {version}\n"
    files = {
        "yt_dlp/__init__.py": code,
        f"{info}/METADATA": about + "Provides-Extra: default\nProvides-Extra: deno\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{info}/RECORD"
    files[record] = "".join(f"{name},,\n" for name in (*files, record))
    path = folder / f"yt_dlp-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return path


class Environment:
    """A virtual environment that has our packages, and a yt-dlp of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.releases = folder, folder / "releases"
        self.releases.mkdir()
        where = folder / "venv"
        venv = (sys.executable, "-m", "venv", "--without-pip", str(where))
        subprocess.run(venv, check=True)
        self.python = where / "bin" / "python"
        [self.packages] = where.glob("lib/python*/site-packages")
        (self.packages / "ours.pth").write_text(f"{PACKAGE.parent}\n")
        (folder / "config.yaml").write_text(json.dumps({"data_dir": str(folder / "data")}))
        (folder / "data").mkdir()

    def install(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as opened:
            opened.extractall(self.packages)

    def update(self) -> tuple[int, str]:
        pip = {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.releases),
            "PIP_CONFIG_FILE": "/dev/null",
        }
        command = ("-m", "tools.update", "--config", str(self.folder / "config.yaml"))
        ran = subprocess.run(
            (self.python, *command, "--video", LECTURE),
            cwd=ROOT,
            env=os.environ | pip | REPLAY,
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr

    def files(self) -> dict[str, str]:
        """The files of yt-dlp."""
        found = [path for path in self.packages.rglob("*") if path.is_file()]
        return {
            str(path.relative_to(self.packages)): path.read_text()
            for path in found
            if "yt_dlp" in str(path) and "__pycache__" not in str(path)
        }


@pytest.fixture
def environment(tmp_path) -> Environment:
    return Environment(tmp_path)


def test_a_broken_release_goes_and_a_good_one_stays(environment):
    environment.install(release(environment.folder, "2026.1.1", WORKS))
    before = environment.files()
    release(environment.releases, "2099.1.1", BROKEN)
    code, said = environment.update()
    assert code == 1, said
    assert "Installed yt-dlp 2099.1.1, in place of yt-dlp 2026.1.1." in said
    assert "Back to yt-dlp 2026.1.1." in said
    assert environment.files() == before
    release(environment.releases, "2099.2.2", WORKS)
    code, said = environment.update()
    assert code == 0, said
    assert said.splitlines()[-1] == "The known video works."
    assert {name for name in environment.files() if "dist-info" in name} >= {
        "yt_dlp-2099.2.2.dist-info/METADATA"
    }
    assert not list(environment.folder.glob("venv/.former*"))


def test_while_youtube_asks_for_a_pause_nothing_is_changed(environment):
    environment.install(release(environment.folder, "2026.1.1", WORKS))
    release(environment.releases, "2099.1.1", BROKEN)
    state = {"refusals": 1, "closed_until": 4e9, "is_bot_check": False}
    (environment.folder / "data" / "youtube-gate.json").write_text(json.dumps(state))
    before = environment.files()
    code, said = environment.update()
    assert (code, environment.files()) == (75, before), said
