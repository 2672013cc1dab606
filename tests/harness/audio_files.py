"""Write audio files for tests, and compute the word error rate of a transcript."""

from __future__ import annotations

import re
import wave
from pathlib import Path

import av
import numpy as np

from core.backends.whisper.audio import open_audio

RATE = 16_000


def write_wav(path: Path, samples: np.ndarray) -> Path:
    """Write 16-bit mono audio. `samples`: one channel at 16 kHz, −1 to 1."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes())
    return path


def read_samples(audio: Path) -> np.ndarray:
    """Decode a whole file to one channel at 16 kHz, −1 to 1."""
    with open_audio(audio, max_minutes=1440) as opened:
        return np.concatenate(list(opened))


def write_silent_film(path: Path) -> Path:
    """Write one second of grey video without sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        grey = np.full((64, 64, 3), 128, dtype=np.uint8)
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return path


def word_error_rate(said: str, heard: str) -> float:
    """Compute the word error rate in percent of the words said, ignoring case and punctuation.

    >>> word_error_rate("Bees dance at noon.", "bees dance at one")
    25.0
    """
    wanted, got = (re.findall(r"[\w']+", text.lower()) for text in (said, heard))
    row = list(range(len(got) + 1))
    for i, word in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(got, start=1):
            best = min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
            diagonal, row[j] = row[j], best
    return 100 * row[-1] / len(wanted)
