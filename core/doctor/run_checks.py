"""Run every check, each with a timeout and independent of the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from core.config import Core
from core.doctor.language_model import language_model, model_server, ollama
from core.doctor.machine import data_folder, disk, gpu, python
from core.doctor.models import embedder, speech_model
from core.doctor.store import caches, store
from core.doctor.youtube import javascript, yt_dlp
from core.errors import CoreError
from core.model import Check

log = logging.getLogger(__name__)

LIMIT_S = 15.0
"""Timeout of a check. A child takes one or two seconds; reading gigabytes of store, more."""

CheckFunction = Callable[[Core], Awaitable[Check | None]]

ROUNDS: tuple[dict[str, CheckFunction], ...] = (
    {
        "python": python,
        "javascript": javascript,
        "yt_dlp": yt_dlp,
        "gpu": gpu,
        "speech_model": speech_model,
        "embedder": embedder,
        "ollama": ollama,
        "model_server": model_server,
        "language_model": language_model,
        "data_folder": data_folder,
        "disk": disk,
        "store": store,
    },
    {"caches": caches},  # after `store`: both migrate a new store, which only one may do
)


async def examine(
    config: Core, rounds: Sequence[Mapping[str, CheckFunction]] = ROUNDS, limit_s: float = LIMIT_S
) -> list[Check]:
    """Run the checks of each round concurrently. Return results in the order of the checks."""
    found: list[Check] = []
    for checks in rounds:
        running = (_within(limit_s, check(config)) for check in checks.values())
        results = await asyncio.gather(*running, return_exceptions=True)
        judged = map(_judge, checks, results)
        found += [check for check in judged if check is not None]
    return found


async def _within(limit_s: float, check: Awaitable[Check | None]) -> Check | None:
    async with asyncio.timeout(limit_s):
        return await check


def _judge(name: str, result: Check | BaseException | None) -> Check | None:
    """An error or a timeout is a failed check."""
    if not isinstance(result, BaseException):
        return result
    if isinstance(result, TimeoutError):
        return Check(name, "fail", "slow")
    if not isinstance(result, CoreError):
        log.error("unexpected error in the %s check", name, exc_info=result)
    return Check(name, "fail", error=result)
