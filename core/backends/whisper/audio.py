"""This file reads any audio that FFmpeg can read, through PyAV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from core.errors import NoAudio, NotMedia

Samples = NDArray[np.float32]
"""One channel of 16 kHz, −1 to 1."""

RATE = 16_000
_BLOCK = 500_000
"""Samples."""
_LETTERS = ("ansi", "bintext", "idf", "xbin")


def container_duration(audio: Path) -> float:
    """0 where the container does not say."""
    with _opened(audio) as (container, stream):
        if stream.duration:
            return float(stream.duration * stream.time_base)
        return float((container.duration or 0) / av.time_base)


def decode(audio: Path) -> Samples:
    """All that can be decoded: damaged packets are passed over."""
    with _opened(audio) as (container, stream):
        pieces = list(_resampled(_frames(container, stream)))
    samples = np.empty(sum(map(len, pieces)), dtype=np.float32)
    if not len(samples):
        raise NotMedia(audio.name)
    np.concatenate(pieces, out=samples)
    samples /= 32768
    return samples


@contextmanager
def _opened(audio: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its best audio stream."""
    try:
        # A playlist that calls itself audio must not send FFmpeg to the network.
        with av.open(f"file:{audio}", options={"protocol_whitelist": "file"}) as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise NoAudio() if _has_pictures(container) else NotMedia(audio.name)
            yield container, stream
    except av.FFmpegError as error:
        raise NotMedia(audio.name) from error


def _has_pictures(container: Any) -> bool:
    """FFmpeg also takes text, and any bytes named .bin, for pictures of letters."""
    codecs = [stream.codec_context for stream in container.streams.video]
    return any(codec and codec.width and codec.name not in _LETTERS for codec in codecs)


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    packets = container.demux(stream)
    while True:
        try:
            yield from next(packets).decode()
        except StopIteration:
            return
        except av.FFmpegError:
            continue  # after an error in the container itself, `packets` is at its end


def _resampled(frames: Iterable[Any]) -> Iterator[NDArray[np.int16]]:
    def form(frame: Any) -> tuple[str, str, int]:
        return frame.format.name, frame.layout.name, frame.sample_rate

    for _, alike in groupby(frames, key=form):  # it can change in the middle of a stream
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        for block in chain(_blocks(alike), [None]):
            for piece in resampler.resample(block):
                yield piece.to_ndarray()[0]


def _blocks(frames: Iterable[Any]) -> Iterator[Any]:
    """Frames of one form put together: one by one, resampling costs three times as much."""
    fifo = av.AudioFifo()
    for frame in frames:
        frame.pts = None  # gaps and jumps in a stream's own clock are of no interest
        fifo.write(frame)
        if fifo.samples >= _BLOCK:
            yield fifo.read()
    if fifo.samples:
        yield fifo.read()
