"""Leave YouTube alone for a while when it limits this machine or takes it for a bot."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import BotCheck, RateLimited
from core.json_values import from_json, to_json
from core.model import Transcript, Video
from core.ports import Clock, Fetcher, ProgressCallback

log = logging.getLogger(__name__)

_MINUTE = 60.0
PAUSES_S = tuple(minutes * _MINUTE for minutes in (5, 15, 30, 60, 120, 240))
"""After the first refusal, the second, and so on. YouTube's own limits last about an hour."""


@dataclass(frozen=True, slots=True)
class _State:
    """`refusals`: that a success has not made up for. `closed_until`: Unix time."""

    refusals: int = 0
    closed_until: float = 0.0
    is_bot_check: bool = False


class YouTubeGate:
    """`Fetcher` that makes no request while YouTube refuses them.

    All of a machine's requests pass here one by one, as the fetch child serves them. One that
    YouTube refuses closes the gate for a pause, and while it is closed every other fails with the
    same error at once; `error.until` says when to try again. Each refusal makes the pause longer,
    each success shorter. The state is kept in `file`, because YouTube remembers over our restart.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        file: Path,
        now: Clock = time.time,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._fetcher, self._file = fetcher, file
        self._now, self._pauses_s = now, pauses_s
        self._turn = asyncio.Lock()
        self._last = _State()

    async def look_up(self, video_id: str) -> Video:
        async with self._passing():
            return await self._fetcher.look_up(video_id)

    async def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        async with self._passing():
            return await self._fetcher.download(video, folder, on_progress)

    async def captions(self, video: Video, language: str) -> Transcript:
        async with self._passing():
            return await self._fetcher.captions(video, language)

    def pause_s(self) -> float:
        """Seconds until YouTube is asked again; 0 while it may be."""
        return max(self._read().closed_until - self._now(), 0.0)

    def refusals(self) -> int:
        """How many refusals no success has made up for."""
        return self._read().refusals

    @asynccontextmanager
    async def _passing(self) -> AsyncIterator[None]:
        async with self._turn:
            state = self._read()
            if state.closed_until > self._now():
                raise _refusal(state)
            try:
                yield
            except (BotCheck, RateLimited) as error:
                state = self._after_refusal(state, is_bot_check=isinstance(error, BotCheck))
                log.warning("YouTube is left alone until %.0f: %s", state.closed_until, error)
                raise _refusal(state) from error
            if state.refusals:
                self._write(replace(state, refusals=state.refusals - 1))

    def _after_refusal(self, state: _State, *, is_bot_check: bool) -> _State:
        pause_s = self._pauses_s[min(state.refusals, len(self._pauses_s) - 1)]
        state = _State(state.refusals + 1, self._now() + pause_s, is_bot_check)
        self._write(state)
        return state

    def _read(self) -> _State:
        # Read each time: another process may have worked until now. It is 80 bytes.
        try:
            state = from_json(_State, self._file.read_text())
        except FileNotFoundError:
            return self._last
        except (OSError, ValueError):
            log.warning("%s cannot be read", self._file.name, exc_info=True)
            return self._last
        longest = self._now() + self._pauses_s[-1]  # a clock that was wrong closes nothing for good
        return replace(state, closed_until=min(state.closed_until, longest))

    def _write(self, state: _State) -> None:
        self._last = state
        part = self._file.with_suffix(".part")
        try:
            part.write_text(to_json(state))
            part.replace(self._file)
        except OSError:
            log.warning("%s cannot be written", self._file.name, exc_info=True)


def _refusal(state: _State) -> BotCheck | RateLimited:
    kind = BotCheck if state.is_bot_check else RateLimited
    return kind(until=state.closed_until)
