"""This file is a child process that behaves as a test needs: it works, hangs, crashes, babbles."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from core.errors import GeoBlocked
from core.model import Progress
from core.ports import Tell
from core.workers.child_main import Method, Setup, serve

HOARD: list[bytes] = []


def build(setup: Setup) -> dict[str, Method]:
    return {
        "echo": lambda tell, value: value,
        "count": count,
        "pid": lambda tell: os.getpid(),
        "environment": lambda tell: dict(os.environ),
        "refuse": refuse,
        "break": lambda tell: 1 // 0,
        "crash": lambda tell: os.kill(os.getpid(), signal.SIGSEGV),
        "exit": lambda tell: os._exit(3),
        "hang": lambda tell: time.sleep(600),
        "stop": lambda tell: os.kill(os.getpid(), signal.SIGSTOP),
        "hold": lambda tell: sum(iter(int, 1)),  # in C, without an end: no other thread runs
        "bloat": bloat,
        "have_bloated_child": have_bloated_child,
        "run_out": run_out,
        "hoard": hoard,
        "rank": lambda tell: os.nice(0),
        "babble": babble,
        "have_child": lambda tell: subprocess.Popen(["sleep", "600"]).pid,
        "write": write,
    }


def count(tell: Tell, until: int, pause_s: float) -> Iterator[int]:
    for n in range(until):
        tell(Progress("transcribe", n / until))
        yield n
        time.sleep(pause_s)


def bloat(tell: Tell, size: int) -> None:
    filled = b"x" * size
    time.sleep(600)
    del filled


def have_bloated_child(tell: Tell, size: int) -> None:
    program = f"import time; filled = b'x' * {size}; time.sleep(600)"
    subprocess.run([sys.executable, "-c", program])


def run_out(tell: Tell) -> None:
    raise MemoryError


def hoard(tell: Tell, size: int, pieces: int) -> Iterator[int]:
    """Holds more with each piece, and does not give it back."""
    for _ in range(pieces):
        HOARD.append(b"x" * size)
        yield os.getpid()


def refuse(tell: Tell) -> None:
    raise GeoBlocked(("DE", "FR"))


def babble(tell: Tell) -> str:
    print("a library's chatter")
    os.system("echo a program's chatter")
    return "the result"


def write(tell: Tell, path: str, size: int) -> None:
    with open(path, "wb") as file:
        file.write(b"x" * size)


if __name__ == "__main__":
    serve(sys.argv[1], build)
