"""Cut audio that is still being decoded into stretches of one batch, so that memory does not grow
with its length and the first batch is ready after minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.backends.whisper.audio import RATE, Samples
from core.backends.whisper.clips import MAX_CLIP_S, Clip

_SILENCE_KEPT_S = 1.0
"""Speech may begin at the very end of silence."""

Cut = Callable[[Samples], list[Clip]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples from second `start_s` of the audio, valid until the next stretch is asked for.

    `clips`: at most one batch, with times from the stretch's beginning. `end_s`: up to where the
    audio is dealt with after it."""

    start_s: float
    samples: Samples
    clips: Sequence[Clip]
    end_s: float


def stretches(
    blocks: Iterable[Samples], cut: Cut, batch_size: int, from_s: float = 0.0
) -> Iterator[Stretch]:
    """Yield stretches in order; the last one has no clips and ends with the audio.

    `cut` finds the clips in samples. `from_s`: skip what is before. From one second on, the
    stretches are the same whether the audio before it was skipped or not."""
    at = round(from_s * RATE)
    buffer = _Buffer(round((batch_size + 1) * MAX_CLIP_S * RATE))
    for block in _skip(blocks, at):
        rest = block
        while len(rest := buffer.add(rest)) or buffer.is_full:
            clips, used = _finished(cut(buffer.samples), len(buffer.samples))
            if clips := clips[:batch_size]:
                yield (stretch := _stretch(at, buffer.samples, clips))
                used = len(stretch.samples)
            at += used
            buffer.drop(used)
    while clips := cut(buffer.samples)[:batch_size] if len(buffer.samples) else []:
        yield (stretch := _stretch(at, buffer.samples, clips))
        at += len(stretch.samples)
        buffer.drop(len(stretch.samples))
    end_s = (at + len(buffer.samples)) / RATE
    yield Stretch(end_s, buffer.samples[:0], [], end_s)


class _Buffer:
    """The audio that is not dealt with yet, in one piece of memory."""

    def __init__(self, size: int) -> None:
        self._memory = np.empty(size, dtype=np.float32)
        self._used = 0

    @property
    def samples(self) -> Samples:
        """A view: valid until the next `add` or `drop`."""
        return self._memory[: self._used]

    @property
    def is_full(self) -> bool:
        return self._used == len(self._memory)

    def add(self, block: Samples) -> Samples:
        """Take what fits; return the rest."""
        count = min(len(block), len(self._memory) - self._used)
        self._memory[self._used : self._used + count] = block[:count]
        self._used += count
        return block[count:]

    def drop(self, count: int) -> None:
        """Forget the first samples."""
        self._memory[: self._used - count] = self._memory[count : self._used]
        self._used -= count


def _skip(blocks: Iterable[Samples], count: int) -> Iterator[Samples]:
    """Leave out the first `count` samples."""
    for block in blocks:
        if count < len(block):
            yield block[count:]
        count = max(count - len(block), 0)


def _finished(clips: list[Clip], samples: int) -> tuple[list[Clip], int]:
    """Return the clips that later audio cannot change, and how many samples are before the others:
    a clip is finished if none, or as much audio as a clip can hold, follows it."""
    end_s = samples / RATE
    if not clips:
        return [], samples - round(_SILENCE_KEPT_S * RATE)
    if clips[-1].end_s + MAX_CLIP_S <= end_s:
        return clips, samples
    return clips[:-1], round(clips[-1].start_s * RATE)


def _stretch(at: int, samples: Samples, clips: Sequence[Clip]) -> Stretch:
    used = min(round(clips[-1].end_s * RATE), len(samples))
    return Stretch(at / RATE, samples[:used], clips, (at + used) / RATE)
