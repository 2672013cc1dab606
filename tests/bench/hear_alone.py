"""Transcribe with plain faster-whisper and nothing around it.

    python -m tests.bench.hear_alone FILE...

Prints as JSON the seconds for each file, without importing and loading.
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
    """Run the stock BatchedInferencePipeline with timestamps and Tubethread's model, device,
    precision, threads and batch size."""
    speech = read_config(CONFIG).speech
    pipeline = BatchedInferencePipeline(load(speech))
    seconds = []
    for file in files:
        began = time.perf_counter()
        segments, _ = pipeline.transcribe(
            file, batch_size=speech.batch_size, without_timestamps=False
        )
        assert list(segments)  # reading the segments does the work
        seconds.append(time.perf_counter() - began)
    return seconds


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
