"""A child process that works, hangs, crashes or leaks memory, as a test asks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from core.errors import GeoBlocked
from core.model import Progress
from core.ports import ProgressCallback
from core.workers.child_main import Method, Setup, serve

HOARD: list[bytes] = []


def build(setup: Setup) -> dict[str, Method]:
    return {
        "echo": lambda on_progress, value: value,
        "count": count,
        "pid": lambda on_progress: os.getpid(),
        "environment": lambda on_progress: dict(os.environ),
        "refuse": refuse,
        "break": lambda on_progress: 1 // 0,
        "crash": lambda on_progress: os.kill(os.getpid(), signal.SIGSEGV),
        "exit": lambda on_progress: os._exit(3),
        "hang": lambda on_progress: time.sleep(600),
        "stop": lambda on_progress: os.kill(os.getpid(), signal.SIGSTOP),
        "hold": lambda on_progress: sum(iter(int, 1)),  # endless, in C: keeps the GIL
        "bloat": bloat,
        "have_bloated_child": have_bloated_child,
        "run_out": run_out,
        "hoard": hoard,
        "rank": lambda on_progress: os.nice(0),
        "babble": babble,
        "have_child": lambda on_progress: subprocess.Popen(["sleep", "600"]).pid,
        "write": write,
        "read": lambda on_progress, path: Path(path).read_text(),
        "write_text": lambda on_progress, path, text: Path(path).write_text(text),
        "runs": lambda on_progress, program: subprocess.check_output(program, text=True),
    }


def count(on_progress: ProgressCallback, until: int, pause_s: float) -> Iterator[int]:
    for n in range(until):
        on_progress(Progress("transcribe", n / until))
        yield n
        time.sleep(pause_s)


def bloat(on_progress: ProgressCallback, size: int) -> None:
    filled = b"x" * size
    time.sleep(600)
    del filled


def have_bloated_child(on_progress: ProgressCallback, size: int) -> None:
    program = f"import time; filled = b'x' * {size}; time.sleep(600)"
    subprocess.run([sys.executable, "-c", program])


def run_out(on_progress: ProgressCallback) -> None:
    raise MemoryError


def hoard(on_progress: ProgressCallback, size: int, pieces: int) -> Iterator[int]:
    """Allocate more memory with each piece and never free it."""
    for _ in range(pieces):
        HOARD.append(b"x" * size)
        yield os.getpid()


def refuse(on_progress: ProgressCallback) -> None:
    raise GeoBlocked(("DE", "FR"))


def babble(on_progress: ProgressCallback) -> str:
    print("a library's chatter")
    os.system("echo chatter of a program")
    return "the result"


def write(on_progress: ProgressCallback, path: str, size: int) -> None:
    with open(path, "wb") as file:
        file.write(b"x" * size)


if __name__ == "__main__":
    serve(sys.argv[1], build)
