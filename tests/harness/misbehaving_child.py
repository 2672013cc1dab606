"""A child process that works, hangs, crashes or leaks memory, as a test asks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import GeoBlocked
from core.model import Progress
from core.ports import ProgressCallback
from core.workers.child_server import Method, Setup

HOARD: list[bytes] = []


def build(role: str, setup: Setup) -> dict[str, Method]:
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
        "read_given": lambda on_progress, file: file.read().decode(),
        "allowed": lambda on_progress, **what: allowed(**what),
        "threads": threads,
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


def allowed(read: list[str], written: list[str], port: int) -> object:
    """Which files it may read, to which folders it may write, and whether it may connect."""

    def may(use: Callable[[], object]) -> bool:
        try:
            use()
        except PermissionError:
            return False
        return True

    return {
        "read": [
            path for path in read if may(lambda path=path: os.close(os.open(path, os.O_RDONLY)))
        ],
        "written": [path for path in written if may(Path(path, "new").touch)],
        "connect": may(lambda: socket.create_connection(("127.0.0.1", port)).close()),
    }


def threads(on_progress: ProgressCallback) -> list[bool]:
    """Whether each thread has given up rights. Landlock asks it to forgo new privileges first."""
    statuses = [task.read_text() for task in Path("/proc/self/task").glob("*/status")]
    return ["NoNewPrivs:\t1" in status for status in statuses]


def write(on_progress: ProgressCallback, path: str, size: int) -> None:
    with open(path, "wb") as file:
        file.write(b"x" * size)
