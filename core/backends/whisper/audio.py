"""Decode audio through PyAV, in a thread that may open no file: it is given the one open audio.

A file comes from strangers: it may be a playlist that names other files, or a few kilobytes that
decode to gigabytes.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain, groupby
from pathlib import Path
from typing import Any, BinaryIO

import av
import av.subtitles.codeccontext
import av.subtitles.stream
import av.subtitles.subtitle  # PyAV would import them later, when no file may be opened any more
import numpy as np
from numpy.typing import NDArray

from core.errors import NoAudio, NotMedia, VideoTooLong
from core.sandbox import forbid_files

log = logging.getLogger(__name__)

Samples = NDArray[np.float32]
"""Mono, 16 kHz, −1 to 1."""

RATE = 16_000
_CONTAINERS = (
    *("aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "asf", "au", "avi", "caf", "dts"),
    *("eac3", "flac", "flv", "loas", "matroska", "mov", "mp3", "mpeg", "mpegts", "ogg", "rm"),
    *("tta", "w64", "wav", "wv"),
)
"""None of them names other files, as playlists (hls, concat, dash, imf, sdp …) do."""
_OPTIONS = {"protocol_whitelist": "fd", "format_whitelist": ",".join(_CONTAINERS)}
_MIN_RATE = 4_000
"""Lower than any telephone. A file of a few kilobytes at 1 Hz would last for hours."""
_BLOCK_VALUES, _BLOCK_S = 250_000, 10
"""What is resampled at once: at most so many samples of all channels, or seconds."""
_BLOCKS_AHEAD = 4
_TEXT_ART_CODECS = ("ansi", "bintext", "idf", "xbin")

_Item = float | Samples | None


class AudioFile:
    """A file being decoded. `header_s`: the duration that its header claims, 0 if it has none.

    Iterate once: blocks of samples, decoded a little ahead."""

    def __init__(self, header_s: float, blocks: Iterator[Samples]) -> None:
        self.header_s = header_s
        self._blocks = blocks

    def __iter__(self) -> Iterator[Samples]:
        return self._blocks


@contextmanager
def open_audio(audio: Path | BinaryIO, max_minutes: int) -> Iterator[AudioFile]:
    """Decode the file's best audio stream, skipping damaged packets. `audio`: its path, or the file
    itself, open at its start.

    Raises NoAudio, NotMedia; iterating raises NotMedia for a file without a sample, and
    VideoTooLong beyond `max_minutes`, whatever the header claims."""
    items: queue.Queue[_Item] = queue.Queue(_BLOCKS_AHEAD)
    is_closed = threading.Event()

    def put(item: _Item) -> None:
        while not is_closed.is_set():
            try:
                items.put(item, timeout=0.1)
                return
            except queue.Full:
                continue
        raise _Closed

    with ExitStack() as stack:
        file = stack.enter_context(_open(audio)) if isinstance(audio, Path) else audio
        threads = stack.enter_context(ThreadPoolExecutor(1))
        decoding = threads.submit(_decode, file, put)
        try:
            header_s = items.get()
            if header_s is None:
                decoding.result()
            assert isinstance(header_s, float)
            yield AudioFile(header_s, _blocks(_name(file), items, decoding, max_minutes))
        finally:
            is_closed.set()


class _Closed(Exception):
    """Nobody reads on."""


def _blocks(
    name: str, items: queue.Queue[_Item], decoding: Future[None], max_minutes: int
) -> Iterator[Samples]:
    total = 0
    while (block := items.get()) is not None:
        assert isinstance(block, np.ndarray)
        total += len(block)
        minutes = round(total / RATE / 60)
        if minutes > max_minutes:
            raise VideoTooLong(minutes, max_minutes)
        yield block
    decoding.result()  # raises what ended it
    if not total:
        raise NotMedia(name)


def _decode(file: BinaryIO, put: Callable[[_Item], None]) -> None:
    """Put the header's duration, then blocks of samples; None at the end, also after an error."""
    try:
        if not forbid_files():
            log.info("this kernel has no Landlock")
        with _container(file) as (container, stream):
            put(_header_s(container, stream))
            for block in _resampled(_frames(container, stream)):
                put(block.astype(np.float32) / np.float32(32768))
    finally:
        put(None)


def _open(audio: Path) -> BinaryIO:
    try:
        return audio.open("rb")
    except OSError as error:
        raise NotMedia(audio.name) from error


def _name(file: BinaryIO) -> str:
    """The file's name; a number if it was opened elsewhere."""
    return Path(str(file.name)).name


@contextmanager
def _container(file: BinaryIO) -> Iterator[tuple[Any, Any]]:
    """Open the container and its best audio stream. Raises NoAudio, NotMedia."""
    try:
        with av.open("fd:", options={"fd": str(file.fileno()), **_OPTIONS}) as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise NoAudio() if _has_video(container) else NotMedia(_name(file))
            if (stream.codec_context.sample_rate or _MIN_RATE) < _MIN_RATE:
                raise NotMedia(_name(file))
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        raise NotMedia(_name(file)) from error


def _header_s(container: Any, stream: Any) -> float:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return float((container.duration or 0) / av.time_base)


def _has_video(container: Any) -> bool:
    """FFmpeg also decodes text, and any bytes named .bin, as pictures: ignore those codecs."""
    codecs = [stream.codec_context for stream in container.streams.video]
    return any(codec and codec.width and codec.name not in _TEXT_ART_CODECS for codec in codecs)


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    packets = container.demux(stream)
    while True:
        try:
            yield from (frame for frame in next(packets).decode() if frame.sample_rate >= _MIN_RATE)
        except StopIteration:
            return
        except av.FFmpegError:
            continue  # an error in the container itself also ends `packets`


def _resampled(frames: Iterable[Any]) -> Iterator[NDArray[np.int16]]:
    def sample_format(frame: Any) -> tuple[str, str, int]:
        return frame.format.name, frame.layout.name, frame.sample_rate

    for _, run in groupby(frames, key=sample_format):  # it can change in mid-stream
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        for block in chain(_merged(run), [None]):
            for resampled in resampler.resample(block):
                yield resampled.to_ndarray()[0]


def _merged(frames: Iterable[Any]) -> Iterator[Any]:
    """Merge frames of one format: resampling them one by one takes three times as long."""
    fifo = av.AudioFifo()
    for frame in frames:
        frame.pts = None  # ignore gaps and jumps in the stream's timestamps
        fifo.write(frame)
        most = min(_BLOCK_VALUES // frame.layout.nb_channels, _BLOCK_S * frame.sample_rate)
        if fifo.samples >= most:
            yield fifo.read()
    if fifo.samples:
        yield fifo.read()
