"""Decode any audio that FFmpeg can read, through PyAV."""

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
"""Mono, 16 kHz, −1 to 1."""

RATE = 16_000
_BLOCK_SAMPLES = 500_000
_TEXT_ART_CODECS = ("ansi", "bintext", "idf", "xbin")


def container_duration(audio: Path) -> float:
    """Return the duration in the container's header, in seconds; 0 if it has none."""
    with _open(audio) as (container, stream):
        if stream.duration:
            return float(stream.duration * stream.time_base)
        return float((container.duration or 0) / av.time_base)


def decode(audio: Path) -> Samples:
    """Decode the whole file, skipping damaged packets. Raises NoAudio, NotMedia."""
    with _open(audio) as (container, stream):
        blocks = list(_resampled(_frames(container, stream)))
    samples = np.empty(sum(map(len, blocks)), dtype=np.float32)
    if not len(samples):
        raise NotMedia(audio.name)
    np.concatenate(blocks, out=samples)
    samples /= 32768
    return samples


@contextmanager
def _open(audio: Path) -> Iterator[tuple[Any, Any]]:
    """Open the container and its best audio stream. Raises NoAudio, NotMedia."""
    try:
        # A playlist disguised as audio must not make FFmpeg open the network.
        with av.open(f"file:{audio}", options={"protocol_whitelist": "file"}) as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise NoAudio() if _has_video(container) else NotMedia(audio.name)
            yield container, stream
    except av.FFmpegError as error:
        raise NotMedia(audio.name) from error


def _has_video(container: Any) -> bool:
    """FFmpeg also decodes text, and any bytes named .bin, as pictures: ignore those codecs."""
    codecs = [stream.codec_context for stream in container.streams.video]
    return any(codec and codec.width and codec.name not in _TEXT_ART_CODECS for codec in codecs)


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    packets = container.demux(stream)
    while True:
        try:
            yield from next(packets).decode()
        except StopIteration:
            return
        except av.FFmpegError:
            continue  # an error in the container itself also ends `packets`


def _resampled(frames: Iterable[Any]) -> Iterator[NDArray[np.int16]]:
    def sample_format(frame: Any) -> tuple[str, str, int]:
        return frame.format.name, frame.layout.name, frame.sample_rate

    for _, run in groupby(frames, key=sample_format):  # it can change in mid-stream
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        for block in chain(_blocks(run), [None]):
            for resampled in resampler.resample(block):
                yield resampled.to_ndarray()[0]


def _blocks(frames: Iterable[Any]) -> Iterator[Any]:
    """Merge frames of one format: resampling them one by one takes three times as long."""
    fifo = av.AudioFifo()
    for frame in frames:
        frame.pts = None  # ignore gaps and jumps in the stream's timestamps
        fifo.write(frame)
        if fifo.samples >= _BLOCK_SAMPLES:
            yield fifo.read()
    if fifo.samples:
        yield fifo.read()
