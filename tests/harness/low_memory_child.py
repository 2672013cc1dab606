"""A speech child that runs out of memory mid-audio, in the way its setup names, until a call
requests the compute settings `bears`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from core.errors import SpeechDeviceFailed, WorkerOutOfMemory
from core.json_values import from_plain
from core.model import Segment, SpeechCompute, Window
from core.ports import ProgressCallback
from core.workers.child_server import Method, Setup

SAID = tuple(Segment(float(n), n + 1.0, f"Sentence {n}.") for n in range(4))
_FAILS_FROM = 2


def build(role: str, setup: Setup) -> dict[str, Method]:
    bears, trouble = from_plain(SpeechCompute, setup["bears"]), TROUBLE[setup["trouble"]]

    def transcribe(
        on_progress: ProgressCallback, file: BinaryIO, language: str, from_s: float, compute: object
    ) -> Iterator[Window]:
        yield Window(0.0, float(len(SAID)))
        for n, segment in enumerate(SAID):
            if segment.end_s <= from_s:
                continue
            if n >= _FAILS_FROM and from_plain(SpeechCompute, compute) != bears:
                trouble()
            yield Window(segment.end_s, float(len(SAID)), "en", (segment,))

    return {
        "transcribe": transcribe,
        "resolve_compute": lambda on_progress, compute: resolve_compute(
            from_plain(SpeechCompute, compute)
        ),
    }


def resolve_compute(compute: SpeechCompute) -> SpeechCompute:
    return (
        SpeechCompute("cuda", "float16", compute.batch_size)
        if compute.device == "auto"
        else compute
    )


def be_told() -> None:
    raise WorkerOutOfMemory("speech", "CUDA failed with error out of memory")


def run_out() -> None:
    raise MemoryError


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def bloat() -> None:
    filled = b"x" * (500 << 20)
    time.sleep(600)
    del filled


def lose_the_card() -> None:
    raise SpeechDeviceFailed("CUDA failed with error unspecified launch failure")


TROUBLE: dict[str, Callable[[], None]] = {
    "told": be_told,
    "python": run_out,
    "kernel": be_killed,
    "bloat": bloat,
    "card": lose_the_card,
}
