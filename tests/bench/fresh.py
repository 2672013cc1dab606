"""Run the program, or a part of the bench, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG = Path(__file__).with_name("config.yaml")
LECTURE = ROOT / "tests" / "assets" / "lecture-10min-us.opus"
SHORT_LECTURE = ROOT / "examples" / "lecture-2min-us.flac"


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished process. `cpu_s`: what it and its children used, however busy the machine was."""

    wall_s: float
    cpu_s: float
    said: str

    @property
    def json(self) -> Any:
        return json.loads(self.said)


def tubethread(data: Path, *arguments: str | Path) -> Ran:
    """Run a command of the program with its data in `data`."""
    return _run([sys.executable, "-m", "bot", "--config", CONFIG, *arguments], data)


def module(name: str, *arguments: str | Path, data: Path | None = None) -> Ran:
    """Run tests/bench/`name`.py, which prints JSON."""
    return _run([sys.executable, "-m", f"tests.bench.{name}", *arguments], data)


def _run(command: list[str | Path], data: Path | None) -> Ran:
    own = {"HF_HUB_OFFLINE": "1"} | ({"TUBETHREAD_DATA": str(data)} if data else {})
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as meanwhile:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(os.environ) | own, stdout=said, stderr=meanwhile
        )
        _, status, used = os.wait4(process.pid, 0)  # unlike wait(), wait4() returns CPU time
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        meanwhile.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, command))}\n{said.read()}{meanwhile.read()}")
        return Ran(wall_s, used.ru_utime + used.ru_stime, said.read())
