"""Hear with faster-whisper and nothing around it.

    python -m tests.bench.hear_alone FILE...

Prints as JSON the seconds each file took; importing and loading come before and are in none.
"""

from __future__ import annotations

import json
import sys
import time

from faster_whisper import BatchedInferencePipeline

from bot.config import read_config
from core.backends.whisper.model_loading import load
from tests.bench.fresh import CONFIG


def main(files: list[str]) -> list[float]:
    """Stock BatchedInferencePipeline with timestamps; model, device, numbers, threads and batch
    size are Tubethread's."""
    speech = read_config(CONFIG).speech
    pipeline = BatchedInferencePipeline(load(speech))
    seconds = []
    for file in files:
        began = time.perf_counter()
        segments, _ = pipeline.transcribe(
            file, batch_size=speech.batch_size, without_timestamps=False
        )
        assert list(segments)  # the work is done while they are read
        seconds.append(time.perf_counter() - began)
    return seconds


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
